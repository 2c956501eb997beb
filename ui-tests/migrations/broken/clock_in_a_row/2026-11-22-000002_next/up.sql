INSERT INTO rooms (name) VALUES ('founded ' || datetime('now'));
