-- What is to be done.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  -- How many hours it may take.
  hours INTEGER
);
