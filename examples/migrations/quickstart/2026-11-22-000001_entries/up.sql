CREATE TABLE entries (
  id INTEGER PRIMARY KEY NOT NULL,
  guest TEXT NOT NULL,
  words TEXT NOT NULL CHECK (words <> '')
);
