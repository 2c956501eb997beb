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
mod foreign_keys;
mod image;
mod lexer;
mod report;
mod rules;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use directory::Migration;
#[allow(unused_imports)] // For the macros that embed the image.
pub(crate) use image::PAGE_SIZE_DEFAULT;
pub(crate) use report::Problem;
use run::Depth;

/// A directory of migrations that was read, checked and run.
#[derive(Debug)]
pub(crate) struct MigrationSet {
    /// The directory's absolute path.
    pub(crate) path: PathBuf,
    /// The directory's path relative to the package, with `/` between its parts.
    pub(crate) shown: String,
    /// The migrations, in the order in which they apply.
    pub(crate) migrations: Vec<Migration>,
    /// The files that were read; a change of one must run the macro again.
    pub(crate) tracked: Vec<PathBuf>,
}

/// A directory of migrations with something wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    /// All that is wrong, in the order of the files; never empty.
    pub(crate) problems: Vec<Problem>,
    /// The files that were read; a change of one must run the macro again.
    pub(crate) tracked: Vec<PathBuf>,
}

/// Reads and runs the migrations in `dir`, a path relative to the package in `package_dir` (`CARGO_MANIFEST_DIR`).
pub(crate) fn load(package_dir: &Path, dir: &str) -> Result<MigrationSet, Broken> {
    let found = directory::read(package_dir, dir);
    let mut problems = found.problems;
    let depth = if found.has_gap {
        Depth::Grammar
    } else {
        Depth::Run
    };
    match run::open(run::CLOCK_FIRST_MS) {
        Ok(connection) => {
            problems.extend(run::run_all(&connection, &found.migrations, depth));
            if problems.is_empty() {
                let steady = run::check_steady(&connection, &found.migrations);
                problems.extend(steady.unwrap_or_else(|error| Some(run::internal(&error))));
            }
        }
        Err(error) => problems.push(run::internal(&error)),
    }
    if problems.is_empty() {
        Ok(MigrationSet {
            path: found.path,
            shown: found.shown,
            migrations: found.migrations,
            tracked: found.tracked,
        })
    } else {
        Err(Broken {
            problems,
            tracked: found.tracked,
        })
    }
}
