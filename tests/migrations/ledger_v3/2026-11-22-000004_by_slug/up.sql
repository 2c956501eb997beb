CREATE UNIQUE INDEX accounts_by_slug ON accounts (slug);
