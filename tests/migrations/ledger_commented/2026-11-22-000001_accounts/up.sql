-- Who has money here.
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY NOT NULL, /* given by SQLite */
  owner TEXT NOT NULL
);
