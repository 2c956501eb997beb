//! Directories that are refused, with the lines of the error that tell the case apart.

use super::{DIR, load_package, package, problems};

/// A directory of migrations: its name, its files, and the start of the message of each problem.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const A: (&str, &str) = ("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);\n");

// One case a line reads better than ten lines a case.
#[rustfmt::skip]
const CASES: &[Case] = &[
    // The directory.
    ("empty", &[(".keep", "")], &["`migrations/room` holds no migration\nhelp: create one"]),
    ("stray file", &[A, ("2_b.sql", "")], &["`2_b.sql` does not belong in a directory of migrations\n  --> migrations/room/2_b.sql\n"]),
    ("stray directory", &[A, ("helpers/x.sql", "")], &["`helpers` is not named as a migration\n  --> migrations/room/helpers\n"]),
    ("stray in a migration", &[A, ("1_a/Up.sql", "")], &["`Up.sql` does not belong in a migration\n  --> migrations/room/1_a/Up.sql\n"]),
    ("no version", &[("create_a/up.sql", "SELECT 1")], &["`create_a` is not named as a migration\n"]),
    ("same version", &[A, ("1_b/up.sql", "SELECT 1")], &["`1_a` and `1_b` have the same version, 1\n  --> migrations/room/1_b\n"]),
    ("same version but for dashes", &[("2025-01_a/up.sql", "SELECT 1"), ("202501_b/up.sql", "SELECT 1")], &["`2025-01_a` and `202501_b` have the same version, 202501\n"]),
    ("unordered versions", &[("9_a/up.sql", "SELECT 1"), ("10_b/up.sql", "SELECT 1")], &["`10_b` would apply before `9_a`, because versions are ordered as text\n"]),
    ("no up.sql", &[A, ("2_b/down.sql", "SELECT 1")], &["the migration `2_b` has no `up.sql`\n  --> migrations/room/2_b\n"]),
    ("empty up.sql", &[("1_a/up.sql", "")], &["the `up.sql` of `1_a` holds no statement\n  --> migrations/room/1_a/up.sql\n"]),
    ("comments alone", &[("1_a/up.sql", "-- later\n/* ; */ ;\r\n")], &["the `up.sql` of `1_a` holds no statement\n"]),
    ("outside the transaction", &[A, ("1_a/metadata.toml", "\nrun_in_transaction = false")], &["a migration cannot leave the transaction\n  --> migrations/room/1_a/metadata.toml:2\n"]),
    ("nul character", &[("1_a/up.sql", "SELECT 1;\nSELECT '\0';")], &["the file holds a NUL character\n  --> migrations/room/1_a/up.sql:2:9\n"]),
    // Grammar and schema.
    ("syntax", &[("1_a/up.sql", "CREATE TABLE a (\n  id INTEGER,\n  name TXT NOT NULL DEFALT 3\n);")], &["near \"DEFALT\": syntax error\n  --> migrations/room/1_a/up.sql:3:21\n   3 |   name TXT NOT NULL DEFALT 3\n     |                     ^\nhelp: fix the statement"]),
    ("syntax behind a byte order mark and carriage returns", &[("1_a/up.sql", "\u{feff}SELECT 1;\r\n  SELCT 2;\r\n")], &["near \"SELCT\": syntax error\n  --> migrations/room/1_a/up.sql:2:3\n   2 |   SELCT 2;\n     |   ^\n"]),
    ("syntax behind unicode", &[("1_a/up.sql", "SELECT 'größe', *, FORM a;")], &["no tables specified\n  --> migrations/room/1_a/up.sql:1:1\n"]),
    ("unfinished statement", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER")], &["incomplete input\n  --> migrations/room/1_a/up.sql:1:1\n"]),
    ("unfinished text", &[("1_a/up.sql", "SELECT 1;\nSELECT 'a;")], &["unrecognized token: \"'a;\"\n  --> migrations/room/1_a/up.sql:2:8\n"]),
    ("trigger without end", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;")], &["incomplete input\n  --> migrations/room/1_a/up.sql:2:1\n"]),
    ("unknown table", &[A, ("2_b/up.sql", "INSERT INTO b VALUES (1);")], &["no such table: b\n  --> migrations/room/2_b/up.sql:1:1\n"]),
    ("unknown column", &[A, ("2_b/up.sql", "CREATE INDEX i ON a (nope);")], &["no such column: nope\n  --> migrations/room/2_b/up.sql:1:22\n"]),
    ("unknown column in a query", &[A, ("2_b/up.sql", "SELECT id,\n  nope FROM a;")], &["no such column: nope\n  --> migrations/room/2_b/up.sql:2:3\n"]),
    ("unknown function", &[("1_a/up.sql", "SELECT nope(1);")], &["no such function: nope\n  --> migrations/room/1_a/up.sql:1:8\n"]),
    ("unknown module", &[("1_a/up.sql", "CREATE VIRTUAL TABLE a USING nope (b);")], &["no such module: nope\n"]),
    ("table that exists", &[A, ("2_b/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);")], &["table a already exists\n  --> migrations/room/2_b/up.sql:1:14\n"]),
    ("column that exists", &[A, ("2_b/up.sql", "ALTER TABLE a ADD COLUMN id INT;")], &["duplicate column name: id\n"]),
    ("not null without a default", &[A, ("2_b/up.sql", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL;")], &["Cannot add a NOT NULL column with default value NULL: this fails in every actor that has rows in `a`\n  --> migrations/room/2_b/up.sql:1:1\n"]),
    ("moving default where rows may be", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT NOT NULL CHECK (n = 'y')) STRICT; CREATE TRIGGER t BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'no'); END;"), ("2_b/up.sql", "SELECT 1;\nALTER TABLE a ADD COLUMN t TEXT DEFAULT CURRENT_TIMESTAMP;")], &["Cannot add a column with non-constant default: this fails in every actor that has rows in `a`\n  --> migrations/room/2_b/up.sql:2:1\n"]),
    ("dropped column in a view", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT); CREATE VIEW v AS SELECT b FROM a;"), ("2_b/up.sql", "ALTER TABLE a DROP COLUMN b;")], &["error in view v after drop column: no such column: b\n"]),
    ("dropped column in an index", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT); CREATE INDEX i ON a (b);"), ("2_b/up.sql", "ALTER TABLE a DROP COLUMN b;")], &["error in index i after drop column: no such column: b\n"]),
    ("strict type", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b JSON) STRICT;")], &["unknown datatype for a.b: \"JSON\"\n"]),
    ("constraint", &[A, ("2_b/up.sql", "INSERT INTO a VALUES (1);\n\n-- Twice.\nINSERT INTO a VALUES (1);")], &["UNIQUE constraint failed: a.id\n  --> migrations/room/2_b/up.sql:4:1\n   4 | INSERT"]),
    ("check constraint", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY CHECK (id > 1)); INSERT INTO a VALUES (1);")], &["CHECK constraint failed: id > 1\n"]),
    ("parameter", &[A, ("2_b/up.sql", "INSERT INTO a\nVALUES (?1);")], &["a migration cannot have parameters; nothing binds a value to them\n  --> migrations/room/2_b/up.sql:2:9\n"]),
    ("raise", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TRIGGER t BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'no rows'); END; INSERT INTO a VALUES (1);")], &["no rows\n"]),
    ("endless", &[("1_a/up.sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;")], &["the statement takes too long\n"]),
    // What does not belong.
    ("begin", &[("1_a/up.sql", "BEGIN;\nSELECT 1;\nCOMMIT;")], &["`BEGIN` does not belong in a migration\n  --> migrations/room/1_a/up.sql:1:1\n", "`COMMIT` does not belong in a migration\n  --> migrations/room/1_a/up.sql:3:1\n"]),
    ("end", &[("1_a/up.sql", "END TRANSACTION")], &["`END` does not belong in a migration\n"]),
    ("rollback", &[("1_a/up.sql", "rollback")], &["`ROLLBACK` does not belong in a migration\n"]),
    ("savepoint", &[("1_a/up.sql", "SAVEPOINT a; RELEASE a;")], &["`SAVEPOINT` does not belong in a migration\n", "`RELEASE` does not belong in a migration\n"]),
    ("attach", &[("1_a/up.sql", "ATTACH 'x.db' AS x")], &["`ATTACH` does not belong in a migration\n"]),
    ("detach", &[("1_a/up.sql", "DETACH main")], &["`DETACH` does not belong in a migration\n"]),
    ("vacuum", &[("1_a/up.sql", "VACUUM")], &["`VACUUM` does not belong in a migration\n"]),
    ("vacuum into", &[("1_a/up.sql", "VACUUM INTO 'x.db'")], &["`VACUUM` does not belong in a migration\n"]),
    ("journal mode", &[("1_a/up.sql", "PRAGMA journal_mode = WAL;")], &["`PRAGMA journal_mode` does not belong in a migration\n  --> migrations/room/1_a/up.sql:1:8\n"]),
    ("foreign keys", &[("1_a/up.sql", "PRAGMA foreign_keys = OFF; SELECT 1; PRAGMA foreign_keys = ON;")], &["`PRAGMA foreign_keys` does not belong in a migration\n", "`PRAGMA foreign_keys` does not belong"]),
    ("user version", &[("1_a/up.sql", "PRAGMA main.user_version = 3;")], &["`PRAGMA user_version` does not belong in a migration\n  --> migrations/room/1_a/up.sql:1:13\n"]),
    ("writable schema", &[("1_a/up.sql", "PRAGMA writable_schema = 1;")], &["`PRAGMA writable_schema` does not belong in a migration\n"]),
    ("pragma behind a function", &[("1_a/up.sql", "SELECT * FROM pragma_compile_options;")], &["`PRAGMA compile_options` does not belong in a migration\n"]),
    ("temporary table", &[("1_a/up.sql", "CREATE TEMP TABLE a (b);")], &["temporary tables, indexes, views and triggers do not belong in a migration\n  --> migrations/room/1_a/up.sql:1:8\n"]),
    ("temporary table by its schema", &[("1_a/up.sql", "CREATE TABLE temp.a (b);")], &["temporary tables, indexes, views and triggers do not belong in a migration\n  --> migrations/room/1_a/up.sql:1:14\n"]),
    ("temporary trigger", &[A, ("2_b/up.sql", "CREATE TEMPORARY TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;")], &["temporary tables, indexes, views and triggers do not belong in a migration\n"]),
    ("table of the framework", &[("1_a/up.sql", "CREATE TABLE _actor_state (id INTEGER PRIMARY KEY);")], &["`_actor_state` is a reserved name\n  --> migrations/room/1_a/up.sql:1:14\n"]),
    ("table of the framework in quotes", &[("1_a/up.sql", "CREATE TABLE '_ACTOR_x' (id INTEGER PRIMARY KEY);")], &["`_ACTOR_x` is a reserved name\n  --> migrations/room/1_a/up.sql:1:14\n"]),
    ("renamed to a reserved name", &[A, ("2_b/up.sql", "ALTER TABLE a RENAME TO _actor_a;")], &["`_actor_a` is a reserved name\n  --> migrations/room/2_b/up.sql:1:25\n"]),
    ("index with a reserved name", &[A, ("2_b/up.sql", "CREATE INDEX _actor_i ON a (id);")], &["`_actor_i` is a reserved name\n"]),
    ("diesel's table", &[("1_a/up.sql", "DROP TABLE IF EXISTS __diesel_schema_migrations;")], &["`__diesel_schema_migrations` is Diesel's own table\n"]),
    // Rows.
    ("row that refers to nothing", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id)); INSERT INTO b VALUES (7, 8);")], &["row 7 of `b` refers to a row of `a` that does not exist\n  --> migrations/room/1_a/up.sql\n"]),
    ("foreign key to a column without an index", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT); CREATE TABLE c (id INTEGER PRIMARY KEY, b INT REFERENCES a (b));")], &["foreign key mismatch - \"c\" referencing \"a\"\n"]),
    ("foreign key to no table", &[("1_a/up.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES nobody (id));")], &["the table `a` refers to a table `nobody`, which the migrations do not create\n"]),
    // down.sql.
    ("down.sql leaves a table", &[A, ("1_a/down.sql", "SELECT 1;")], &["`down.sql` does not lead back to the schema before `1_a`:\n    left over: table `a`\n  --> migrations/room/1_a/down.sql\nhelp: undo"]),
    ("empty down.sql", &[A, ("1_a/down.sql", "")], &["`down.sql` does not lead back to the schema before `1_a`:\n    left over: table `a`\n"]),
    ("down.sql drops too much", &[A, ("2_b/up.sql", "CREATE INDEX i ON a (id);"), ("2_b/down.sql", "DROP TABLE a;")], &["`down.sql` does not lead back to the schema before `2_b`:\n    missing: table `a`\n"]),
    ("down.sql gives another table", &[A, ("2_b/up.sql", "DROP TABLE a;"), ("2_b/down.sql", "CREATE TABLE a (id INT PRIMARY KEY);")], &["`down.sql` does not lead back to the schema before `2_b`:\n    different: table `a`\n      before: CREATE TABLE a (id INTEGER PRIMARY KEY)\n      after:  CREATE TABLE a (id INT PRIMARY KEY)\n"]),
    ("down.sql does not apply", &[A, ("1_a/down.sql", "DROP TABLE b;")], &["no such table: b\n  --> migrations/room/1_a/down.sql:1:1\n"]),
    ("down.sql with a transaction", &[A, ("1_a/down.sql", "BEGIN; DROP TABLE a; COMMIT;")], &["`BEGIN` does not belong in a migration\n  --> migrations/room/1_a/down.sql:1:1\n", "`COMMIT` does not belong in a migration\n"]),
    // Several at once, without what only follows.
    ("two broken files", &[("1_a/up.sql", "CREATE TABEL a (id);"), ("2_b/up.sql", "INSERT INTO a VALUES (1); CREATE TABEL b (id);"), ("3_c/up.sql", "SELECT id FROM a;")], &["near \"TABEL\": syntax error\n  --> migrations/room/1_a/up.sql:1:8\n", "near \"TABEL\": syntax error\n  --> migrations/room/2_b/up.sql:1:34\n"]),
    ("two broken statements", &[("1_a/up.sql", "SELECT FROM;\nSELECT 1;\nSELECT 2 3;")], &["near \"FROM\": syntax error\n", "near \"3\": syntax error\n  --> migrations/room/1_a/up.sql:3:10\n"]),
    ("gap and syntax", &[("1_a/down.sql", ""), ("2_b/up.sql", "SELECT * FROM a; SELCT;")], &["the migration `1_a` has no `up.sql`\n", "near \"SELCT\": syntax error\n"]),
    ("stray and syntax", &[("x.txt", ""), ("2_b/up.sql", "SELCT;")], &["`x.txt` does not belong in a directory of migrations\n", "near \"SELCT\": syntax error\n"]),
];

