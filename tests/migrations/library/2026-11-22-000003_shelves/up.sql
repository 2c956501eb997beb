ALTER TABLE books ADD COLUMN shelf TEXT;

CREATE TABLE shelves (
  room TEXT NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY (room, place)
) WITHOUT ROWID;

CREATE VIEW printed AS SELECT id, title FROM books WHERE in_print;
