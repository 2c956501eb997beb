//! Directories that are fine, however odd the SQL is, and the columns that Diesel gets from them.

use super::super::MigrationSet;
use super::super::image::PAGE_SIZE_DEFAULT;
use super::super::schema::{Column, Schema};
use super::{load_package, package};
use crate::sqlite::Connection;

/// A directory of migrations: its name, its files, and its tables as [`describe`] writes them.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

/// Writes a schema in a short form: `table(key): column Type, column Type?` for `Nullable`.
fn describe(schema: &Schema) -> String {
    let column = |column: &Column| {
        let name = if column.sql_name == column.rust_name {
            column.rust_name.clone()
        } else {
            format!("{}={}", column.sql_name, column.rust_name)
        };
        let nullable = if column.is_nullable { "?" } else { "" };
        format!("{name} {}{nullable}", column.diesel_type.unwrap_or("-"))
    };
    let tables = schema.tables.iter().map(|table| {
        let columns: Vec<_> = table.columns.iter().map(column).collect();
        format!(
            "{}({}): {}",
            table.rust_name,
            table.primary_key.join(" "),
            columns.join(", ")
        )
    });
    tables.collect::<Vec<_>>().join("; ")
}

// One case a line reads better than ten lines a case.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("one table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("no semicolon at the end", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY)")], "a(id): id BigInt?"),
    ("semicolons alone", &[("1_a/up.sql", ";;CREATE TABLE a (id INTEGER PRIMARY KEY);;\n;")], "a(id): id BigInt?"),
    ("comment at the end", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); -- done")], "a(id): id BigInt?"),
    ("unfinished block comment", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); /* done")], "a(id): id BigInt?"),
    ("semicolon in a comment", &[("1_a/up.sql", "-- one; two\n/* three; */ CREATE TABLE a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("semicolon in a text", &[("1_a/up.sql", "CREATE TABLE a (id TEXT PRIMARY KEY DEFAULT 'x;y''z;');")], "a(id): id Text?"),
    ("semicolon in a name", &[("1_a/up.sql", "CREATE TABLE \"a;b\" ([c;d] INTEGER PRIMARY KEY);")], "a_b(c;d): c;d=c_d BigInt?"),
    ("carriage returns", &[("1_a/up.sql", "CREATE TABLE a (\r\n id INTEGER PRIMARY KEY -- x\r\n);\r\n")], "a(id): id BigInt?"),
    ("byte order mark", &[("1_a/up.sql", "\u{feff}CREATE TABLE a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("unicode names", &[("1_a/up.sql", "CREATE TABLE größe (straße INTEGER PRIMARY KEY, 名前 TEXT);")], "gr_e(straße): straße=stra_e BigInt?, 名前=__ Text?"),
    ("names that become equal", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, \"b c\" INT, \"b-c\" INT);")], "a(id): id BigInt?, b c=b_c Integer?, b-c=b_c_ Integer?"),
    ("tables that become equal", &[("1_a/up.sql", "CREATE TABLE \"a b\" (id INTEGER PRIMARY KEY); CREATE TABLE a_b (id INTEGER PRIMARY KEY);")], "a_b(id): id BigInt?; a_b_(id): id BigInt?"),
    ("keywords as names", &[("1_a/up.sql", "CREATE TABLE \"table\" (\"type\" INTEGER PRIMARY KEY, \"fn\" TEXT, \"self\" TEXT);")], "table_(type): type=type_ BigInt?, fn=fn_ Text?, self=self_ Text?"),
    ("column named as its table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, a TEXT);")], "a(id): id BigInt?, a=a_ Text?"),
    ("digit first", &[("1_a/up.sql", "CREATE TABLE \"2fa\" (id INTEGER PRIMARY KEY);")], "_2fa(id): id BigInt?"),
    ("backticks", &[("1_a/up.sql", "CREATE TABLE `a` (`id` INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("name in single quotes", &[("1_a/up.sql", "CREATE TABLE 'a' ('id' INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("qualified name", &[("1_a/up.sql", "CREATE TABLE main.a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("if not exists", &[("1_a/up.sql", "CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("generated columns", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT, c INT GENERATED ALWAYS AS (b + 1) VIRTUAL, d TEXT AS (b || 'x') STORED, e AS (b));")], "a(id): id BigInt?, b Integer?, c Integer?, d Text?, e Binary?"),
    ("strict", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b REAL NOT NULL, c ANY) STRICT;")], "a(id): id BigInt?, b Float, c -?"),
    ("without rowid", &[("1_a/up.sql", "CREATE TABLE a (k TEXT, v BLOB, PRIMARY KEY (k)) WITHOUT ROWID;")], "a(k): k Text, v Binary?"),
    ("composite key", &[("1_a/up.sql", "CREATE TABLE a (x INT NOT NULL, y INT NOT NULL, z INT, PRIMARY KEY (y, x));")], "a(x y): x Integer, y Integer, z Integer?"),
    ("key of the table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER, b TEXT, PRIMARY KEY (id DESC));")], "a(id): id BigInt?, b Text?"),
    ("descending key of the column", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY DESC);")], "a(id): id Integer?"),
    ("key of another integer", &[("1_a/up.sql", "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (id BIGINT PRIMARY KEY);")], "a(id): id Integer?; b(id): id BigInt?"),
    ("key without row ids", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY) WITHOUT ROWID;")], "a(id): id Integer"),
    ("references to row ids", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, n INT UNIQUE, up INT REFERENCES a); CREATE TABLE b (id INT PRIMARY KEY, x INT NOT NULL REFERENCES A (ID), y INT REFERENCES a (n), z TEXT REFERENCES a, w INT REFERENCES b (id));")], "a(id): id BigInt?, n Integer?, up BigInt?; b(id): id Integer?, x BigInt, y Integer?, z Text?, w Integer?"),
    ("views of row ids", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, up INT REFERENCES a); CREATE VIEW v AS SELECT id AS x, up AS y FROM a; CREATE VIEW w AS SELECT x AS z, y FROM v;")], "a(id): id BigInt?, up BigInt?; v(): x BigInt?, y BigInt?; w(): z BigInt?, y BigInt?"),
    ("autoincrement", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL);")], "a(id): id BigInt"),
    ("all types", &[("1_a/up.sql", "CREATE TABLE a (id BIGINT PRIMARY KEY NOT NULL, b BOOLEAN, s SMALLINT, f FLOAT, d DOUBLE, n NUMERIC(1, 2), t VARCHAR(9), x BLOB, ts TIMESTAMP, da DATE, ti TIME, u);")], "a(id): id BigInt, b Bool?, s SmallInt?, f Float?, d Double?, n Double?, t Text?, x Binary?, ts Timestamp?, da Date?, ti Time?, u Binary?"),
    ("partial and expression indexes", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); CREATE UNIQUE INDEX i ON a (lower(b)) WHERE b IS NOT NULL; CREATE INDEX j ON a (b COLLATE NOCASE DESC);"), ("1_a/down.sql", "DROP INDEX j; DROP INDEX i; DROP TABLE a;")], "a(id): id BigInt?, b Text?"),
    ("triggers", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT); CREATE TRIGGER t AFTER INSERT ON a WHEN new.b IS NULL BEGIN UPDATE a SET b = CASE WHEN new.id > 1 THEN 2 ELSE 3 END WHERE id = new.id; SELECT 1; END; INSERT INTO a (id) VALUES (1);"), ("1_a/down.sql", "DROP TRIGGER t; DROP TABLE a")], "a(id): id BigInt?, b Integer?"),
    ("instead of trigger", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT id FROM a; CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN INSERT INTO a VALUES (new.id); END;")], "a(id): id BigInt?; v(): id BigInt?"),
    ("view of expressions", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT); CREATE VIEW v AS SELECT t, count(*) AS n, CAST(sum(id) AS INTEGER) AS s, max(t) AS m FROM a GROUP BY t;")], "a(id): id BigInt?, t Text?; v(): t Text?, n -?, s Integer?, m -?"),
    ("fts5", &[("1_a/up.sql", "CREATE VIRTUAL TABLE f USING fts5 (title, body UNINDEXED, tokenize = 'porter');"), ("1_a/down.sql", "DROP TABLE f")], "f(rowid): rowid BigInt, title Text?, body Text?, f=f_ Text?, rank Double?"),
    ("fts5 with triggers and rows", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); CREATE VIRTUAL TABLE f USING fts5 (b, content = a, content_rowid = id); CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO f (rowid, b) VALUES (new.id, new.b); END; INSERT INTO a (b) VALUES ('x y'); INSERT INTO f (f) VALUES ('rebuild');")], "a(id): id BigInt?, b Text?; f(rowid): rowid BigInt, b Text?, f=f_ Text?, rank Double?"),
    ("fts4", &[("1_a/up.sql", "CREATE VIRTUAL TABLE f USING fts4 (body);")], "f(rowid): rowid BigInt, body Text?, f=f_ Text?, docid BigInt?, __langid=__langid_ Text?"),
    ("r-tree", &[("1_a/up.sql", "CREATE VIRTUAL TABLE r USING rtree (id, x0, x1, y0, y1); INSERT INTO r VALUES (1, 0, 1, 0, 1);"), ("1_a/down.sql", "DROP TABLE r")], "r(rowid): rowid BigInt, id Integer?, x0 Float?, x1 Float?, y0 Float?, y1 Float?"),
    ("add column to a new table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); ALTER TABLE a ADD COLUMN b TEXT NOT NULL;")], "a(id): id BigInt?, b Text"),
    ("add column", &[("1_a/up.sql", "CREATE TABLE a (\n  id INTEGER PRIMARY KEY\n);"), ("2_b/up.sql", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';"), ("2_b/down.sql", "ALTER TABLE a DROP COLUMN b;")], "a(id): id BigInt?, b Text"),
    ("drop column", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT);"), ("2_b/up.sql", "ALTER TABLE a DROP COLUMN b;"), ("2_b/down.sql", "ALTER TABLE a ADD COLUMN b TEXT;")], "a(id): id BigInt?"),
    ("rename column", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON a (b);"), ("2_b/up.sql", "ALTER TABLE a RENAME COLUMN b TO c;"), ("2_b/down.sql", "ALTER TABLE a RENAME COLUMN c TO b;")], "a(id): id BigInt?, c Text?"),
    ("rename table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT id FROM a;"), ("2_b/up.sql", "ALTER TABLE a RENAME TO b;"), ("2_b/down.sql", "ALTER TABLE b RENAME TO a;")], "b(id): id BigInt?; v(): id BigInt?"),
    ("twelve-step rebuild", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); CREATE TABLE c (id INTEGER PRIMARY KEY, a INT REFERENCES a); CREATE INDEX i ON a (b); INSERT INTO a VALUES (1, 'x'); INSERT INTO c VALUES (1, 1);"), ("2_b/up.sql", "CREATE TABLE new_a (id INTEGER PRIMARY KEY, b TEXT NOT NULL);\nINSERT INTO new_a SELECT id, b FROM a;\nDROP TABLE a;\nALTER TABLE new_a RENAME TO a;\nCREATE INDEX i ON a (b);\nPRAGMA foreign_key_check;")], "a(id): id BigInt?, b Text; c(id): id BigInt?, a BigInt?"),
    ("create table as", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1), (2); CREATE TABLE b AS SELECT id FROM a; DROP TABLE b;")], "a(id): id BigInt?"),
    ("common table expression", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO a SELECT i FROM n;")], "a(id): id BigInt?"),
    ("upsert and returning", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, n INT); INSERT INTO a VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1 RETURNING id;")], "a(id): id BigInt?, n Integer?"),
    ("json", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, j TEXT CHECK (json_valid(j))); INSERT INTO a VALUES (1, json_object('a', 1));")], "a(id): id BigInt?, j Text?"),
    ("statements that only read", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); SELECT count(*) FROM a; PRAGMA table_info('a'); EXPLAIN QUERY PLAN SELECT * FROM a; SELECT * FROM pragma_table_info('a');")], "a(id): id BigInt?"),
    ("analyze and reindex", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT); CREATE INDEX i ON a (b); INSERT INTO a VALUES (1, 1); ANALYZE; REINDEX;"), ("1_a/down.sql", "DROP TABLE a;")], "a(id): id BigInt?, b Integer?"),
    ("default of the moment", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, r INT DEFAULT (random()));")], "a(id): id BigInt?, t Text, r Integer?"),
    ("update of no rows by the moment", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT); UPDATE a SET t = datetime('now');")], "a(id): id BigInt?, t Text?"),
    ("deferred foreign key", &[("1_a/up.sql", "CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED); CREATE TABLE a (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1, 2); INSERT INTO a VALUES (2);")], "a(id): id BigInt?; b(id): id BigInt?, a BigInt?"),
    ("no table at all", &[("1_a/up.sql", "SELECT 1;")], ""),
    ("down.sql of rows", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"), ("2_b/up.sql", "INSERT INTO a VALUES (1);"), ("2_b/down.sql", "DELETE FROM a WHERE id = 1;")], "a(id): id BigInt?"),
    ("down.sql in another style", &[("1_a/up.sql", "create table A(id integer primary key);"), ("2_b/up.sql", "DROP TABLE a;"), ("2_b/down.sql", "CREATE TABLE \"A\" (\n  id INTEGER PRIMARY KEY -- the key\n);")], ""),
    ("diesel's first migration", &[("00000000000000_diesel_initial_setup/up.sql", "SELECT 1;"), ("2025-01-01-000000_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("files that may stand there", &[(".keep", ""), (".gitkeep", ""), ("diesel.toml", ""), ("README.md", ""), ("x.lock", ""), (".DS_Store", ""), ("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"), ("1_a/.gitkeep", "")], "a(id): id BigInt?"),
    ("metadata", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"), ("1_a/metadata.toml", "run_in_transaction = true # false\n")], "a(id): id BigInt?"),
    ("reserved word in a text", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT); INSERT INTO a VALUES (1, '_actor_x; COMMIT');")], "a(id): id BigInt?, b Text?"),
    ("tables of tools are hidden", &[("1_a/up.sql", "CREATE TABLE __tool (id INTEGER); CREATE TABLE a (id INTEGER PRIMARY KEY);")], "a(id): id BigInt?"),
    ("nested parentheses and quotes", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT DEFAULT (('(' || ')' || ';')), CHECK (b <> ');'), CONSTRAINT u UNIQUE (b)) ;")], "a(id): id BigInt?, b Text?"),
    ("blob literals", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB DEFAULT x'00ff'); INSERT INTO a (b) VALUES (X'3b27');")], "a(id): id BigInt?, b Binary?"),
];

/// Loads a case; returns what its tables are, or what is wrong with it or with its image.
fn outcome(files: &[(&str, &str)]) -> String {
    let image = |set: &MigrationSet| set.image("", PAGE_SIZE_DEFAULT);
    let loaded = load_package(&package(files)).map_err(|broken| broken.problems);
    match loaded.and_then(|set| Ok((image(&set).map_err(|problem| vec![problem])?, set))) {
        Ok((image, set)) => {
            let database = Connection::from_image(&image, 0).unwrap();
            let check = database.rows("PRAGMA integrity_check", &[]).unwrap();
            assert_eq!(check, [[Some("ok".to_owned())]]);
            describe(&set.schema)
        }
        Err(problems) => problems
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

#[test]
fn odd_directories_are_accepted_and_have_sound_images() {
    let mut wrong = Vec::new();
    for (name, files, expected) in CASES {
        let found = outcome(files);
        if found != *expected {
            wrong.push(format!(
                "{name}\n  expected: {expected}\n  found:    {found}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_very_long_file_is_accepted() {
    let insert = |id| format!("INSERT INTO a VALUES ({id}, 'row {id}; of many'); -- {id}\n");
    let inserts: String = (0..5_000).map(insert).collect();
    let up = format!("CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL, b TEXT);\n{inserts}");
    let set = load_package(&package(&[("1_a/up.sql", &up)])).unwrap();
    assert_eq!(describe(&set.schema), "a(id): id BigInt, b Text?");
}
