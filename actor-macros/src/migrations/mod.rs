//! Migrations, proven while compiling.
//!
//! [`load`] reads a directory of migrations, runs it in an in-memory SQLite and returns either a [`MigrationSet`], from
//! which everything else is made (the image of a new actor, Diesel's tables), or all that is wrong.
//!
//! # Invariants
//! 1. What [`load`] accepts applies: every `up.sql` ran without an error, in order, from the empty database.
//! 2. The result depends on the files alone: not on the clock, the machine, or the order of the file system.
//! 3. Nothing here panics on any input: the macros also run while a file is half typed.

mod directory;
mod down;
mod embedded;
mod entry;
mod foreign_keys;
mod history;
mod image;
mod lexer;
mod lock;
mod probe;
mod report;
mod reported;
mod rules;
mod run;
mod schema;
#[cfg(test)]
mod tests;
mod tracking;

use std::path::{Path, PathBuf};

use crate::lockfile::LockMode;
use crate::sqlite::SqlError;

pub(crate) use directory::Migration;
pub(crate) use embedded::{Embedded, INTERNAL_SQL};
pub(crate) use entry::{expand, package_dir};
pub(crate) use history::{history, position, suggest_version};
pub(crate) use report::Problem;
pub(crate) use reported::is_first;
use run::Depth;
pub(crate) use schema::Schema;
pub(crate) use tracking::{expand_listing, expand_tracked};

/// Makes a version of what the user writes for one, which may have dashes and the name behind it.
pub(crate) fn version(text: &str) -> String {
    text.split('_').next().unwrap_or_default().replace('-', "")
}

/// A directory of migrations that was read, checked and run.
#[derive(Debug)]
pub(crate) struct MigrationSet {
    /// The directory's absolute path.
    pub(crate) path: PathBuf,
    /// The directory's path relative to the package, with `/` between its parts.
    pub(crate) shown: String,
    /// The migrations, in the order in which they apply.
    pub(crate) migrations: Vec<Migration>,
    /// What they leave, for Diesel.
    pub(crate) schema: Schema,
    /// The files that were read; a change of one must run the macro again.
    pub(crate) tracked: Vec<PathBuf>,
}

/// A directory of migrations with something wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    /// All that is wrong, in the order of the files; never empty.
    pub(crate) problems: Vec<Problem>,
    /// What those statements leave that do run, so that an editor keeps most of its tables.
    pub(crate) schema: Schema,
    /// The files that were read; a change of one must run the macro again.
    pub(crate) tracked: Vec<PathBuf>,
}

/// Reads and runs the migrations in `dir`, a path relative to the package in `package_dir` (`CARGO_MANIFEST_DIR`), and
/// holds them against their lock as the environment asks for.
pub(crate) fn load(package_dir: &Path, dir: &str) -> Result<MigrationSet, Broken> {
    match lock::mode(package_dir) {
        Ok(mode) => load_with(package_dir, dir, mode),
        Err(problem) => {
            let mut broken = load_with(package_dir, dir, LockMode::Hold).map_or_else(
                |broken| broken,
                |set| Broken {
                    problems: Vec::new(),
                    schema: set.schema,
                    tracked: set.tracked,
                },
            );
            broken.problems.insert(0, problem);
            Err(broken)
        }
    }
}

/// Does the work of [`load`] with a given mode.
fn load_with(package_dir: &Path, dir: &str, mode: LockMode) -> Result<MigrationSet, Broken> {
    let mut found = directory::read(package_dir, dir);
    let mut problems = std::mem::take(&mut found.problems);
    let depth = if found.has_gap {
        Depth::Grammar
    } else {
        Depth::Run
    };
    let schema = match check(&found.migrations, depth, &mut problems) {
        Ok(schema) => schema,
        Err(error) => {
            problems.push(run::internal(&error));
            Schema::default()
        }
    };
    if !found.migrations.is_empty() {
        problems.extend(lock::check(&mut found, mode, problems.is_empty()));
    }
    if problems.is_empty() {
        let (path, shown, migrations, tracked) =
            (found.path, found.shown, found.migrations, found.tracked);
        return Ok(MigrationSet {
            path,
            shown,
            migrations,
            schema,
            tracked,
        });
    }
    let schema = run::run_tolerantly(&found.migrations)
        .and_then(|connection| schema::read(&connection, &found.migrations))
        .unwrap_or_default();
    Err(Broken {
        problems,
        schema,
        tracked: found.tracked,
    })
}

/// Runs the migrations, notes what is wrong with them and returns what they leave.
fn check(
    migrations: &[Migration],
    depth: Depth,
    problems: &mut Vec<Problem>,
) -> Result<Schema, SqlError> {
    let connection = run::open(run::CLOCK_FIRST_MS)?;
    problems.extend(run::run_all(&connection, migrations, depth));
    if !problems.is_empty() {
        return Ok(Schema::default());
    }
    problems.extend(run::check_steady(&connection, migrations)?);
    problems.extend(foreign_keys::check_parents(&connection)?);
    schema::read(&connection, migrations)
}
