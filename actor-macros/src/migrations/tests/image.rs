//! The database from which a new actor starts.

use super::super::image::{DIESEL_TABLE_SQL, PAGE_SIZE_DEFAULT};
use super::{load_package, package, problems};
use crate::sqlite::Connection;

const INTERNAL: &str = "CREATE TABLE _actor_meta (k TEXT PRIMARY KEY, v BLOB) WITHOUT ROWID;";

const FILES: [(&str, &str); 3] = [
    (
        "2025-01-01-000000_a/up.sql",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT);\nINSERT INTO a (b) VALUES ('x');",
    ),
    (
        "2025-01-02-000000_b/up.sql",
        "CREATE TABLE new_a (id INTEGER PRIMARY KEY, b TEXT NOT NULL);
        INSERT INTO new_a SELECT * FROM a; DROP TABLE a; ALTER TABLE new_a RENAME TO a;",
    ),
    (
        "2025-01-02-000000_b/down.sql",
        "CREATE TABLE old_a (id INTEGER PRIMARY KEY, b TEXT);
        INSERT INTO old_a SELECT * FROM a; DROP TABLE a; ALTER TABLE old_a RENAME TO a;",
    ),
];

#[test]
fn the_same_files_give_the_same_bytes() {
    let first = load_package(&package(&FILES))
        .unwrap()
        .image(INTERNAL, PAGE_SIZE_DEFAULT)
        .unwrap();
    let second = load_package(&package(&FILES))
        .unwrap()
        .image(INTERNAL, PAGE_SIZE_DEFAULT)
        .unwrap();
    assert_eq!(first, second);
    // The schema, three tables and the index of Diesel's primary key.
    assert_eq!(first.len(), 5 * 1024);
}

#[test]
fn the_image_holds_schema_rows_and_versions() {
    let image = load_package(&package(&FILES))
        .unwrap()
        .image(INTERNAL, 1024)
        .unwrap();
    assert_eq!(image[16..18], 1024_u16.to_be_bytes());
    let database = Connection::from_image(&image, 0).unwrap();
    let text = |sql: &str| {
        let rows = database.rows(sql, &[]).unwrap();
        rows.into_iter()
            .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join("|"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        text("SELECT name FROM sqlite_schema WHERE type = 'table'"),
        ["_actor_meta", "__diesel_schema_migrations", "a"]
    );
    assert_eq!(
        text("SELECT * FROM __diesel_schema_migrations"),
        [
            "20250101000000|1970-01-01 00:00:00",
            "20250102000000|1970-01-01 00:00:00"
        ]
    );
    assert_eq!(text("SELECT * FROM a"), ["1|x"]);
    assert_eq!(text("PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn rows_that_depend_on_the_moment_are_refused() {
    let create = "CREATE TABLE a (id INTEGER PRIMARY KEY, t TEXT DEFAULT CURRENT_TIMESTAMP);\n";
    for statement in [
        "INSERT INTO a (id) VALUES (1);",
        "INSERT INTO a VALUES (1, datetime('now'));",
        "INSERT INTO a VALUES (1, hex(randomblob(8)));",
        "INSERT INTO a SELECT 1, random();",
    ] {
        let up = format!("{create}-- A first row.\n{statement}");
        let found = problems(&[("1_a/up.sql", up.as_str())]);
        assert_eq!(found.len(), 1, "{statement}");
        let start = "this statement writes other rows in each run (the time, or a random value)\n  \
                     --> migrations/room/1_a/up.sql:3:1\n   3 | INSERT";
        assert!(found[0].starts_with(start), "{}", found[0]);
    }
    assert_eq!(
        problems(&[(
            "1_a/up.sql",
            &format!("{create}UPDATE a SET t = datetime('now');")
        )]),
        Vec::<String>::new()
    );
}

#[test]
fn diesels_table_is_made_as_diesel_makes_it() {
    assert_eq!(DIESEL_TABLE_SQL, diesel::migration::CREATE_MIGRATIONS_TABLE);
}

/// Returns the whole schema, with the pages on which tables begin, and all rows of the tables in [`FILES`].
fn contents(database: &Connection) -> Vec<Vec<Option<String>>> {
    let mut rows = database.rows("SELECT * FROM sqlite_schema", &[]).unwrap();
    for table in ["a", "_actor_meta"] {
        rows.extend(
            database
                .rows(&format!("SELECT rowid, * FROM {table}"), &[])
                .unwrap_or_default(),
        );
    }
    rows.extend(
        database
            .rows("SELECT version FROM __diesel_schema_migrations", &[])
            .unwrap(),
    );
    rows
}

#[test]
fn the_image_and_a_replay_are_the_same() {
    let set = load_package(&package(&FILES)).unwrap();
    let image = set.image(INTERNAL, PAGE_SIZE_DEFAULT).unwrap();
    let image = Connection::from_image(&image, 0).unwrap();

    // An actor that was created with the first migration and woke again with the second one.
    let replay = Connection::open(1_000).unwrap();
    replay.execute(INTERNAL).unwrap();
    replay.execute(DIESEL_TABLE_SQL).unwrap();
    for migration in &set.migrations {
        replay.execute(&migration.up).unwrap();
        let record = format!(
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('{}')",
            migration.version
        );
        replay.execute(&record).unwrap();
    }
    replay.execute("VACUUM").unwrap();
    assert_eq!(contents(&image), contents(&replay));
}
