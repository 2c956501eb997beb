//! Everything that touches SQLite or a file.

mod attempts;
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
mod handles;
mod images;
mod internal;
mod layout;
mod lock;
mod log;
pub(crate) mod messages;
mod migrations;
mod pages;
mod permits;
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

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;

pub(crate) use attempts::{Attempt, Attempts, CallMark};
pub(crate) use calls::{Earliest, Kind as StoredKind, NewCall, StoredCall};
pub(crate) use connections::Connections;
pub(crate) use database::{Backing, Database};
pub use db::{Cursor, Db, DbUntilAwait};
pub(crate) use directory::{Change, Directory, Row, WakeUp};
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
use volume::Held;
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
    directory: Arc<Directory>,
    volume: Arc<Volume>,
    connections: Arc<Connections>,
    /// The thread that takes checkpoints, unless a task does.
    checkpoints: Mutex<Option<JoinHandle<()>>>,
    attempts: Arc<Attempts>,
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
        let empty = directory::image()?;
        let images: Vec<_> = templates
            .iter()
            .map(|template| Arc::clone(template.image()))
            .chain([Arc::clone(&empty)])
            .collect();
        let options = log::Options {
            // Threads of its own do not depend on a pool that others fill.
            threads: disk.is_native(),
            runtime: (!disk.is_native() || away.may_pause()).then(|| away.clone()),
            metrics,
            ..taken.log
        };
        let held = Held {
            handles: taken.handles,
            lock: taken.lock,
        };
        let attempts = Attempts::open(&*disk, &root);
        let volume = Volume::open(Arc::clone(&disk), &root, &images, &options, held)?;
        // From here on whatever fails lets go of the log, of its files and of the lock.
        let opened = begin(&volume, &empty, away);
        let (directory, checkpoints) = opened.inspect_err(|_| volume.give_up())?;
        Ok(Self {
            attempts,
            root,
            directory: Arc::new(directory),
            volume,
            connections: Arc::default(),
            checkpoints: Mutex::new(checkpoints),
        })
    }

    /// Returns the data directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns which stored calls run at the moment.
    pub(crate) fn attempts(&self) -> &Arc<Attempts> {
        &self.attempts
    }

    /// Returns where the files of an actor are.
    pub(crate) fn paths(&self, actor: &str, key: &Key) -> Paths {
        Paths::new(&self.root.join(actor), key)
    }

    /// Returns what the database of an actor stands on.
    pub(crate) fn backing(&self, keeper: Arc<dyn Gatekeeper>) -> Backing {
        Backing {
            volume: Arc::clone(&self.volume),
            directory: Some(Arc::clone(&self.directory)),
            connections: Arc::clone(&self.connections),
            keeper,
        }
    }

    /// Returns the list of all actors.
    pub(crate) fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Brings all files up to date, closes the log and the directory, and gives up the lock. All actors must have closed their
    /// databases.
    pub(crate) fn close(&self) -> Result<(), StoreError> {
        self.connections.clear();
        self.directory.close();
        let closed = self.volume.close();
        if let Some(checkpoints) = self.checkpoints.lock().take()
            && checkpoints.join().is_err()
        {
            tracing::error!("the thread that takes checkpoints panicked");
        }
        if closed.is_ok() {
            self.attempts.clear();
        }
        // Nobody writes any more, however it went: what is missing in the files is in the log.
        self.volume.give_up();
        self.volume.unlock();
        closed
    }

    /// Ends the log as it is: what is not on disk is lost.
    #[cfg(feature = "testing")]
    pub(crate) fn give_up(&self) {
        self.connections.clear();
        self.directory.close();
        self.volume.give_up();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The log's own threads and that of the checkpoints end with it; what is in the log is recovered at the next start.
        self.directory.close();
        self.volume.give_up();
    }
}

/// Opens the directory, and starts what takes checkpoints.
fn begin(
    volume: &Arc<Volume>,
    empty: &Arc<pages::Image>,
    away: &Away,
) -> Result<(Directory, Option<JoinHandle<()>>), StoreError> {
    let directory = directory::open(volume, empty)?;
    if volume.disk().is_native() {
        let spawned = checkpoint::spawn(Arc::clone(volume));
        let spawned = spawned.map_err(StoreError::io("start a thread for", volume.root()))?;
        return Ok((directory, Some(spawned)));
    }
    #[cfg(feature = "testing")]
    away.tend(checkpoint::tend(Arc::clone(volume)));
    #[cfg(not(feature = "testing"))]
    let _ = away;
    Ok((directory, None))
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
