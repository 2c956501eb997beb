//! [`Database`]: the open database of one awake actor. The seam behind which the way of storing may change.
//!
//! # Invariants
//!
//! 1. A file without the row of `_actor_meta` does not count. The row is written by the transaction that creates the
//!    actor, after `#[create_state]` and `#[on_create]`, and removed by the one that destroys it.
//! 2. A database gets its name only when its image is on disk, so that a damaged file is never half an image.
//! 3. Only a file that is provably ours and does not count is ever deleted by us.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::calls::{self, Earliest};
use super::db::Db;
use super::durability::{Durability, Gatekeeper, Log, SyncPool, Ticket};
use super::error::{MigrationError, StoreError};
use super::internal::{self, Meta, SavedState};
use super::layout::Paths;
use super::migrations::{Migration, Migrations};
use super::sqlite::Guarded;
use super::template::Template;

/// The settings of every connection, each with its reason:
/// - `locking_mode`: one process, one instance; without the shared-memory file that is 2 instead of 3 files an actor;
/// - `journal_mode`: appends to one file, and one sync a commit;
/// - `synchronous`: the log is synced by us, for many commits at once and before a reply leaves; SQLite itself still syncs
///   before it writes from the log to the database, and before it begins the log anew;
/// - `foreign_keys`: whatever SQLite was built with, a reference that is declared holds;
/// - `temp_store`: a temporary file beside nothing would be left behind by a crash;
/// - `cache_size`: 512 KiB, because there are many connections with little data each;
/// - `busy_timeout`: someone who looks into the file with another tool is waited for, but not long.
const SETTINGS: &str = "
    PRAGMA busy_timeout = 250;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -512;
";

/// The bytes of the header that say how the file is journaled, and their value for WAL.
const JOURNAL_VERSION: (std::ops::RangeInclusive<usize>, u8) = (18..=19, 2);

/// The open database of one awake actor.
pub(crate) struct Database {
    db: Db,
    paths: Paths,
    log: Arc<Log>,
}

/// What the directory keeps of an actor.
pub(super) struct Inspected {
    /// The mark.
    pub(super) meta: Meta,
    /// The newest migration.
    pub(super) version: Option<String>,
    /// When the actor must be awake next.
    pub(super) earliest: Option<i64>,
}

/// Who syncs the log of a database, and who is told.
pub(crate) type Syncing = (Arc<SyncPool>, Arc<dyn Gatekeeper>);

