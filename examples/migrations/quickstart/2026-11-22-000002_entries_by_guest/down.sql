DROP INDEX entries_by_guest;
