CREATE TABLE books (
  id BIGINT PRIMARY KEY NOT NULL,
  author INTEGER NOT NULL REFERENCES authors (id),
  title TEXT NOT NULL CHECK (title <> ''), -- "a; b" is a title
  price DOUBLE,
  in_print BOOLEAN NOT NULL DEFAULT TRUE,
  cover BLOB,
  published DATE,
  "type" TEXT NOT NULL DEFAULT 'novel'
);

CREATE INDEX books_by_author ON books (author) WHERE in_print;

CREATE TRIGGER books_keep_their_author BEFORE UPDATE OF author ON books BEGIN
  SELECT RAISE(ABORT, 'a book keeps its author; write another one');
END;
