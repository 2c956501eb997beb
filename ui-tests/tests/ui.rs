//! Compiles every case. `TRYBUILD=overwrite` writes the messages anew.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where trybuild puts the package in which it compiles the cases. `#[migrate]` looks for its directories there.
fn package() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it is in the target directory");
    target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"))
}

/// Copies a directory with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

#[test]
fn mistakes_are_explained_and_all_else_compiles() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copied = package().join("migrations");
    // A lock that the macros wrote for an earlier fixture must not be held against this one.
    if copied.exists() {
        fs::remove_dir_all(&copied).expect("the migrations of the last run can be removed");
    }
    copy(&here.join("migrations"), &copied).expect("the migrations can be copied");
    let shapes = package().join("shapes");
    copy(&here.join("shapes"), &shapes).expect("the shapes can be copied");
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.pass("lints/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
