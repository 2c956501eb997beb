INSERT INTO rooms (name) VALUS ('lobby');
