//! Directories of migrations, written into a temporary package and loaded.

mod accepted;
mod image;
mod lock;
mod print_schema;
mod refused;
mod schema;

use std::fs;

use tempfile::TempDir;

use super::lock::LockMode;
use super::{Broken, MigrationSet, load_with};

/// Where the fixtures' migrations are.
const DIR: &str = "migrations/room";

/// Writes `files` (path below [`DIR`], content) into a new package.
fn package(files: &[(&str, &str)]) -> TempDir {
    let package = tempfile::tempdir().unwrap();
    fs::create_dir_all(package.path().join(DIR)).unwrap();
    for (path, content) in files {
        write(&package, path, content);
    }
    package
}

/// Writes one file below [`DIR`].
fn write(package: &TempDir, path: &str, content: &str) {
    let path = package.path().join(DIR).join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Loads the migrations of `package`.
fn load_package(package: &TempDir) -> Result<MigrationSet, Broken> {
    load_with(package.path(), DIR, LockMode::Extend)
}

/// Returns the messages of all problems of `files`.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    match load_package(&package(files)) {
        Ok(_) => Vec::new(),
        Err(broken) => broken
            .problems
            .into_iter()
            .map(|problem| problem.message)
            .collect(),
    }
}
