CREATE TABLE accounts_old (id INTEGER PRIMARY KEY NOT NULL, owner TEXT NOT NULL);
INSERT INTO accounts_old (id, owner) SELECT id, owner FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_old RENAME TO accounts;
