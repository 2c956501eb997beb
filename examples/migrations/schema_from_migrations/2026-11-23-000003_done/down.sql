DROP VIEW open_hours;
ALTER TABLE tasks DROP COLUMN done;
