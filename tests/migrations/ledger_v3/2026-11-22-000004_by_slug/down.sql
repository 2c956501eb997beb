DROP INDEX accounts_by_slug;
