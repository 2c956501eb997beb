//! Opens the directory, and builds it anew from the actors' files where there is none that can be trusted.

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use parking_lot::Mutex;

use super::{Change, Directory, FORMAT, NAME, Quiet, Row, Seat, about};
use crate::limits;
use crate::store::disk::Listed;
use crate::store::durability::Durability;
use crate::store::error::StoreError;
use crate::store::layout::{FRESH_SUFFIX, Paths, SUFFIX};
use crate::store::pages::{self, Image, Pages};
use crate::store::plain::{self, Inspected, remove_files};
use crate::store::schema::Schema;
use crate::store::sqlite::Guarded;
use crate::store::volume::Volume;

/// The tables of an empty directory.
const TABLES: &str = "
    CREATE TABLE actors (
      actor TEXT NOT NULL,
      key TEXT NOT NULL,
      instance TEXT NOT NULL,
      schema_version TEXT,
      next_timer INTEGER,
      created_at INTEGER NOT NULL,
      PRIMARY KEY (actor, key)
    ) WITHOUT ROWID;
    CREATE INDEX actors_by_timer ON actors (next_timer, actor, key) WHERE next_timer IS NOT NULL;
    CREATE TABLE about (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      format INTEGER NOT NULL,
      whole INTEGER NOT NULL
    );
";

/// Makes the database of an empty directory.
pub(in crate::store) fn image() -> Result<Arc<Image>, StoreError> {
    let memory = Path::new(":memory:");
    let opened = Guarded::establish(":memory:");
    let mut guarded = opened.map_err(|source| StoreError::Open {
        path: memory.to_owned(),
        source,
    })?;
    let size = limits::DIRECTORY_PAGE_BYTES;
    let setup = format!("PRAGMA page_size = {size}; {TABLES}");
    let made = guarded.connection.batch_execute(&setup);
    made.map_err(StoreError::sqlite("build", memory))?;
    let bytes = guarded.connection.serialize_database_to_buffer().to_vec();
    let image = Image::new(Cow::Owned(bytes)).map_err(StoreError::pages("build", memory))?;
    Ok(Arc::new(image))
}

/// Opens the directory. `image` is that of an empty one.
pub(in crate::store) fn open(
    volume: &Arc<Volume>,
    image: &Arc<Image>,
) -> Result<Directory, StoreError> {
    let path = volume.path(NAME);
    if let Some(pages) = find(volume)? {
        let directory = Directory::over(pages, path.clone())?;
        if directory.is_whole(image)? {
            return Ok(directory);
        }
        tracing::warn!(path = %path.display(), "the directory is not complete");
    }
    build(volume, image)
}

/// Returns the pages of the directory, if there is a file that may be one.
fn find(volume: &Arc<Volume>) -> Result<Option<Arc<Pages>>, StoreError> {
    let path = volume.path(NAME);
    if volume.doubts_directory() {
        tracing::warn!(path = %path.display(), "the directory does not fit the log");
        return Ok(None);
    }
    let file = match volume.open_file(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", &path)(error)),
    };
    let mut header = [0; pages::HEADER];
    let read = file.read_at(&mut header, 0);
    let length = read.map_err(StoreError::io("read", &path))?;
    let companions = companions(volume)?;
    if pages::has_own_log(&header[..length]) || companions {
        // An older version has written it, or another program.
        return Ok(None);
    }
    match Pages::open(Arc::clone(volume), NAME, file) {
        Ok(pages) => Ok(Some(pages)),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            tracing::warn!(path = %path.display(), %error, "the directory cannot be read");
            Ok(None)
        }
        Err(error) => Err(StoreError::io("read", &path)(error)),
    }
}

/// Returns whether SQLite has left files of its own beside the directory.
fn companions(volume: &Volume) -> Result<bool, StoreError> {
    for suffix in COMPANIONS {
        let path = volume.path(&format!("{NAME}{suffix}"));
        let length = volume.disk().len(&path);
        if length.map_err(StoreError::io("look at", &path))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes a directory of all files that count, and deletes those that do not.
fn build(volume: &Arc<Volume>, image: &Arc<Image>) -> Result<Directory, StoreError> {
    let path = volume.path(NAME);
    let mut was_there = false;
    for suffix in [""].into_iter().chain(COMPANIONS) {
        let path = volume.path(&format!("{NAME}{suffix}"));
        match volume.disk().remove_file(&path) {
            Ok(()) => was_there = true,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("remove", &path)(error)),
        }
    }
    if was_there {
        // DURABILITY: what it had must not come back, of which the log says nothing.
        let synced = volume.disk().sync_dir(volume.root());
        synced.map_err(StoreError::io("sync", volume.root()))?;
    }
    let pages = Pages::new(Arc::clone(volume), NAME, Arc::clone(image));
    let directory = Directory::over(pages, path)?;
    let listed = volume.disk().list(volume.root());
    let listed = listed.map_err(StoreError::io("list", volume.root()))?;
    // Types that this program does not have are listed too: the next one may have them.
    let types = listed
        .into_iter()
        .filter(|entry| entry.is_dir && !entry.name.starts_with('_'));
    let mut building = Building {
        volume,
        directory: &directory,
        found: Vec::new(),
        begun: false,
        whole: true,
    };
    for entry in types {
        building.add_type(&entry)?;
    }
    building.finish()?;
    Ok(directory)
}

/// A directory that is being built.
struct Building<'b> {
    volume: &'b Arc<Volume>,
    directory: &'b Directory,
    /// What is not committed yet.
    found: Vec<(Row, Option<i64>)>,
    /// Whether anything was committed.
    begun: bool,
    /// Whether all files could be read.
    whole: bool,
}

