//! SQLite itself as the oracle: the same random SQL on mounted pages and on plain databases in memory, side by side.
//!
//! Several actors share the connections, and are checkpointed, put to sleep and woken in between.

use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;

use super::lab::{ACTOR, Lab};
use crate::store::disk::{Seeded, SimDisk};
use crate::store::{Database, Durability, Migration, Migrations, Template};

const UP: &str = "
    CREATE TABLE parents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, total INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE children (
      id INTEGER PRIMARY KEY,
      parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE,
      body BLOB,
      size INTEGER GENERATED ALWAYS AS (coalesce(length(body), 0)) STORED
    );
    CREATE TABLE pairs (a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE INDEX big_children ON children (parent, size) WHERE size > 100;
    CREATE INDEX lower_names ON parents (lower(name));
    CREATE TRIGGER count_children AFTER INSERT ON children BEGIN
      UPDATE parents SET total = total + 1 WHERE id = new.parent;
    END;
    CREATE VIEW crowded AS SELECT name, total FROM parents WHERE total > 1;
";

static LIST: [Migration; 1] = [Migration::new(
    "20260101000001",
    "2026-01-01-000001_everything",
    UP,
    None,
    [3; 32],
)];

const MIGRATIONS: Migrations = Migrations::new("oracle", &LIST, None, ("", &[]));

/// How many programs there are.
const PROGRAMS: u64 = 500;

/// How many statements each has.
const STATEMENTS: u64 = 40;

/// Every table, so that the content of two databases can be compared as text.
const DUMP: &str = "
    SELECT 'p' || id || name || total AS line FROM parents
    UNION ALL SELECT 'c' || id || ':' || parent || ':' || coalesce(hex(body), '-') || size FROM children
    UNION ALL SELECT 'w' || a || b || coalesce(c, '-') FROM pairs
    UNION ALL SELECT 'v' || name || total FROM crowded
    UNION ALL SELECT 's' || name || seq FROM sqlite_sequence
    ORDER BY line";

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

#[derive(QueryableByName)]
struct Three {
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    changed: i64,
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// One actor on both sides.
struct Twin {
    key: String,
    ours: Option<Database>,
    plain: SqliteConnection,
    /// What `total_changes()` was when the transaction began.
    before: i64,
}

fn lines(connection: &mut SqliteConnection, sql: &str) -> Result<Vec<Option<String>>, String> {
    diesel::sql_query(sql)
        .load::<Line>(connection)
        .map(|rows| rows.into_iter().map(|row| row.line).collect())
        .map_err(|error| error.to_string())
}

fn three(connection: &mut SqliteConnection) -> Three {
    diesel::sql_query(
        "SELECT last_insert_rowid() AS last, changes() AS changed, total_changes() AS total",
    )
    .get_result(connection)
    .unwrap()
}

/// Makes one statement of a handler's.
fn statement(random: &mut Seeded) -> String {
    let (id, other) = (random.below(8) + 1, random.below(12) + 1);
    let size = [0, 3, 90, 400, 1_500, 6_000][random.index(6)];
    // More than the cache of a connection holds.
    let size = if random.below(500) == 0 {
        700_000
    } else {
        size
    };
    match random.below(17) {
        0..=2 => format!("INSERT INTO parents (name) VALUES ('name{other}')"),
        3 => format!("INSERT OR IGNORE INTO parents (id, name) VALUES ({id}, 'Name{id}')"),
        4..=6 => format!(
            "INSERT INTO children (parent, body) VALUES ({id}, CAST(printf('%.*c', {size}, 'b') AS BLOB))"
        ),
        7 => format!("DELETE FROM parents WHERE id = {id}"),
        8 => format!("UPDATE parents SET name = 'renamed{other}' WHERE id = {id}"),
        9 => format!("UPDATE children SET body = NULL WHERE parent = {id}"),
        10 => "DELETE FROM children".to_owned(),
        11..=12 => format!(
            "INSERT OR REPLACE INTO pairs VALUES ('a{id}', {other}, printf('%.*c', {size}, 'c'))"
        ),
        13 => format!("DELETE FROM pairs WHERE b > {other}"),
        14 => format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT OR REPLACE INTO pairs SELECT 'bulk', i, printf('%.*c', {size}, 'd') FROM n",
            other * 4
        ),
        15 => format!("INSERT INTO children (id, parent) VALUES ({id}, {other})"),
        _ => "UPDATE parents SET total = (SELECT count(*) FROM children WHERE parent = parents.id)"
            .to_owned(),
    }
}

impl Twin {
    fn new(lab: &Lab, index: usize) -> Self {
        let key = format!("actor{index}");
        let mut plain = SqliteConnection::establish(":memory:").unwrap();
        plain
            .batch_execute(&format!("PRAGMA foreign_keys = ON; {UP}"))
            .unwrap();
        let mut ours = lab.begin(&key).unwrap();
        let _ticket = ours.commit(Durability::Synced).unwrap();
        Self {
            key,
            ours: Some(ours),
            plain,
            before: 0,
        }
    }

    fn ours(&mut self, lab: &Lab) -> &mut Database {
        if self.ours.is_none() {
            self.ours = Some(lab.wake(&self.key).unwrap().expect("it exists"));
        }
        self.ours.as_mut().unwrap()
    }

    /// Runs some statements as one transaction on both sides, and compares all that can be seen.
    fn turn(&mut self, lab: &Lab, random: &mut Seeded) {
        let before = three(&mut self.plain);
        self.before = before.total;
        self.plain.batch_execute("BEGIN").unwrap();
        self.ours(lab).db().enter("turn", false, None);
        let mut wrote_any = false;
        for _ in 0..=random.below(4) {
            let sql = statement(random);
            let plain = diesel::sql_query(&sql)
                .execute(&mut self.plain)
                .map_err(|error| error.to_string());
            let ours = diesel::sql_query(&sql)
                .execute(self.ours(lab).db())
                .map_err(|error| error.to_string());
            assert_eq!(ours, plain, "{sql}");
            wrote_any |= plain.is_ok_and(|rows| rows > 0);
        }
        let plain = three(&mut self.plain);
        let ours: Three = diesel::sql_query(
            "SELECT last_insert_rowid() AS last, changes() AS changed, total_changes() AS total",
        )
        .get_result(self.ours(lab).db())
        .unwrap();
        assert_eq!(ours.total, plain.total - self.before, "total_changes()");
        if wrote_any {
            assert_eq!(ours.changed, plain.changed, "changes()");
        }
        if plain.last != before.last {
            assert_eq!(ours.last, plain.last, "last_insert_rowid()");
        }
        self.compare(lab);
        if random.below(4) == 0 {
            self.plain.batch_execute("ROLLBACK").unwrap();
            self.ours(lab).rollback().unwrap();
        } else {
            self.plain.batch_execute("COMMIT").unwrap();
            let _ticket = self.ours(lab).commit(Durability::Synced).unwrap();
        }
    }

    fn compare(&mut self, lab: &Lab) {
        let plain = lines(&mut self.plain, DUMP);
        let ours = diesel::sql_query(DUMP)
            .load::<Line>(self.ours(lab).db())
            .map(|rows| rows.into_iter().map(|row| row.line).collect())
            .map_err(|error| error.to_string());
        assert_eq!(ours, plain);
    }

    fn finish(mut self, lab: &Lab) {
        self.compare(lab);
        let check = diesel::sql_query("SELECT integrity_check AS line FROM pragma_integrity_check")
            .load::<Line>(self.ours(lab).db())
            .unwrap();
        let check: Vec<_> = check.into_iter().filter_map(|row| row.line).collect();
        assert_eq!(check, ["ok"]);
        self.ours.unwrap().close().unwrap();
    }
}

fn program(seed: u64, template: &Arc<Template>) {
    let mut random = Seeded::new(seed);
    let disk = SimDisk::new(seed);
    let lab = Lab::open(&disk, template).unwrap();
    let mut twins: Vec<_> = (0..3).map(|index| Twin::new(&lab, index)).collect();
    for _ in 0..STATEMENTS / 4 {
        let index = random.index(twins.len());
        let twin = &mut twins[index];
        match random.below(12) {
            0 => {
                while lab.volume.log().flush_once() {}
                let last = lab.volume.log().appended();
                lab.volume.checkpoint(last).unwrap();
            }
            1 => {
                if let Some(database) = twin.ours.take() {
                    database.close().unwrap();
                }
            }
            2 => while lab.volume.log().flush_once() {},
            _ => twin.turn(&lab, &mut random),
        }
    }
    for twin in twins {
        twin.finish(&lab);
    }
    lab.volume.close().unwrap();
    // The files are what any SQLite reads.
    let path = format!("/data/{ACTOR}/k_actor0.db");
    let bytes = disk.get(path.as_ref()).expect("it was put to sleep");
    let mut plain = SqliteConnection::establish(":memory:").unwrap();
    plain
        .deserialize_readonly_database_from_buffer(&bytes)
        .unwrap();
    assert!(lines(&mut plain, DUMP).is_ok());
}

#[test]
fn random_sql_on_shared_connections_does_what_sqlite_does() {
    let template = Arc::new(Template::build(&MIGRATIONS, false).unwrap().unwrap());
    for seed in 0..PROGRAMS {
        eprintln!("seed {seed}");
        program(seed, &template);
    }
}

/// Makes one statement of a migration's.
fn change(random: &mut Seeded) -> String {
    let (table, column) = (random.below(4), random.below(3));
    let size = [1, 200, 3_000][random.index(3)];
    match random.below(12) {
        0..=1 => format!("CREATE TABLE t{table} (id INTEGER PRIMARY KEY, c TEXT)"),
        2 => format!("DROP TABLE t{table}"),
        3 => format!("ALTER TABLE t{table} ADD COLUMN x{column} TEXT DEFAULT 'x'"),
        4 => format!("CREATE INDEX i{table}_{column} ON t{table} (x{column})"),
        5 => format!("ALTER TABLE t{table} RENAME TO t{}", random.below(4)),
        6 => format!("ALTER TABLE t{table} DROP COLUMN x{column}"),
        7..=8 => format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT INTO t{table} (c) SELECT printf('%.*c', {size}, 'e') FROM n",
            random.below(30) + 1
        ),
        9 => format!("DELETE FROM t{table} WHERE id % 2 = {}", column % 2),
        10 => format!("CREATE VIEW v{column} AS SELECT count(*) AS n FROM t{table}"),
        _ => format!("DROP VIEW IF EXISTS v{column}"),
    }
}

