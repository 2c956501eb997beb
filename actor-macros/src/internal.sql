-- The row of this table is written by the transaction that creates the actor and removed by the one that destroys it:
-- a file without it does not count.
CREATE TABLE _actor_meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  format INTEGER NOT NULL,
  actor TEXT NOT NULL,
  key TEXT NOT NULL,
  instance TEXT NOT NULL,
  schema TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
-- The checksum of each applied migration, beside Diesel's own table of their versions.
CREATE TABLE _actor_migrations (
  version TEXT PRIMARY KEY NOT NULL,
  checksum TEXT NOT NULL
);
-- The value of the `#[state]` field, as JSON.
CREATE TABLE _actor_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL,
  value TEXT NOT NULL
);
