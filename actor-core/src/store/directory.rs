//! [`Directory`]: the list of all actors, in `directory.db`.
//!
//! # Invariants
//!
//! 1. An actor's own file is the truth. The directory is written after it, so that after a crash it may lack actors or
//!    list destroyed ones; it is compared with the files when the last process did not close it.
//! 2. What cannot be read is built anew from the files.
//! 3. The next wake-up that is written here is never later than the one in the actor's file: an earlier one is written before
//!    the commit that sets it, a later one after it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use parking_lot::Mutex;

use super::cached::execute;
use super::disk::Disk;
use super::error::StoreError;
use super::internal::Meta;
use super::layout::{FRESH_SUFFIX, Paths, SUFFIX};
use super::plain::{self, Inspected, remove_files};
use super::volume::LOG_DIRECTORY;
use crate::key::Key;

diesel::table! {
    actors (actor, key) {
        actor -> Text,
        key -> Text,
        instance -> Text,
        schema_version -> Nullable<Text>,
        next_timer -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    about (id) {
        id -> Integer,
        format -> Integer,
        closed -> Bool,
    }
}

/// The format of `directory.db`.
const FORMAT: i32 = 1;

/// `synchronous = NORMAL` in WAL mode survives every crash undamaged, and a row that a power cut takes is found again
/// by comparing with the files.
const SETUP: &str = "
    PRAGMA busy_timeout = 250;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS actors (
      actor TEXT NOT NULL,
      key TEXT NOT NULL,
      instance TEXT NOT NULL,
      schema_version TEXT,
      next_timer INTEGER,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (actor, key)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS actors_by_timer ON actors (next_timer, actor, key) WHERE next_timer IS NOT NULL;
    CREATE TABLE IF NOT EXISTS about (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      format INTEGER NOT NULL,
      closed INTEGER NOT NULL
    );
";

/// One row of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = actors)]
pub(crate) struct Row {
    /// The name of the actor's type.
    pub(crate) actor: String,
    /// The printed form of the key.
    pub(crate) key: String,
    /// What tells this actor from an earlier one with the same key.
    pub(crate) instance: String,
    /// The newest migration that its database has.
    pub(crate) schema_version: Option<String>,
    /// When it was created, in seconds since 1970.
    pub(crate) created_at: i64,
}

/// When an actor must be awake. The order is that of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable)]
pub(crate) struct WakeUp {
    /// When, in milliseconds since 1970.
    pub(crate) due: i64,
    /// The name of the actor's type.
    pub(crate) actor: String,
    /// The printed form of the key.
    pub(crate) key: String,
}

/// The list of all actors.
pub(crate) struct Directory {
    path: PathBuf,
    /// Gone once the directory is closed.
    connection: Mutex<Option<SqliteConnection>>,
}

impl Directory {
    /// Opens the directory and, if it was not closed in order, compares it with the actors' files.
    ///
    /// On a disk that SQLite does not know it is in memory, and built from the files each time.
    pub(super) fn open(disk: &dyn Disk, root: &Path) -> Result<Self, StoreError> {
        let path = if disk.is_native() {
            root.join("directory.db")
        } else {
            PathBuf::from(":memory:")
        };
        let (connection, closed) = match connect(&path) {
            Ok(opened) => opened,
            Err(error @ StoreError::Corrupt { .. }) => {
                tracing::warn!(%error, "the directory cannot be read and is built anew from the actors' files");
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    let _ = fs::remove_file(root.join(format!("directory.db{suffix}")));
                }
                connect(&path)?
            }
            // A newer format, a file in use, no more handles: what is there may be good.
            Err(error) => return Err(error),
        };
        let directory = Self {
            path,
            connection: Mutex::new(Some(connection)),
        };
        if !closed {
            // Types that this program does not have are compared too: the next one may have them.
            let listed = disk.list(root).map_err(StoreError::io("list", root))?;
            for entry in listed {
                if entry.is_dir && entry.name != LOG_DIRECTORY {
                    directory.compare(disk, root, &entry.name)?;
                }
            }
        }
        Ok(directory)
    }

    /// Notes an actor that was created or migrated. What is known of its next wake-up stays.
    pub(crate) fn note(&self, meta: &Meta, schema_version: Option<&str>) -> Result<(), StoreError> {
        let row = Row {
            actor: meta.actor.clone(),
            key: meta.key.clone(),
            instance: meta.instance.clone(),
            schema_version: schema_version.map(str::to_owned),
            created_at: meta.created_at,
        };
        self.with("write", |connection| {
            let upsert = diesel::insert_into(actors::table)
                .values(&row)
                .on_conflict((actors::actor, actors::key))
                .do_update()
                .set(&row);
            execute(connection, upsert)
        })
    }

    /// Returns when an actor must be awake next, as far as the directory knows.
    pub(crate) fn next_timer(&self, actor: &str, key: &str) -> Result<Option<i64>, StoreError> {
        let row = actors::table.find((actor, key)).select(actors::next_timer);
        self.with("read", |connection| {
            Ok(row.first(connection).optional()?.flatten())
        })
    }

    /// Notes when an actor must be awake next.
    pub(crate) fn set_next_timer(
        &self,
        actor: &str,
        key: &str,
        due: Option<i64>,
    ) -> Result<(), StoreError> {
        self.with("write", |connection| {
            diesel::update(actors::table.find((actor, key)))
                .set(actors::next_timer.eq(due))
                .execute(connection)
                .map(drop)
        })
    }

    /// Returns the next wake-ups of some types, in order, at most `limit` behind `after`.
    pub(crate) fn wake_ups(
        &self,
        types: &[&'static str],
        after: Option<&WakeUp>,
        limit: i64,
    ) -> Result<Vec<WakeUp>, StoreError> {
        let due = actors::next_timer.assume_not_null();
        let mut query = actors::table
            .filter(actors::next_timer.is_not_null())
            .filter(actors::actor.eq_any(types))
            .order((actors::next_timer, actors::actor, actors::key))
            .limit(limit)
            .select((due, actors::actor, actors::key))
            .into_boxed();
        if let Some(after) = after {
            let same_time = actors::actor.gt(&after.actor).or(actors::actor
                .eq(&after.actor)
                .and(actors::key.gt(&after.key)));
            query = query.filter(due.gt(after.due).or(due.eq(after.due).and(same_time)));
        }
        self.with("read", |connection| query.load(connection))
    }

    /// Forgets an actor that was destroyed.
    pub(crate) fn forget(&self, actor: &str, key: &str) -> Result<(), StoreError> {
        self.with("write", |connection| {
            diesel::delete(actors::table.find((actor, key)))
                .execute(connection)
                .map(drop)
        })
    }

    /// Lists the actors of a type by key, at most `limit` behind `after`.
    pub(crate) fn list(
        &self,
        actor: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let mut query = actors::table
            .filter(actors::actor.eq(actor))
            .order(actors::key)
            .limit(limit)
            .select(Row::as_select())
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(actors::key.gt(after));
        }
        self.with("read", |connection| query.load(connection))
    }

    /// Notes that nothing will change any more, so that the next start need not compare.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        self.with("close", |connection| {
            diesel::update(about::table)
                .set(about::closed.eq(true))
                .execute(connection)
                .map(drop)
        })?;
        drop(self.connection.lock().take());
        Ok(())
    }

    /// Runs statements on the connection.
    fn with<T>(
        &self,
        doing: &'static str,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        match &mut *self.connection.lock() {
            Some(connection) => run(connection).map_err(StoreError::sqlite(doing, &self.path)),
            None => Err(StoreError::Closed {
                path: self.path.clone(),
            }),
        }
    }

    /// Compares the rows of one type with its files, and mends the rows.
    fn compare(&self, disk: &dyn Disk, root: &Path, actor: &str) -> Result<(), StoreError> {
        let directory = root.join(actor);
        let rows = self.list(actor, None, i64::MAX)?;
        let mut listed: HashMap<PathBuf, Row> = HashMap::new();
        for row in rows {
            match Key::from_printed(&row.key) {
                Ok(key) => {
                    listed.insert(Paths::new(&directory, &key).database(), row);
                }
                Err(_) => self.forget(actor, &row.key)?,
            }
        }
        let entries = disk.list(&directory);
        for entry in entries.map_err(StoreError::io("list", &directory))? {
            let path = directory.join(&entry.name);
            if entry.name.ends_with(FRESH_SUFFIX) {
                let removed = disk.remove_file(&path);
                removed.map_err(StoreError::io("remove", &path))?;
            } else if entry.name.ends_with(SUFFIX) {
                self.compare_file(disk, &path, &mut listed)?;
            }
        }
        for row in listed.values() {
            self.forget(actor, &row.key)?;
        }
        Ok(())
    }

    /// Looks whether a file counts: crashes leave some that do not, and rows that are missing.
    fn compare_file(
        &self,
        disk: &dyn Disk,
        path: &Path,
        listed: &mut HashMap<PathBuf, Row>,
    ) -> Result<(), StoreError> {
        match plain::inspect(disk, path) {
            Ok(Some(Inspected {
                meta,
                version,
                earliest,
            })) => {
                if listed
                    .remove(path)
                    .is_none_or(|row| row.instance != meta.instance)
                {
                    self.note(&meta, version.as_deref())?;
                }
                // INVARIANT 3: the file says when.
                self.set_next_timer(&meta.actor, &meta.key, earliest)
            }
            Ok(None) => {
                // It has our tables and no mark: the rest of a creation or of a destruction.
                match Paths::of_file(path) {
                    Some(paths) => remove_files(disk, &paths),
                    None => Ok(()),
                }
            }
            Err(error) => {
                // Its own calls will say the same; the others must not suffer.
                tracing::warn!(%error, "an actor's file cannot be read and is left as it is");
                listed.remove(path);
                Ok(())
            }
        }
    }
}

/// Opens the file, and says whether it was closed in order.
fn connect(path: &Path) -> Result<(SqliteConnection, bool), StoreError> {
    let text = path.to_string_lossy();
    let mut connection = SqliteConnection::establish(&text).map_err(|source| StoreError::Open {
        path: path.to_owned(),
        source,
    })?;
    let opened = (|| {
        connection.batch_execute(SETUP)?;
        let found: Option<(i32, bool)> = about::table
            .select((about::format, about::closed))
            .first(&mut connection)
            .optional()?;
        if let Some((format, _)) = found
            && format > FORMAT
        {
            return Ok(Err(format));
        }
        diesel::replace_into(about::table)
            .values((
                about::id.eq(1),
                about::format.eq(FORMAT),
                about::closed.eq(false),
            ))
            .execute(&mut connection)?;
        Ok(Ok(found.is_some_and(|(format, closed)| {
            format == FORMAT && closed
        })))
    })();
    match opened.map_err(StoreError::sqlite("open", path))? {
        Ok(closed) => Ok((connection, closed)),
        Err(found) => Err(StoreError::NewerFormat {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
    }
}
