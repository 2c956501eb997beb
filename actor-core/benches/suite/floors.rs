//! What the same work costs without the framework.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::actor;
use crate::report::each;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/bench");
pub(crate) const FIFTY: EmbeddedMigrations = embed_migrations!("migrations/fifty");

/// Opens a database as one opens a single durable one.
pub(crate) fn open(path: &Path, synchronous: &str) -> SqliteConnection {
    let path = path.to_str().expect("the path is text");
    let mut connection = SqliteConnection::establish(path).expect("the file can be opened");
    connection
        .batch_execute(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA locking_mode = EXCLUSIVE;"
        ))
        .expect("the settings apply");
    connection
}

/// Makes a database with the three migrations and the first row.
pub(crate) fn create(path: &Path, synchronous: &str) -> SqliteConnection {
    migrate(path, synchronous, MIGRATIONS)
}

/// Makes a database with some migrations and the first row.
pub(crate) fn migrate(
    path: &Path,
    synchronous: &str,
    migrations: EmbeddedMigrations,
) -> SqliteConnection {
    let mut connection = open(path, synchronous);
    connection
        .run_pending_migrations(migrations)
        .expect("the migrations apply");
    actor::first(&mut connection).expect("the row can be written");
    connection
}

/// Seconds for one transaction that writes.
pub(crate) fn write(connection: &mut SqliteConnection, count: usize) -> f64 {
    let began = Instant::now();
    for _ in 0..count {
        connection
            .immediate_transaction(actor::write)
            .expect("it commits");
    }
    each(began.elapsed(), count)
}

/// Seconds for one transaction that reads.
pub(crate) fn read(connection: &mut SqliteConnection, count: usize) -> f64 {
    let began = Instant::now();
    for _ in 0..count {
        connection.transaction(actor::read).expect("it commits");
    }
    each(began.elapsed(), count)
}

/// Seconds for writing 4 KiB behind the end of a file and syncing it.
pub(crate) fn sync(path: &Path, count: usize) -> f64 {
    let mut file = File::create(path).expect("the file can be made");
    let page = [7; 4_096];
    let began = Instant::now();
    for _ in 0..count {
        file.write_all(&page).expect("there is room");
        file.sync_data().expect("it syncs");
    }
    each(began.elapsed(), count)
}

/// Seconds for one transaction when `threads` write, each its own database.
pub(crate) fn write_many(directory: &Path, threads: usize, count: usize) -> f64 {
    let open: Vec<_> = (0..threads)
        .map(|index| create(&directory.join(format!("many-{index}.db")), "FULL"))
        .collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for mut connection in open {
            scope.spawn(move || write(&mut connection, count));
        }
    });
    let seconds = each(began.elapsed(), threads * count);
    for index in 0..threads {
        for suffix in ["", "-wal"] {
            let _ = std::fs::remove_file(directory.join(format!("many-{index}.db{suffix}")));
        }
    }
    seconds
}

/// Opens a database, reads once and closes it.
pub(crate) fn read_once(path: &Path) {
    let mut connection =
        SqliteConnection::establish(path.to_str().expect("the path is text")).expect("it opens");
    actor::read(&mut connection).expect("the row is there");
}