impl Database {
    /// Opens the database of an actor that exists; `None` if it does not.
    pub(super) fn open(
        paths: Paths,
        actor: &str,
        key: &str,
        syncing: Syncing,
    ) -> Result<Option<(Self, Meta)>, StoreError> {
        let path = paths.database();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > 0 => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("look at", &path)(error)),
        }
        let mut database = Self::connect(paths, syncing)?;
        let Some(meta) = database.read_meta()? else {
            return Ok(None);
        };
        if meta.format > internal::FORMAT {
            return Err(StoreError::NewerFormat {
                path,
                found: meta.format,
                known: internal::FORMAT,
            });
        }
        if meta.actor != actor || meta.key != key {
            return Err(StoreError::Foreign {
                path,
                found: format!("{} {:?}", meta.actor, meta.key),
                expected: format!("{actor} {key:?}"),
            });
        }
        Ok(Some((database, meta)))
    }

    /// Makes a database that does not count yet of a type's image.
    pub(super) fn create(paths: Paths, image: &[u8], syncing: Syncing) -> Result<Self, StoreError> {
        let fresh = paths.fresh();
        let mut image = image.to_vec();
        let (header, version) = JOURNAL_VERSION;
        image[header].fill(version);
        let removed = remove_files(&paths)?;
        let write = || {
            if removed {
                // DURABILITY: a log of the last actor must not come back beside the new image.
                File::open(paths.directory())?.sync_all()?;
            }
            let mut file = File::create(&fresh)?;
            file.write_all(&image)?;
            // DURABILITY: invariant 2. The directory is synced with the log that the first commit begins.
            file.sync_all()?;
            fs::rename(&fresh, paths.database())
        };
        write().map_err(StoreError::io("create", &paths.database()))?;
        Self::connect(paths, syncing)
    }

    /// Reads what the directory keeps of a file.
    pub(super) fn inspect(path: &Path) -> Result<Option<Inspected>, StoreError> {
        let Some(paths) = Paths::of_file(path) else {
            return Ok(None);
        };
        let mut db = connect(&paths)?;
        let Some(meta) = read_meta(&mut db, path)? else {
            return Ok(None);
        };
        let (_, newest) = db
            .outside(internal::applied_summary)
            .map_err(StoreError::sqlite("read", path))?;
        let earliest = match meta.format {
            // The tables of stored calls came with the second format.
            1 => None,
            _ => db
                .outside(|connection| calls::earliest(connection, 0))
                .map_err(StoreError::sqlite("read the timers of", path))?
                .any(),
        };
        Ok(Some(Inspected {
            meta,
            version: newest,
            earliest,
        }))
    }

    fn connect(paths: Paths, (pool, keeper): Syncing) -> Result<Self, StoreError> {
        if let Some(error) = pool.poison() {
            return Err(StoreError::Poisoned {
                source: Arc::clone(error),
            });
        }
        let db = connect(&paths)?;
        let log = Log::new(paths.log(), pool, keeper);
        Ok(Self { db, paths, log })
    }

    /// Reads the mark.
    fn read_meta(&mut self) -> Result<Option<Meta>, StoreError> {
        read_meta(&mut self.db, &self.paths.database())
    }

    /// Returns what says when commits are durable.
    pub(crate) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Returns the ticket of all that is committed so far: what a reply may have seen.
    pub(crate) fn so_far(&self) -> Ticket {
        self.log.so_far()
    }

    /// Returns the connection, for the code between [`Db::enter`] and [`commit`](Self::commit).
    pub(crate) fn db(&mut self) -> &mut Db {
        &mut self.db
    }

    /// Commits what ran since the last commit or rollback. The ticket covers all commits before it too.
    pub(crate) fn commit(&mut self, durability: Durability) -> Result<Ticket, StoreError> {
        if let Some(error) = self.log.pool().poison() {
            return Err(StoreError::Poisoned {
                source: Arc::clone(error),
            });
        }
        // Before the commit: one that could not be synced must not be there.
        self.log.prepare()?;
        let wrote = self
            .db
            .commit()
            .map_err(StoreError::sqlite("commit to", &self.paths.database()))?;
        Ok(if wrote {
            self.log.written(durability)
        } else {
            self.log.so_far()
        })
    }

    /// Says that a transaction cannot commit.
    pub(crate) fn commit_error(&self, cause: diesel::result::Error) -> StoreError {
        StoreError::sqlite("commit to", &self.paths.database())(cause)
    }

    /// Undoes what ran since the last commit or rollback.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        self.db
            .rollback()
            .map_err(StoreError::sqlite("roll back", &self.paths.database()))
    }

    /// Reads the state, of whatever version.
    pub(crate) fn load_state(&mut self) -> Result<SavedState, StoreError> {
        let path = self.paths.database();
        let saved = self
            .db
            .internal(internal::read_state)
            .map_err(StoreError::sqlite("read the state of", &path))?;
        saved.ok_or(StoreError::Corrupt {
            path,
            message: "it has no state".to_owned(),
        })
    }

    /// Makes a state of the text that is stored for it.
    pub(crate) fn parse_state<T: serde::de::DeserializeOwned>(
        &self,
        json: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(json).map_err(|source| StoreError::State {
            path: self.paths.database(),
            source,
        })
    }

    /// Makes the text that is stored for a state.
    pub(crate) fn state_text<T: serde::Serialize>(&self, state: &T) -> Result<String, StoreError> {
        serde_json::to_string(state).map_err(|source| StoreError::State {
            path: self.paths.database(),
            source,
        })
    }

    /// Writes the text of a state and the version of its type, in the running transaction.
    pub(crate) fn write_state(&mut self, version: i32, text: &str) -> Result<(), StoreError> {
        self.db
            .internal(|connection| internal::write_state(connection, version, text))
            .map_err(StoreError::sqlite(
                "write the state of",
                &self.paths.database(),
            ))
    }

    /// Writes the mark that the actor exists, in the running transaction.
    pub(crate) fn mark_created(
        &mut self,
        actor: &str,
        key: &str,
        schema: &str,
    ) -> Result<Meta, StoreError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let meta = Meta {
            id: 1,
            format: internal::FORMAT,
            actor: actor.to_owned(),
            key: key.to_owned(),
            instance: format!("{:x}-{:x}", now.as_nanos(), std::process::id()),
            schema: schema.to_owned(),
            created_at: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        };
        self.db
            .internal(|connection| internal::write_meta(connection, &meta))
            .map_err(StoreError::sqlite("create", &self.paths.database()))?;
        Ok(meta)
    }

    /// Removes the mark that the actor exists, in the running transaction.
    pub(crate) fn mark_destroyed(&mut self) -> Result<(), StoreError> {
        self.db
            .internal(internal::remove_meta)
            .map_err(StoreError::sqlite("destroy", &self.paths.database()))
    }

    /// Returns the migrations that this database does not have yet.
    pub(super) fn pending(
        &mut self,
        migrations: &Migrations,
        template: &Template,
        meta: &Meta,
    ) -> Result<Result<&'static [Migration], MigrationError>, StoreError> {
        let path = self.paths.database();
        let same = meta.schema == template.fingerprint();
        // One row instead of all versions: the usual case is that nothing happened since the last time.
        let (count, newest) = self
            .db
            .outside(internal::applied_summary)
            .map_err(StoreError::sqlite("read the migrations of", &path))?;
        let whole = i64::try_from(migrations.list().len()).unwrap_or(i64::MAX);
        if same && count == whole && newest.as_deref() == migrations.newest() {
            return Ok(Ok(&[]));
        }
        let applied = self
            .db
            .outside(internal::applied_versions)
            .map_err(StoreError::sqlite("read the migrations of", &path))?;
        Ok(migrations.pending(&applied))
    }

    /// Begins to migrate: foreign keys are off, because a table that is rebuilt would take its children with it.
    pub(crate) fn begin_migrating(&mut self, deadline: Instant) -> Result<(), StoreError> {
        self.foreign_keys("PRAGMA foreign_keys = OFF")?;
        self.db.enter("migrate", false, Some(deadline));
        Ok(())
    }

    /// Brings the framework's own tables from an older format to the present one, in the running transaction.
    pub(crate) fn upgrade(&mut self, meta: &Meta) -> Result<(), StoreError> {
        self.db
            .internal(|connection| internal::upgrade(connection, meta.format))
            .map_err(StoreError::sqlite("upgrade", &self.paths.database()))
    }

    /// Returns when the actor must be awake next, as far as stored calls are concerned.
    pub(crate) fn earliest(&mut self, now: i64) -> Result<Earliest, StoreError> {
        self.db
            .internal(|connection| calls::earliest(connection, now))
            .map_err(StoreError::sqlite(
                "read the timers of",
                &self.paths.database(),
            ))
    }

    /// Applies one migration, in the running transaction.
    pub(crate) fn apply(&mut self, migration: &'static Migration) -> Result<(), MigrationError> {
        let mut outcome = Ok(());
        let begun = self.db.internal(|connection| {
            outcome = migration.apply(connection);
            Ok(())
        });
        begun.map_err(|cause| migration.failed(&cause))?;
        outcome
    }

    /// Ends migrating: all rows must refer to rows that exist, then everything commits at once.
    pub(crate) fn finish_migrating(
        &mut self,
        schema: Option<(&Meta, &str)>,
    ) -> Result<Result<Ticket, MigrationError>, StoreError> {
        let path = self.paths.database();
        let orphans = self
            .db
            .internal(internal::orphans)
            .map_err(StoreError::sqlite("check the foreign keys of", &path))?;
        if let Some(table) = orphans.first() {
            let error = MigrationError::ForeignKeys {
                rows: orphans.len(),
                table: table.clone(),
            };
            self.abort_migrating()?;
            return Ok(Err(error));
        }
        if let Some((meta, schema)) = schema {
            let meta = Meta {
                format: internal::FORMAT,
                schema: schema.to_owned(),
                ..meta.clone()
            };
            self.db
                .internal(|connection| internal::write_meta(connection, &meta))
                .map_err(StoreError::sqlite("migrate", &path))?;
        }
        let ticket = self.commit(Durability::Synced)?;
        self.foreign_keys("PRAGMA foreign_keys = ON")?;
        Ok(Ok(ticket))
    }

    /// Gives up migrating: the database is as it was.
    pub(crate) fn abort_migrating(&mut self) -> Result<(), StoreError> {
        self.rollback()?;
        self.foreign_keys("PRAGMA foreign_keys = ON")
    }

    fn foreign_keys(&mut self, pragma: &str) -> Result<(), StoreError> {
        self.db
            .outside(|connection| connection.batch_execute(pragma))
            .map_err(StoreError::sqlite("migrate", &self.paths.database()))
    }

    /// Closes the file: what is in its log goes to the database, and the log is gone.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        // What an unfinished hook wrote must not be part of it.
        self.rollback()
    }

    /// Closes the file and deletes it. It must not count any more.
    pub(super) fn delete(mut self) -> Result<(), StoreError> {
        self.rollback()?;
        let paths = self.paths.clone();
        drop(self);
        remove_files(&paths)?;
        // DURABILITY: a deleted actor that comes back without its mark would not count, so this is for space only.
        File::open(paths.directory())
            .and_then(|directory| directory.sync_all())
            .map_err(StoreError::io("sync", paths.directory()))
    }
}