/// What a migrated database is, as text: its schema, and how much is in each table.
const SHAPE: &str = "SELECT type || name || coalesce(sql, '-') AS line FROM sqlite_schema
    WHERE name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY line";

fn migrate(seed: u64, template: &Arc<Template>) {
    let mut random = Seeded::new(seed);
    let disk = SimDisk::new(seed);
    let lab = Lab::open(&disk, template).unwrap();
    let mut twin = Twin::new(&lab, 0);
    for _ in 0..6 {
        let far = std::time::Instant::now() + std::time::Duration::from_mins(10);
        twin.ours(&lab).begin_migrating(far).unwrap();
        twin.plain
            .batch_execute("PRAGMA foreign_keys = OFF; BEGIN")
            .unwrap();
        for _ in 0..6 {
            let sql = change(&mut random);
            let plain = twin
                .plain
                .batch_execute(&sql)
                .map_err(|error| error.to_string());
            let ours = twin
                .ours(&lab)
                .db()
                .internal(|connection| connection.batch_execute(&sql))
                .map_err(|error| error.to_string());
            eprintln!("{sql}: {plain:?}");
            assert_eq!(ours, plain, "{sql}");
        }
        if random.below(3) == 0 {
            eprintln!("ROLLBACK");
            twin.plain.batch_execute("ROLLBACK").unwrap();
            twin.ours(&lab).abort_migrating().unwrap();
        } else {
            twin.plain.batch_execute("COMMIT; VACUUM").unwrap();
            let _ticket = twin.ours(&lab).shrink_for_test().unwrap();
        }
        let plain = lines(&mut twin.plain, SHAPE);
        let ours = diesel::sql_query(SHAPE)
            .load::<Line>(twin.ours(&lab).db())
            .map(|rows| rows.into_iter().map(|row| row.line).collect::<Vec<_>>())
            .map_err(|error| error.to_string());
        assert_eq!(
            ours.map(|lines| without_ours(&lines)),
            plain.map(|lines| without_ours(&lines))
        );
        twin.ours(&lab).rollback().unwrap();
        if random.below(2) == 0 {
            twin.ours.take().unwrap().close().unwrap();
        }
    }
    twin.finish(&lab);
    lab.volume.close().unwrap();
}

/// Leaves out Diesel's table and what belongs to the framework's tables.
fn without_ours(lines: &[Option<String>]) -> Vec<String> {
    let lines = lines.iter().flatten();
    lines
        .filter(|line| !line.contains("__diesel") && !line.contains("_actor_"))
        .cloned()
        .collect()
}

#[test]
fn random_changes_of_the_schema_do_what_sqlite_does() {
    let template = Arc::new(Template::build(&MIGRATIONS, false).unwrap().unwrap());
    for seed in 0..PROGRAMS {
        eprintln!("seed {seed}");
        migrate(seed, &template);
    }
}
