//! [`StoreError`] and [`MigrationError`].

use crate::codec::{ValueError, ValueProblem};
use std::io;
use std::path::{Path, PathBuf};

/// Why the store could not do something. Nothing is changed or deleted where it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// SQLite refused something.
    #[error("SQLite cannot {doing} {}: {source}", path.display())]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// On which database.
        path: PathBuf,
        /// What it said.
        #[source]
        source: diesel::result::Error,
    },
    /// The database could not be opened.
    #[error("SQLite cannot open {}: {source}", path.display())]
    Open {
        /// The database.
        path: PathBuf,
        /// What it said.
        #[source]
        source: diesel::ConnectionError,
    },
    /// The file is not a SQLite database, or a damaged one. It was left as it is.
    #[error("{} is damaged: {message}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        message: String,
    },
    /// The file is a database, but of another actor, or of none. It was left as it is.
    #[error("{} holds {found}, not {expected}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The file was written by a newer version of the framework. It was left as it is.
    #[error("{} has format {found}, this program knows up to {known}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest known one.
        known: i32,
    },
    /// The state cannot be saved, or what is saved cannot be read as the type of the `#[state]` field.
    #[error("{source}{}", remedy(source))]
    State {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        #[source]
        source: ValueError,
    },
    /// The system was shut down.
    #[error("{} is closed", path.display())]
    Closed {
        /// The database.
        path: PathBuf,
    },
    /// A sync failed, now or earlier. Nothing is acknowledged until the system is started anew; what was acknowledged before is
    /// on disk.
    #[error("the disk failed to sync: {source}")]
    Poisoned {
        /// The sync that failed.
        #[source]
        source: std::sync::Arc<StoreError>,
    },
    /// The log is full, and what it holds cannot be brought into the files of the actors.
    #[error("the log is full and cannot be emptied: {source}")]
    LogFull {
        /// Why not.
        #[source]
        source: std::sync::Arc<StoreError>,
    },
    /// A commit could not be written to the log. The actor starts again from what is on disk.
    #[error("a commit was lost: {source}")]
    Lost {
        /// Why.
        #[source]
        source: std::sync::Arc<StoreError>,
    },
    /// A worker of the store ended in the middle of its work.
    #[error("the store was interrupted: {message}")]
    Interrupted {
        /// How.
        message: String,
    },
}

/// Says what to do about a saved state that does not fit its type.
fn remedy(error: &ValueError) -> &'static str {
    match error.problem {
        ValueProblem::Unreadable { .. } => {
            "; if its type has changed, give new fields `#[serde(default)]`, or raise \
             `#[state(version = …)]` and write a `#[migrate_state]` step"
        }
        _ => "",
    }
}

impl StoreError {
    /// Returns `"store"`, or `"state"` for a state that does not fit.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match self {
            Self::State { .. } => "state",
            _ => "store",
        }
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::Sqlite { .. } => "sqlite",
            Self::Open { .. } => "open",
            Self::Corrupt { .. } => "corrupt",
            Self::Foreign { .. } => "foreign",
            Self::NewerFormat { .. } => "newer_format",
            Self::State { source, .. } => source.code(),
            Self::Closed { .. } => "closed",
            Self::Poisoned { .. } => "poisoned",
            Self::Lost { .. } => "lost",
            Self::LogFull { .. } => "log_full",
            Self::Interrupted { .. } => "interrupted",
        }
    }

    /// Returns a closure that names an I/O error's doing and file.
    /// Says that an actor's pages could not be read, which may be their own fault.
    pub(super) fn pages(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Corrupt {
                path: path.to_owned(),
                message: source.to_string(),
            },
            _ => Self::io(doing, path)(source),
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// Returns a closure that names a SQLite error's doing and database.
    pub(crate) fn sqlite(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(diesel::result::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            let message = source.to_string();
            // Diesel passes SQLite's message on, but not its code.
            let damaged = [
                "file is not a database",
                "malformed",
                "unsupported file format",
            ];
            if damaged.iter().any(|words| message.contains(words)) {
                return Self::Corrupt { path, message };
            }
            Self::Sqlite {
                doing,
                path,
                source,
            }
        }
    }
}

/// Why the migrations of an actor cannot apply. Its database is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A migration did not apply.
    #[error("migration {name} failed: {source}")]
    Failed {
        /// Its version.
        version: &'static str,
        /// The name of its directory.
        name: &'static str,
        /// What SQLite said.
        #[source]
        source: crate::failure::SharedError,
    },
    /// A Rust step of a migration failed.
    #[error("the data migration `{hook}` after version {version} failed: {source}")]
    DataStep {
        /// The version that it follows.
        version: &'static str,
        /// The user's function.
        hook: &'static str,
        /// What it returned.
        #[source]
        source: crate::failure::SharedError,
    },
    /// After all migrations a row refers to one that does not exist.
    #[error("after the migrations, {rows} rows break a foreign key; the first is in table {table}")]
    ForeignKeys {
        /// How many.
        rows: usize,
        /// The table of the first one.
        table: String,
    },
    /// The database has a version that is newer than all that the program knows.
    #[error(
        "the database has version {version}, which is newer than the program's newest, {newest}"
    )]
    Newer {
        /// The version of the database.
        version: String,
        /// The newest version of the program.
        newest: &'static str,
    },
    /// The database has a version that the program does not have, though it has a newer one.
    #[error("the database has version {version}, which the program no longer has")]
    Removed {
        /// The version.
        version: String,
    },
    /// A migration was changed after it had been applied to this database.
    #[error(
        "migration {name} was edited after this database applied it: restore it, and add a migration for the change"
    )]
    Edited {
        /// Its version.
        version: &'static str,
        /// The name of its directory.
        name: &'static str,
    },
    /// A migration is missing although a later one was applied.
    #[error("migration {name} was not applied, but the later version {later} was")]
    Skipped {
        /// Its version.
        version: &'static str,
        /// The name of its directory.
        name: &'static str,
        /// The newest version that was applied.
        later: String,
    },
    /// The state was saved by a program that knows a newer version of it.
    #[error("the state has version {version}, which is newer than the program's, {known}")]
    NewerState {
        /// The version of the saved state.
        version: i32,
        /// The version of the program's state; 0 if it has none.
        known: i32,
    },
    /// A step that brings the state to the next version failed, or the saved state does not fit the type that it takes.
    #[error("the step `{hook}` of the state from version {from} failed: {source}")]
    StateStep {
        /// The version from which it leads.
        from: i32,
        /// The user's function.
        hook: &'static str,
        /// What it returned, or what does not fit.
        #[source]
        source: crate::failure::SharedError,
    },
    /// No step leads from the version of the saved state to the next one.
    #[error(
        "no step leads from version {from} of the state: write `#[migrate_state(from = {from})]`"
    )]
    NoStateStep {
        /// The version of the saved state; 0 for an actor that had no state.
        from: i32,
    },
}

impl MigrationError {
    /// Returns `"migration"`.
    #[must_use]
    pub fn group(&self) -> &'static str {
        "migration"
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::DataStep { .. } => "data_step_failed",
            Self::ForeignKeys { .. } => "foreign_keys",
            Self::Newer { .. } => "newer_database",
            Self::Removed { .. } => "removed",
            Self::Edited { .. } => "edited",
            Self::Skipped { .. } => "skipped",
            Self::NewerState { .. } => "newer_state",
            Self::StateStep { .. } => "state_step_failed",
            Self::NoStateStep { .. } => "no_state_step",
        }
    }
}
