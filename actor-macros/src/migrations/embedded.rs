//! [`Embedded`]: what goes into the program.

use std::fmt::Write as _;

use super::image::PAGE_SIZE_DEFAULT;
use super::lock::hex;
use super::{Broken, MigrationSet};

/// The statements that make the framework's own tables in an actor's database.
pub(crate) const INTERNAL_SQL: &str = include_str!("../internal.sql");

/// A directory of migrations, with the database that a new actor starts from.
#[derive(Debug)]
pub(crate) struct Embedded {
    /// The migrations.
    pub(crate) set: MigrationSet,
    /// The finished database, if new actors start from it.
    pub(crate) image: Option<Vec<u8>>,
}

impl Embedded {
    /// Builds the image if it is wanted.
    pub(crate) fn new(set: MigrationSet, wants_image: bool) -> Result<Self, Broken> {
        if !wants_image {
            return Ok(Self { set, image: None });
        }
        match set.image(&internal_sql(&set), PAGE_SIZE_DEFAULT) {
            Ok(image) => Ok(Self {
                set,
                image: Some(image),
            }),
            Err(problem) => Err(Broken {
                problems: vec![problem],
                schema: set.schema,
                tracked: set.tracked,
            }),
        }
    }
}

/// Makes the framework's tables, with the checksum of each migration.
fn internal_sql(set: &MigrationSet) -> String {
    let mut sql = INTERNAL_SQL.to_owned();
    for migration in &set.migrations {
        let checksum = hex(&migration.checksum);
        let version = &migration.version;
        let _ = writeln!(
            sql,
            "INSERT INTO _actor_migrations (version, checksum) VALUES ('{version}', 'sql:{checksum}');"
        );
    }
    sql
}
