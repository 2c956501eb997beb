DROP INDEX articles_by_slug;
