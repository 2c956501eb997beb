//! Directories of migrations, written into a temporary package and loaded.

mod accepted;
mod image;
mod lock;
mod print_schema;
mod refused;
mod schema;

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use tempfile::TempDir;

use super::{Broken, MigrationSet, expand_listing, expand_tracked, load_with};
use crate::lockfile::LockMode;

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
    load_with(package.path(), DIR, LockMode::Hold)
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

#[test]
fn files_and_directory_are_told_to_the_compiler() {
    let package = package(&[
        ("1_a/up.sql", "SELECT 1;"),
        ("1_a/down.sql", "SELECT 2;"),
        ("2_b/up.sql", "SELECT 3;"),
    ]);
    let set = load_package(&package).unwrap();
    let names: Vec<_> = set
        .tracked
        .iter()
        .map(|path| path.strip_prefix(package.path().join(DIR)).unwrap())
        .collect();
    assert_eq!(
        names,
        ["1_a/down.sql", "1_a/up.sql", "2_b/up.sql"].map(Path::new)
    );
    let path = package.path().join(DIR);
    let listing: TokenStream = format!("({path:?}, &[\"1_a\", \"2_b\"])").parse().unwrap();
    assert_eq!(expand_listing(&set).to_string(), listing.to_string());
    let tracked = expand_tracked(&set.tracked).to_string();
    assert_eq!(tracked.matches("include_bytes").count(), 3);
    assert_eq!(tracked.matches("option_env ! (\"ACTOR_LOCK\")").count(), 1);
}
