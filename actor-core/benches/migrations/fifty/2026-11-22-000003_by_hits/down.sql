DROP INDEX log_by_hits;
