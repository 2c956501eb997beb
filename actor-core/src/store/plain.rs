//! Actors' files as any SQLite tool opens them, without our pages: at the start, and where another tool has left a log of its own.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::result::QueryResult;

use super::calls;
use super::disk::{Disk, OpenHow};
use super::error::StoreError;
use super::internal::{self, Meta};
use super::layout::Paths;
use super::sqlite::Guarded;

/// Someone who looks into the file with another tool is waited for, but not long.
const SETTINGS: &str = "PRAGMA busy_timeout = 250;";

/// What the directory keeps of an actor.
pub(super) struct Inspected {
    /// The mark.
    pub(super) meta: Meta,
    /// The newest migration.
    pub(super) version: Option<String>,
    /// When the actor must be awake next.
    pub(super) earliest: Option<i64>,
}

/// Reads what the directory keeps of a file.
pub(super) fn inspect(disk: &dyn Disk, path: &Path) -> Result<Option<Inspected>, StoreError> {
    if disk.len(path).is_ok_and(|length| length == Some(0)) {
        return Ok(None);
    }
    let mut guarded = if disk.is_native() {
        connect(path)?
    } else {
        copy(disk, path)?
    };
    let connection = &mut guarded.connection;
    let read = |result: QueryResult<_>| result.map_err(StoreError::sqlite("read", path));
    if !internal::has_tables(connection).map_err(StoreError::sqlite("read", path))? {
        return Err(foreign(path));
    }
    let meta = internal::read_meta(connection).map_err(StoreError::sqlite("read", path))?;
    let Some(meta) = meta else {
        return Ok(None);
    };
    let (_, version) = read(internal::applied_summary(connection))?;
    let earliest = match meta.format {
        // The tables of stored calls came with the second format.
        1 => None,
        _ => calls::earliest(connection, 0)
            .map_err(StoreError::sqlite("read the timers of", path))?
            .any(),
    };
    Ok(Some(Inspected {
        meta,
        version,
        earliest,
    }))
}

/// Brings a file into the form that our pages have: what is in a log of SQLite's own goes to the file.
pub(super) fn settle(path: &Path) -> Result<(), StoreError> {
    let mut guarded = connect(path)?;
    guarded
        .connection
        .batch_execute("PRAGMA journal_mode = DELETE; PRAGMA user_version")
        .map_err(StoreError::sqlite("open", path))?;
    drop(guarded);
    // DURABILITY: from here on the log of the store speaks of this form.
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(StoreError::io("sync", path))
}

/// Says that a database is none of ours.
pub(super) fn foreign(path: &Path) -> StoreError {
    StoreError::Foreign {
        path: path.to_owned(),
        found: "a database without the framework's tables".to_owned(),
        expected: "an actor".to_owned(),
    }
}

/// Deletes all files of an actor that does not count.
pub(super) fn remove_files(disk: &dyn Disk, paths: &Paths) -> Result<(), StoreError> {
    let companions = paths.companions();
    for path in [paths.database(), paths.fresh()].iter().chain(&companions) {
        match disk.remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", path)(error)),
        }
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Guarded, StoreError> {
    let mut guarded = Guarded::establish(&uri(path)).map_err(|source| StoreError::Open {
        path: path.to_owned(),
        source,
    })?;
    guarded
        .connection
        .batch_execute(SETTINGS)
        .map_err(StoreError::sqlite("open", path))?;
    Ok(guarded)
}

/// Opens a copy in memory of a file that SQLite does not find by its path.
fn copy(disk: &dyn Disk, path: &Path) -> Result<Guarded, StoreError> {
    let read = || {
        let file = disk.open(path, OpenHow::Existing)?;
        let length = usize::try_from(file.len()?).map_err(std::io::Error::other)?;
        let mut bytes = vec![0; length];
        let read = file.read_at(&mut bytes, 0)?;
        bytes.truncate(read);
        Ok(bytes)
    };
    let bytes = read().map_err(StoreError::io("read", path))?;
    let mut guarded = Guarded::establish(":memory:").map_err(|source| StoreError::Open {
        path: path.to_owned(),
        source,
    })?;
    let connection = &mut guarded.connection;
    let copied = connection.deserialize_readonly_database_from_buffer(&bytes);
    copied.map_err(StoreError::sqlite("read", path))?;
    Ok(guarded)
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
