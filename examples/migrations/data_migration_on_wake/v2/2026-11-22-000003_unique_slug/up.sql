CREATE UNIQUE INDEX articles_by_slug ON articles (slug);
