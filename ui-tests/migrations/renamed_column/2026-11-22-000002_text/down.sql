ALTER TABLE messages RENAME COLUMN text TO body;
