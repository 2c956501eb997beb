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
-- Calls that are stored until they are made: timers, messages to other actors, messages of queues. Beside them those that
-- were made last and those that could not be made. One table, because each table and each index is a page of every actor.
CREATE TABLE _actor_calls (
  id INTEGER PRIMARY KEY NOT NULL,
  kind INTEGER NOT NULL,
  name TEXT,
  receiver TEXT,
  input TEXT,
  action TEXT NOT NULL,
  arguments TEXT NOT NULL,
  due INTEGER NOT NULL,
  scheduled INTEGER NOT NULL,
  repeats TEXT,
  tries INTEGER NOT NULL,
  error TEXT
);
CREATE INDEX _actor_calls_by_due ON _actor_calls (kind, due);
-- The last number of each sender whose messages were handled, and under the empty name the last one given to a call above.
CREATE TABLE _actor_sequences (
  sender TEXT PRIMARY KEY NOT NULL,
  last INTEGER NOT NULL
) WITHOUT ROWID;
