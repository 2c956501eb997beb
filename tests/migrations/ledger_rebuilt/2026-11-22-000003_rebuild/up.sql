CREATE TABLE accounts_new (id INTEGER PRIMARY KEY NOT NULL, owner TEXT NOT NULL, opened BIGINT NOT NULL DEFAULT 0);
INSERT INTO accounts_new (id, owner) SELECT id, owner FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_new RENAME TO accounts;
