CREATE INDEX log_by_hits ON log (hits);
