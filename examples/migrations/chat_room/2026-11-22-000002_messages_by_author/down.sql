DROP INDEX messages_by_author;