impl Building<'_> {
    fn add_type(&mut self, listed: &Listed) -> Result<(), StoreError> {
        let root = self.volume.path(&listed.name);
        let entries = self.volume.disk().list(&root);
        for entry in entries.map_err(StoreError::io("list", &root))? {
            let path = root.join(&entry.name);
            if entry.is_dir {
                continue;
            }
            if entry.name.ends_with(FRESH_SUFFIX) {
                let removed = self.volume.disk().remove_file(&path);
                removed.map_err(StoreError::io("remove", &path))?;
            } else if entry.name.ends_with(SUFFIX) {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    /// Looks whether a file counts.
    fn add_file(&mut self, path: &Path) -> Result<(), StoreError> {
        match self.inspect(path) {
            Ok(Some(Inspected {
                meta,
                version,
                earliest,
            })) => {
                // INVARIANT 2 of the directory: the file says when.
                self.found
                    .push((Row::of(&meta, version.as_deref()), earliest));
                if self.found.len() >= limits::DIRECTORY_BUILD_ROWS {
                    self.commit(false)?;
                    // The log has no more of it than this, however many actors there are.
                    let last = self.volume.log().force().synced;
                    self.volume.checkpoint(last)?;
                }
                Ok(())
            }
            Ok(None) => {
                // It has our tables and no mark: the rest of a creation or of a destruction.
                match Paths::of_file(path) {
                    Some(paths) => remove_files(&**self.volume.disk(), &paths),
                    None => Ok(()),
                }
            }
            Err(error) => {
                // Its own calls will say the same; the others must not suffer. One that may only have failed to be read is looked for
                // again at the next start.
                self.whole &= is_of_the_file(&error);
                tracing::warn!(%error, "an actor's file cannot be read and is left as it is");
                Ok(())
            }
        }
    }

    /// Reads the mark of a file. A disk that fails is asked again: what it does not say now is not listed.
    fn inspect(&self, path: &Path) -> Result<Option<Inspected>, StoreError> {
        let mut read = plain::inspect(&**self.volume.disk(), path);
        for _ in 1..limits::READ_ATTEMPTS {
            if read.as_ref().is_ok() || read.as_ref().is_err_and(is_of_the_file) {
                break;
            }
            read = plain::inspect(&**self.volume.disk(), path);
        }
        read
    }

    /// Commits what was found. `whole` says that this is all.
    fn commit(&mut self, whole: bool) -> Result<(), StoreError> {
        let found = std::mem::take(&mut self.found);
        self.directory.fill(&found, whole)?;
        self.begun = true;
        Ok(())
    }

    fn finish(mut self) -> Result<(), StoreError> {
        if self.begun || !self.found.is_empty() {
            tracing::warn!("the directory was built anew from the actors' files");
        }
        let whole = self.whole;
        self.commit(whole)
    }
}

/// Returns whether it is the file that is wrong, which another look does not change.
fn is_of_the_file(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Corrupt { .. } | StoreError::Foreign { .. } | StoreError::NewerFormat { .. }
    )
}

/// Returns whether it is the database that is wrong, and not the disk.
fn is_damage(error: &StoreError) -> bool {
    match error {
        StoreError::Corrupt { .. } => true,
        StoreError::Sqlite { source, .. } => {
            let message = source.to_string();
            message.contains("no such table") || message.contains("no such column")
        }
        _ => false,
    }
}

impl Directory {
    /// Returns the directory that has these pages.
    fn over(pages: Arc<Pages>, path: PathBuf) -> Result<Self, StoreError> {
        let seat = Seat::new(pages).map_err(|source| StoreError::Open {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            path,
            keeper: Arc::new(Quiet),
            seat: Mutex::new(Some(seat)),
            #[cfg(test)]
            between: Mutex::new(None),
        })
    }

    /// Returns whether it has all actors, in tables of ours.
    fn is_whole(&self, image: &Image) -> Result<bool, StoreError> {
        let mut seat = self.seat.lock();
        let read = self.read(&mut seat, |connection| {
            about::table
                .select((about::format, about::whole))
                .first::<(i32, bool)>(connection)
                .optional()
        });
        let found = match read {
            Ok(found) => found,
            Err(error) if is_damage(&error) => {
                tracing::warn!(%error, "the directory cannot be read");
                return Ok(false);
            }
            // A disk that fails, no more handles: what is there may be good.
            Err(error) => return Err(error),
        };
        let Some((format, whole)) = found else {
            return Ok(false);
        };
        if format > FORMAT {
            return Err(StoreError::NewerFormat {
                path: self.path.clone(),
                found: format,
                known: FORMAT,
            });
        }
        let pages = seat.as_ref().map(|seat| Schema::of(&*seat.pages));
        let same = match (pages, Schema::of(image)) {
            (Some(Ok(ours)), Ok(empty)) => ours == empty,
            _ => false,
        };
        Ok(format == FORMAT && whole && same)
    }

    /// Adds rows. `whole` says that there are no more.
    fn fill(&self, rows: &[(Row, Option<i64>)], whole: bool) -> Result<(), StoreError> {
        let mut seat = self.seat.lock();
        let about = (
            about::id.eq(1),
            about::format.eq(FORMAT),
            about::whole.eq(whole),
        );
        let written = self.commit_on(&mut seat, Durability::Process, None, |guarded| {
            guarded.connection.batch_execute("BEGIN")?;
            let replaced = diesel::replace_into(about::table).values(about);
            replaced.execute(&mut guarded.connection)?;
            for (row, due) in rows {
                Change::Listed(row.clone(), *due).apply(guarded)?;
            }
            guarded.connection.batch_execute("COMMIT")
        });
        written.map(drop)
    }
}
