CREATE INDEX rooms_by_name ON rooms (name);
