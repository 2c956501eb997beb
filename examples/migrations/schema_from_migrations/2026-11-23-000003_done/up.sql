ALTER TABLE tasks ADD COLUMN done BOOLEAN NOT NULL DEFAULT FALSE;

CREATE VIEW open_hours AS SELECT id, coalesce(hours, 0) AS hours FROM tasks WHERE NOT done;
