//! Everything that touches SQLite or a file.

pub(crate) mod calls;
mod database;
mod db;
mod directory;
mod durability;
mod error;
mod internal;
mod layout;
pub(crate) mod messages;
mod migrations;
pub(crate) mod queue;
mod sqlite;
mod template;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use calls::{Earliest, Kind as StoredKind, NewCall, StoredCall};
pub(crate) use database::{Database, Syncing};
pub use db::{Cursor, Db, DbUntilAwait};
pub(crate) use directory::{Directory, Row, WakeUp};
pub use durability::Durability;
pub(crate) use durability::{Gatekeeper, Log, SyncPool, Ticket};
pub use error::{MigrationError, StoreError};
pub(crate) use internal::{FORMAT, Meta, SavedState};
pub(crate) use layout::Paths;
pub use migrations::{Migration, Migrations};
pub(crate) use template::Template;

use crate::error::SystemError;
use crate::key::Key;

/// The data directory of a system. It is locked as long as this lives.
pub(crate) struct Store {
    root: PathBuf,
    directory: Directory,
    pool: Arc<SyncPool>,
    /// Unlocked when it is dropped, by the operating system if need be.
    lock: File,
}

impl Store {
    /// Opens the data directory for the given types of actors.
    pub(crate) fn open(
        root: &Path,
        types: &[&'static str],
        pool: Arc<SyncPool>,
    ) -> Result<Self, SystemError> {
        fs::create_dir_all(root).map_err(StoreError::io("create", root))?;
        let root = root.canonicalize().map_err(StoreError::io("find", root))?;
        if let Some(parent) = root.parent() {
            // It may be new; a parent that cannot be opened is not ours to care for.
            let _ = File::open(parent).and_then(|directory| directory.sync_all());
        }
        let lock = lock(&root)?;
        for actor in types {
            let directory = root.join(actor);
            fs::create_dir_all(&directory).map_err(StoreError::io("create", &directory))?;
        }
        // DURABILITY: the names of the directories must outlive a power cut before any file in them counts.
        File::open(&root)
            .and_then(|directory| directory.sync_all())
            .map_err(StoreError::io("sync", &root))?;
        let directory = Directory::open(&root)?;
        Ok(Self {
            root,
            directory,
            pool,
            lock,
        })
    }

    /// Returns where the files of an actor are.
    pub(crate) fn paths(&self, actor: &str, key: &Key) -> Paths {
        Paths::new(&self.root.join(actor), key)
    }

    /// Returns who syncs the logs.
    pub(crate) fn pool(&self) -> &Arc<SyncPool> {
        &self.pool
    }

    /// Returns the list of all actors.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Closes the directory and gives up the lock. All actors must have closed their files.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.directory.close()?;
        self.lock
            .unlock()
            .map_err(StoreError::io("unlock", &self.root))
    }
}

/// Takes the lock of the data directory.
fn lock(root: &Path) -> Result<File, SystemError> {
    let path = root.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SystemError::InUse {
            path: root.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path)(error).into()),
    }
}

/// What waking an actor finds.
pub(crate) struct Opened {
    /// Its database.
    pub(crate) database: Database,
    /// The mark that it exists.
    pub(crate) meta: Meta,
    /// The migrations that it does not have yet.
    pub(crate) pending: Result<&'static [Migration], MigrationError>,
}

/// Opens the database of an actor that exists; `None` if it does not.
pub(crate) async fn open(
    paths: Paths,
    actor: &'static str,
    key: Key,
    schema: (Migrations, Arc<Template>),
    syncing: Syncing,
) -> Result<Option<Opened>, StoreError> {
    blocking(move || {
        let Some((mut database, meta)) = Database::open(paths, actor, key.as_str(), syncing)?
        else {
            return Ok(None);
        };
        let pending = database.pending(&schema.0, &schema.1, &meta)?;
        Ok(Some(Opened {
            database,
            meta,
            pending,
        }))
    })
    .await
}

/// Makes a database of a type's image. It does not count until it is marked.
pub(crate) async fn create(
    paths: Paths,
    template: Arc<Template>,
    syncing: Syncing,
) -> Result<Database, StoreError> {
    blocking(move || Database::create(paths, template.image(), syncing)).await
}

/// Closes a database.
pub(crate) async fn close(database: Database) -> Result<(), StoreError> {
    blocking(move || database.close()).await
}

/// Closes a database that does not count, and deletes its files.
pub(crate) async fn delete(database: Database) -> Result<(), StoreError> {
    blocking(move || database.delete()).await
}

/// Runs what may wait for the disk away from the workers of the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Interrupted {
            message: error.to_string(),
        }),
    }
}
