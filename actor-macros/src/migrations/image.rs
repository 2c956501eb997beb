//! Makes the database from which a new actor starts.

use std::fmt::Write as _;

use super::MigrationSet;
use super::directory::Migration;
use super::report::Problem;
use super::rules::DIESEL_TABLE;
use super::run;
use crate::sqlite::{Connection, SqlError};

/// The statement with which `diesel_migrations` makes its table, to the letter: SQLite keeps the text, and an image must
/// not differ from a database that was migrated step by step.
pub(super) const DIESEL_TABLE_SQL: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
       version VARCHAR(50) PRIMARY KEY NOT NULL,
       run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
";

/// What the image says about when its migrations ran. It is fixed, so that the same sources give the same bytes.
const RUN_ON: &str = "1970-01-01 00:00:00";

/// The page size of an actor's database, as `actor_core::limits::PAGE_BYTES` has it.
pub(crate) const PAGE_SIZE_DEFAULT: u32 = 1024;

impl MigrationSet {
    /// Makes the finished database: the framework's tables (`internal_sql`), Diesel's table with every version in it, and
    /// what the migrations leave.
    ///
    /// They are made in the order in which they come into being in an actor's life, and packed densely. Two calls with
    /// the same files give the same bytes.
    pub(crate) fn image(&self, internal_sql: &str, page_size: u32) -> Result<Vec<u8>, Problem> {
        build(&self.migrations, internal_sql, page_size).map_err(|error| {
            let headline = format!(
                "cannot make the database for new actors of `{}`: {}",
                self.shown, error.message
            );
            Problem::new(
                headline,
                "check that no migration uses a table of the framework",
            )
        })
    }
}

/// Makes the database and returns the bytes of its file.
fn build(
    migrations: &[Migration],
    internal_sql: &str,
    page_size: u32,
) -> Result<Vec<u8>, SqlError> {
    let connection = Connection::open(run::CLOCK_FIRST_MS)?;
    connection.execute(&format!(
        "PRAGMA page_size = {page_size}; PRAGMA foreign_keys = OFF; BEGIN"
    ))?;
    connection.execute(internal_sql)?;
    connection.execute(DIESEL_TABLE_SQL)?;
    let mut versions = String::new();
    for migration in migrations {
        connection.execute(&migration.up)?;
        // Versions are digits only. Writing to a `String` cannot fail.
        let _ = write!(
            versions,
            "INSERT INTO {DIESEL_TABLE} VALUES ('{}', '{RUN_ON}');",
            migration.version
        );
    }
    connection.execute(&versions)?;
    // Rebuilt tables leave free pages behind, which every new actor would carry.
    connection.execute("COMMIT; VACUUM")?;
    connection.serialize()
}
