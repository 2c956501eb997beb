INSERT INTO romos (name) VALUES ('lobby');
