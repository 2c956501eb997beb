-- Who wrote.
CREATE TABLE authors (
  id INTEGER PRIMARY KEY NOT NULL,
  -- As it is printed on the cover.
  name TEXT NOT NULL,
  born INTEGER
);
