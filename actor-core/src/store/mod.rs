//! Everything that touches SQLite or a file.

mod cached;
pub(crate) mod calls;
mod canonical;
mod checkpoint;
mod connections;
mod database;
mod db;
mod directory;
mod disk;
mod durability;
mod error;
mod found;
mod images;
mod internal;
mod layout;
mod log;
pub(crate) mod messages;
mod migrations;
mod pages;
mod plain;
pub(crate) mod queue;
mod record;
mod recovery;
mod schema;
mod sqlite;
mod template;
#[cfg(test)]
mod tests;
mod volume;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::runtime::Handle;

pub(crate) use calls::{Earliest, Kind as StoredKind, NewCall, StoredCall};
pub(crate) use connections::Connections;
pub(crate) use database::{Backing, Database};
pub use db::{Cursor, Db, DbUntilAwait};
pub(crate) use directory::{Directory, Row, WakeUp};
use disk::RealDisk;
pub use durability::Durability;
pub(crate) use durability::Gatekeeper;
pub use error::{MigrationError, StoreError};
pub(crate) use internal::{FORMAT, Meta, SavedState};
pub(crate) use layout::Paths;
pub(crate) use log::Ticket;
pub use migrations::{Migration, Migrations};
pub(crate) use template::Template;
pub(crate) use volume::Volume;

use crate::error::SystemError;
use crate::key::Key;

/// The data directory of a system. It is locked as long as this lives.
pub(crate) struct Store {
    root: PathBuf,
    directory: Directory,
    volume: Arc<Volume>,
    connections: Arc<Connections>,
    /// The thread that takes checkpoints.
    checkpoints: Mutex<Option<JoinHandle<()>>>,
    /// Unlocked when it is dropped, by the operating system if need be.
    lock: File,
}

impl Store {
    /// Opens the data directory for the given types of actors, and brings their files up to what the log has.
    pub(crate) fn open(
        root: &Path,
        types: &[&'static str],
        templates: &[Arc<Template>],
        runtime: Handle,
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
        let images: Vec<_> = templates
            .iter()
            .map(|template| Arc::clone(template.image()))
            .collect();
        let disk = RealDisk::new(&root).map_err(StoreError::io("open", &root))?;
        let disk = Arc::new(disk);
        let options = log::Options {
            runtime: Some(runtime),
            ..log::Options::default()
        };
        let volume = Volume::open(disk, &root, &images, &options)?;
        let checkpoints = checkpoint::spawn(Arc::clone(&volume))
            .map_err(StoreError::io("start a thread for", &root))?;
        let directory = Directory::open(&root)?;
        Ok(Self {
            root,
            directory,
            volume,
            connections: Arc::default(),
            checkpoints: Mutex::new(Some(checkpoints)),
            lock,
        })
    }

    /// Returns where the files of an actor are.
    pub(crate) fn paths(&self, actor: &str, key: &Key) -> Paths {
        Paths::new(&self.root.join(actor), key)
    }

    /// Returns what the database of an actor stands on.
    pub(crate) fn backing(&self, keeper: Arc<dyn Gatekeeper>) -> Backing {
        Backing {
            volume: Arc::clone(&self.volume),
            connections: Arc::clone(&self.connections),
            keeper,
        }
    }

    /// Returns the list of all actors.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Brings all files up to date, closes the log and the directory, and gives up the lock. All actors must have closed their
    /// databases.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.connections.clear();
        let closed = self.volume.close();
        if let Some(checkpoints) = self.checkpoints.lock().take()
            && checkpoints.join().is_err()
        {
            tracing::error!("the thread that takes checkpoints panicked");
        }
        closed?;
        self.directory.close()?;
        self.lock
            .unlock()
            .map_err(StoreError::io("unlock", &self.root))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The log's own threads and that of the checkpoints end with it; what is in the log is recovered at the next start.
        let _ = self.volume.log().close();
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
pub(crate) fn open(
    paths: &Paths,
    actor: &'static str,
    key: &Key,
    schema: (&Migrations, &Template),
    backing: Backing,
) -> Result<Option<Opened>, StoreError> {
    let Some((mut database, meta)) = Database::open(paths, actor, key.as_str(), backing)? else {
        return Ok(None);
    };
    let pending = database.pending(schema.0, schema.1, &meta)?;
    Ok(Some(Opened {
        database,
        meta,
        pending,
    }))
}

/// Makes a database of a type's image. It does not exist before its first commit.
pub(crate) fn create(
    paths: &Paths,
    template: &Template,
    backing: Backing,
) -> Result<Database, StoreError> {
    Database::create(paths, template, backing)
}

/// Closes a database.
pub(crate) async fn close(database: Database) -> Result<(), StoreError> {
    if database.is_clean() {
        return database.close();
    }
    blocking(move || database.close()).await
}

/// Closes a database that does not count, and deletes its file.
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
