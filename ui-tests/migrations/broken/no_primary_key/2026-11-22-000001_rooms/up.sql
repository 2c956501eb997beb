CREATE TABLE rooms (
  name TEXT NOT NULL,
  topic TEXT
);
