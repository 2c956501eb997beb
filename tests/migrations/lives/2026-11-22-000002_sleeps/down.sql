DROP TABLE sleeps;
