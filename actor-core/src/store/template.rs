//! [`Template`]: the finished database that every new actor of a type starts from.

use std::borrow::Cow;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::sqlite::SqliteConnection;

use super::error::{MigrationError, StoreError};
use super::internal;
use super::migrations::Migrations;
use super::sqlite::Guarded;

/// The finished database of a type, as bytes.
#[derive(Debug)]
pub(crate) struct Template {
    image: Cow<'static, [u8]>,
    fingerprint: String,
    replays: bool,
}

impl Template {
    /// Builds the template, unless the macro has built it.
    ///
    /// When a Rust step runs for new actors too, each of them replays the history: `replays`. The image then has the
    /// framework's tables only.
    pub(crate) fn build(
        migrations: &Migrations,
        replays: bool,
    ) -> Result<Result<Self, MigrationError>, StoreError> {
        let fingerprint = migrations.fingerprint();
        if let (Some(image), false) = (migrations.image(), replays) {
            return Ok(Ok(Self {
                image: Cow::Borrowed(image),
                fingerprint,
                replays,
            }));
        }
        let memory = Path::new(":memory:");
        let mut guarded = Guarded::establish(":memory:").map_err(|source| StoreError::Open {
            path: memory.to_owned(),
            source,
        })?;
        let connection = &mut guarded.connection;
        prepare(connection).map_err(StoreError::sqlite("build", memory))?;
        let list = if replays { &[] } else { migrations.list() };
        for migration in list {
            if let Err(error) = migration.apply(connection) {
                return Ok(Err(error));
            }
        }
        let image = connection.serialize_database_to_buffer();
        Ok(Ok(Self {
            image: Cow::Owned(image.to_vec()),
            fingerprint,
            replays,
        }))
    }

    /// Returns the bytes of the database.
    pub(super) fn image(&self) -> &[u8] {
        &self.image
    }

    /// Returns what tells the schema from that of every other set of migrations.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns whether a new actor runs the migrations itself.
    pub(crate) fn replays(&self) -> bool {
        self.replays
    }
}

/// Makes the framework's tables and Diesel's.
fn prepare(connection: &mut SqliteConnection) -> diesel::QueryResult<()> {
    connection.batch_execute(internal::SQL)?;
    connection.setup().map(drop)
}
