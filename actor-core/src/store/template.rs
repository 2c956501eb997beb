//! [`Template`]: the finished database that every new actor of a type starts from.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::migration::MigrationConnection as _;
use diesel::sqlite::SqliteConnection;

use super::error::{MigrationError, StoreError};
use super::internal;
use super::migrations::Migrations;
use super::pages::Image;
use super::schema::Schema;
use super::sqlite::Guarded;

/// The finished database of a type.
#[derive(Debug)]
pub(crate) struct Template {
    image: Arc<Image>,
    schema: Schema,
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
        let memory = Path::new(":memory:");
        let bytes = match (migrations.image(), replays) {
            (Some(image), false) => Cow::Borrowed(image),
            _ => match replay(migrations, replays, memory)? {
                Ok(bytes) => Cow::Owned(bytes),
                Err(error) => return Ok(Err(error)),
            },
        };
        let image = Image::new(bytes).map_err(StoreError::pages("build", memory))?;
        let schema = Schema::of(&image).map_err(StoreError::pages("build", memory))?;
        Ok(Ok(Self {
            image: Arc::new(image),
            schema,
            fingerprint: migrations.fingerprint(),
            replays,
        }))
    }

    /// Returns the database.
    pub(super) fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Returns which connections fit the database.
    pub(super) fn schema(&self) -> Schema {
        self.schema
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

/// Makes the bytes of the database, in memory.
fn replay(
    migrations: &Migrations,
    replays: bool,
    memory: &Path,
) -> Result<Result<Vec<u8>, MigrationError>, StoreError> {
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
    // What a migrated actor is brought to as well.
    connection
        .batch_execute("VACUUM")
        .map_err(StoreError::sqlite("build", memory))?;
    Ok(Ok(connection.serialize_database_to_buffer().to_vec()))
}

/// Makes the framework's tables and Diesel's, with the pages of a small database.
fn prepare(connection: &mut SqliteConnection) -> diesel::QueryResult<()> {
    connection.batch_execute(&format!("PRAGMA page_size = {}", crate::limits::PAGE_BYTES))?;
    connection.batch_execute(internal::SQL)?;
    connection.setup().map(drop)
}
