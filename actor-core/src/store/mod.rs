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
mod place;
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

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

pub(crate) use calls::{Earliest, Kind as StoredKind, NewCall, StoredCall};
pub(crate) use connections::Connections;
pub(crate) use database::{Backing, Database};
pub use db::{Cursor, Db, DbUntilAwait};
pub(crate) use directory::{Directory, Row, WakeUp};
#[cfg(test)]
pub(crate) use disk::Seeded;
#[cfg(feature = "testing")]
pub(crate) use disk::{Class, Fault, Place as DiskPlace, PowerCut, SimDisk, Standing};
pub use durability::Durability;
pub(crate) use durability::Gatekeeper;
pub use error::{MigrationError, StoreError};
pub(crate) use internal::{FORMAT, Meta, SavedState};
pub(crate) use layout::Paths;
pub(crate) use log::Ticket;
pub use migrations::{Migration, Migrations};
pub(crate) use place::Place;
pub(crate) use template::Template;
#[cfg(feature = "testing")]
pub(crate) use volume::LOG_DIRECTORY;
pub(crate) use volume::Volume;

use crate::away::{self, Away};
use crate::error::SystemError;
use crate::key::Key;
use crate::observe::metrics::StoreMetrics;

/// The data directory of a system. It is locked as long as this lives.
pub(crate) struct Store {
    root: PathBuf,
    directory: Directory,
    volume: Arc<Volume>,
    connections: Arc<Connections>,
    /// The thread that takes checkpoints, unless a task does.
    checkpoints: Mutex<Option<JoinHandle<()>>>,
    /// Unlocked when it is dropped, by the operating system if need be.
    lock: Option<File>,
}

impl Store {
    /// Opens the data directory for the given types of actors, and brings their files up to what the log has.
    pub(crate) fn open(
        place: Place,
        types: &[&'static str],
        templates: &[Arc<Template>],
        away: &Away,
        metrics: StoreMetrics,
    ) -> Result<Self, SystemError> {
        let taken = place.take(types)?;
        let (disk, root) = (taken.disk, taken.root);
        let images: Vec<_> = templates
            .iter()
            .map(|template| Arc::clone(template.image()))
            .collect();
        let options = log::Options {
            // Threads of its own do not depend on a pool that others fill.
            threads: disk.is_native(),
            runtime: (!disk.is_native() || away.may_pause()).then(|| away.clone()),
            metrics,
            ..taken.log
        };
        let volume = Volume::open(Arc::clone(&disk), &root, &images, &options)?;
        let checkpoints = if disk.is_native() {
            let spawned = checkpoint::spawn(Arc::clone(&volume));
            Some(spawned.map_err(StoreError::io("start a thread for", &root))?)
        } else {
            #[cfg(feature = "testing")]
            away.tend(checkpoint::tend(Arc::clone(&volume)));
            None
        };
        let directory = Directory::open(&*disk, &root)?;
        Ok(Self {
            root,
            directory,
            volume,
            connections: Arc::default(),
            checkpoints: Mutex::new(checkpoints),
            lock: taken.lock,
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
        let unlocked = self.lock.as_ref().map_or(Ok(()), File::unlock);
        unlocked.map_err(StoreError::io("unlock", &self.root))
    }

    /// Ends the log as it is: what is not on disk is lost.
    #[cfg(feature = "testing")]
    pub(crate) fn give_up(&self) {
        self.connections.clear();
        let _ = self.volume.log().close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The log's own threads and that of the checkpoints end with it; what is in the log is recovered at the next start.
        let _ = self.volume.log().close();
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
    match away::here().run(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Interrupted {
            message: error.to_string(),
        }),
    }
}