/// Opens the connection to an actor's file.
fn connect(paths: &Paths) -> Result<Db, StoreError> {
    let path = paths.database();
    let guarded = Guarded::establish(&uri(&path)).map_err(|source| StoreError::Open {
        path: path.clone(),
        source,
    })?;
    let mut db = Db::new(guarded);
    db.outside(|connection| connection.batch_execute(SETTINGS))
        .map_err(StoreError::sqlite("open", &path))?;
    Ok(db)
}

/// Reads the mark; a database without our tables is somebody else's.
fn read_meta(db: &mut Db, path: &Path) -> Result<Option<Meta>, StoreError> {
    let ours = db
        .outside(|connection| {
            diesel::select(diesel::dsl::sql::<BigInt>(
                "(SELECT count(*) FROM sqlite_schema WHERE name = '_actor_meta')",
            ))
            .get_result::<i64>(connection)
        })
        .map_err(StoreError::sqlite("read", path))?;
    if ours == 0 {
        return Err(StoreError::Foreign {
            path: path.to_owned(),
            found: "a database without the framework's tables".to_owned(),
            expected: "an actor".to_owned(),
        });
    }
    db.outside(internal::read_meta)
        .map_err(StoreError::sqlite("read", path))
}

/// Deletes all files of an actor that does not count. Returns whether there were any.
pub(super) fn remove_files(paths: &Paths) -> Result<bool, StoreError> {
    let mut removed = false;
    let companions = paths.companions();
    for path in [paths.database(), paths.fresh()].iter().chain(&companions) {
        match fs::remove_file(path) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", path)(error)),
        }
    }
    Ok(removed)
}

/// Writes a path as the URI of a database that must exist.
fn uri(path: &Path) -> String {
    let mut text = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'%' | b'?' | b'#' => {
                text.push('%');
                text.push_str(&super::migrations::hex(&[*byte]));
            }
            byte if byte.is_ascii() => text.push(char::from(*byte)),
            byte => {
                text.push('%');
                text.push_str(&super::migrations::hex(&[*byte]));
            }
        }
    }
    text.push_str("?mode=rw");
    text
}
