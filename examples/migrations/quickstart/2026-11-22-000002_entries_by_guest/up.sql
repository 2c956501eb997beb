CREATE INDEX entries_by_guest ON entries (guest);
