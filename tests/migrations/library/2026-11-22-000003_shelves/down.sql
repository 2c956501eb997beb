DROP VIEW printed;
DROP TABLE shelves;
ALTER TABLE books DROP COLUMN shelf;