#[test]
fn wrong_directories_are_refused_with_their_own_errors() {
    let mut wrong = Vec::new();
    for (name, files, expected) in CASES {
        let found = problems(files);
        let is_right = found.len() == expected.len()
            && found
                .iter()
                .zip(*expected)
                .all(|(found, start)| found.starts_with(start));
        if !is_right || !found.iter().all(|message| message.contains("\nhelp: ")) {
            wrong.push(format!(
                "== {name}\nexpected:\n{}\nfound:\n{}",
                expected.join("\n"),
                found.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn paths_that_leave_the_package_are_refused() {
    let package = package(&[A]);
    let first_line = |dir: &str| {
        let broken = super::super::load_with(package.path(), dir, crate::lockfile::LockMode::Hold)
            .unwrap_err();
        broken.problems[0]
            .message
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        first_line("../x"),
        "`../x` leaves the package with `..`; migrations belong to the package"
    );
    assert_eq!(
        first_line("migrations/../../x"),
        "`migrations/../../x` leaves the package with `..`; migrations belong to the package"
    );
    assert_eq!(
        first_line("/tmp"),
        "`/tmp` is an absolute path; migrations belong to the package"
    );
    assert_eq!(first_line(""), "the path of the migrations is empty");
    assert_eq!(first_line("."), "the path of the migrations is empty");
    assert_eq!(
        first_line("migrations/nope"),
        "there is no directory `migrations/nope` in this package"
    );
    assert_eq!(
        first_line("migrations/room/1_a/up.sql"),
        "`migrations/room/1_a/up.sql` is a file, not a directory of migrations"
    );
    assert!(
        super::super::load_with(
            package.path(),
            "./migrations/room",
            crate::lockfile::LockMode::Hold
        )
        .is_ok()
    );
}

#[cfg(unix)]
#[test]
fn links_that_leave_the_package_are_refused() {
    use std::os::unix::fs::symlink;
    let outside = package(&[A]);
    let package = package(&[A]);
    symlink(
        outside.path().join(DIR).join("1_a"),
        package.path().join(DIR).join("2_b"),
    )
    .unwrap();
    let broken = load_package(&package).unwrap_err();
    assert!(
        broken.problems[0]
            .message
            .starts_with("`2_b` is a link that leaves the package\n")
    );
    symlink(outside.path().join(DIR), package.path().join("linked")).unwrap();
    let broken = super::super::load_with(package.path(), "linked", crate::lockfile::LockMode::Hold)
        .unwrap_err();
    assert!(
        broken.problems[0]
            .message
            .starts_with("`linked` is a link that leaves the package\n")
    );
}

#[test]
fn a_broken_directory_keeps_the_tables_that_are_known() {
    let files = [
        A,
        (
            "2_b/up.sql",
            "CREATE TABLE b (id INTEGER PRIMARY KEY); CREATE TABEL c (id); CREATE TABLE d (id);",
        ),
    ];
    let broken = load_package(&package(&files)).unwrap_err();
    let names: Vec<_> = broken
        .schema
        .tables
        .iter()
        .map(|table| table.rust_name.as_str())
        .collect();
    assert_eq!(names, ["a", "b", "d"]);
    assert_eq!(broken.tracked.len(), 2);
}

#[test]
fn a_file_that_is_not_utf8_is_refused() {
    let package = package(&[A]);
    std::fs::write(
        package.path().join(DIR).join("1_a/up.sql"),
        b"SELECT 1;\nSELECT '\xff';",
    )
    .unwrap();
    let broken = load_package(&package).unwrap_err();
    assert!(
        broken.problems[0]
            .message
            .starts_with("the file is not UTF-8\n  --> migrations/room/1_a/up.sql:2\n")
    );
}
