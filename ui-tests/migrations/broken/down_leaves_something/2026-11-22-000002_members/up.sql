CREATE TABLE members (id INTEGER PRIMARY KEY NOT NULL);
CREATE INDEX rooms_by_name ON rooms (name);
