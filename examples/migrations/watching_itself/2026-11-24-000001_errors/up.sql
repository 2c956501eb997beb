-- What went wrong with a shelf, for those who look after it.
CREATE TABLE errors (
  id INTEGER PRIMARY KEY NOT NULL,
  origin TEXT NOT NULL,
  name TEXT NOT NULL,
  error TEXT NOT NULL
);
