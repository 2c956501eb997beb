//! The lock beside the directory.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::load_with;
use super::{DIR, package, write};
use crate::lockfile::LockMode;

const FIRST: (&str, &str) = (
    "1_first/up.sql",
    "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL);",
);
const SECOND: (&str, &str) = (
    "2_second/up.sql",
    "CREATE TABLE b (id INTEGER PRIMARY KEY NOT NULL);",
);
const THIRD: (&str, &str) = (
    "3_third/up.sql",
    "CREATE TABLE c (id INTEGER PRIMARY KEY NOT NULL);",
);

/// The line that locks [`FIRST`], of this form and of the first one.
const FIRST_LINE: &str =
    "1 sql:3ca580f05891e56ff3823aa75ec28b313a72dc3cfbb84921ed9562ceb3199f49 1_first";
const FIRST_LINE_OLD: &str =
    "1 sha256:a36045d528d0fe1e7d2b81fadc205b9333270ed205a9ddcacb70c8b542753142 1_first";
const FIRST_LINE_BOTH: &str = "1 sql:3ca580f05891e56ff3823aa75ec28b313a72dc3cfbb84921ed9562ceb3199f49 sha256:a36045d528d0fe1e7d2b81fadc205b9333270ed205a9ddcacb70c8b542753142 1_first";

/// [`FIRST`] with other comments and blanks.
const FIRST_COMMENTED: &str =
    "-- The first.\nCREATE TABLE a (\n  id INTEGER PRIMARY KEY NOT NULL /* the id */\n);\n";

const EDITED: &str = "`up.sql` was edited, but actors may have applied it: `1_first` is in the lock `migrations/room.lock`";

fn lock_path(package: &TempDir) -> PathBuf {
    package.path().join(format!("{DIR}.lock"))
}

/// Returns the lock without its comments.
fn locked(package: &TempDir) -> Vec<String> {
    let text = fs::read_to_string(lock_path(package)).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Loads the package; returns the first lines of all problems.
fn check(package: &TempDir, mode: LockMode) -> Vec<String> {
    match load_with(package.path(), DIR, mode) {
        Ok(_) => Vec::new(),
        Err(broken) => {
            let first_line = |message: &str| message.lines().next().unwrap_or_default().to_owned();
            broken
                .problems
                .iter()
                .map(|problem| first_line(&problem.message))
                .collect()
        }
    }
}

#[test]
fn checks_and_debug_builds_lock_nothing() {
    let package = package(&[FIRST, SECOND]);
    assert_eq!(check(&package, LockMode::Hold), [""; 0]);
    assert!(!lock_path(&package).exists());
    write(
        &package,
        FIRST.0,
        "CREATE TABLE edited (id INTEGER PRIMARY KEY NOT NULL);",
    );
    assert_eq!(check(&package, LockMode::Hold), [""; 0]);
}

#[test]
fn a_release_locks_the_newest_version_too() {
    let package = package(&[FIRST]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    assert_eq!(locked(&package), [FIRST_LINE]);
    write(&package, SECOND.0, SECOND.1);
    assert_eq!(check(&package, LockMode::Hold), [""; 0]);
    assert_eq!(locked(&package), [FIRST_LINE]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    assert_eq!(locked(&package).len(), 2);
}

#[test]
fn an_edited_version_in_the_lock_is_refused() {
    let package = package(&[FIRST, SECOND]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    let before = locked(&package);
    for edit in [
        "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL, b TEXT);",
        "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL); CREATE TABLE x (y TEXT PRIMARY KEY NOT NULL);",
        "CREATE TABLE \"a\" (id INTEGER PRIMARY KEY NOT NULL);",
    ] {
        write(&package, FIRST.0, edit);
        for mode in [LockMode::Hold, LockMode::Extend, LockMode::Check] {
            assert_eq!(check(&package, mode), [EDITED], "{edit}");
        }
        assert_eq!(locked(&package), before);
    }
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    assert_eq!(locked(&package).len(), 2);
    assert_eq!(check(&package, LockMode::Check), [""; 0]);
}

#[test]
fn comments_and_blanks_are_no_edit() {
    let package = package(&[FIRST]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    write(&package, FIRST.0, FIRST_COMMENTED);
    for mode in [LockMode::Hold, LockMode::Extend, LockMode::Check] {
        assert_eq!(check(&package, mode), [""; 0]);
    }
    assert_eq!(locked(&package), [FIRST_LINE]);
}

#[test]
fn a_lock_of_the_first_form_holds_and_keeps_its_hash() {
    let package = package(&[FIRST]);
    fs::write(lock_path(&package), format!("# old\n{FIRST_LINE_OLD}\n")).unwrap();
    write(&package, FIRST.0, FIRST_COMMENTED);
    assert_eq!(check(&package, LockMode::Hold), [EDITED]);
    write(&package, FIRST.0, FIRST.1);
    assert_eq!(check(&package, LockMode::Check), [""; 0]);
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    assert_eq!(locked(&package), [FIRST_LINE_BOTH]);

    // From then on comments may change, and actors that have the hash of the file are told by it.
    write(&package, FIRST.0, FIRST_COMMENTED);
    for mode in [LockMode::Hold, LockMode::Extend, LockMode::Update] {
        let set = load_with(package.path(), DIR, mode).unwrap();
        let remembered = set.migrations[0].locked_file_checksum.as_deref();
        assert!(remembered.is_some_and(|hash| hash.starts_with("a36045d5")));
    }
    assert_eq!(locked(&package), [FIRST_LINE_BOTH]);

    // What is locked anew is another migration, to which the old hash says nothing.
    write(
        &package,
        FIRST.0,
        "CREATE TABLE z (id INTEGER PRIMARY KEY NOT NULL);",
    );
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    assert!(!locked(&package)[0].contains("sha256:"));
}

#[test]
fn a_lock_that_cannot_be_written_is_an_error_only_when_it_was_asked_for() {
    let package = package(&[FIRST]);
    // A directory in the place of the temporary file: permissions do not stop a test that runs as root.
    let temporary = format!("migrations/.room.lock.{}", std::process::id());
    fs::create_dir_all(package.path().join(temporary).join("x")).unwrap();
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    let [problem] = &check(&package, LockMode::Update)[..] else {
        panic!("one problem")
    };
    assert!(problem.starts_with("cannot write the lock: "), "{problem}");
}

#[test]
fn line_ends_and_a_byte_order_mark_are_no_edit() {
    let package = package(&[
        (
            "1_first/up.sql",
            "CREATE TABLE a (\nid INTEGER PRIMARY KEY NOT NULL);\n",
        ),
        SECOND,
    ]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    write(
        &package,
        FIRST.0,
        "\u{feff}CREATE TABLE a (\r\nid INTEGER PRIMARY KEY NOT NULL);\r\n",
    );
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
}

#[test]
fn a_removed_version_in_the_lock_is_refused() {
    let package = package(&[FIRST, SECOND]);
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    fs::remove_dir_all(package.path().join(DIR).join("1_first")).unwrap();
    let removed =
        "the migration `1_first` was removed, but actors may have applied it: it is in the lock";
    assert_eq!(check(&package, LockMode::Extend), [removed]);
}

#[test]
fn a_new_version_before_a_locked_one_is_refused() {
    let package = package(&[FIRST, THIRD]);
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    write(&package, SECOND.0, SECOND.1);
    let late = "the new migration `2_second` comes before `3_third`, which actors may have applied already";
    assert_eq!(check(&package, LockMode::Extend), [late]);
}

#[test]
fn check_mode_wants_every_version_and_writes_nothing() {
    let package = package(&[FIRST]);
    assert_eq!(
        check(&package, LockMode::Check),
        ["`1_first` is not in the lock `migrations/room.lock`"]
    );
    assert!(!lock_path(&package).exists());
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    assert_eq!(check(&package, LockMode::Check), [""; 0]);
}

#[test]
fn a_broken_directory_is_not_locked() {
    let package = package(&[FIRST, SECOND, ("3_third/up.sql", "CREATE TABEL c (id);")]);
    assert_eq!(
        check(&package, LockMode::Update),
        ["near \"TABEL\": syntax error"]
    );
    assert!(!lock_path(&package).exists());
}

#[test]
fn an_unreadable_lock_is_an_error_and_can_be_written_again() {
    let package = package(&[FIRST, SECOND]);
    for line in [
        "<<<<<<< HEAD",
        "1 sql:abc 1_first",
        "1 1_first",
        "1 sql4:a36045d528d0fe1e7d2b81fadc205b9333270ed205a9ddcacb70c8b542753142 1_first",
        &FIRST_LINE.replace(" 1_first", ""),
        &FIRST_LINE_BOTH.replace("sha256:", "sql:"),
    ] {
        fs::write(lock_path(&package), format!("# x\n{line}\n")).unwrap();
        assert_eq!(
            check(&package, LockMode::Hold),
            ["this line of the lock cannot be read"],
            "{line}"
        );
    }
    assert_eq!(check(&package, LockMode::Update), [""; 0]);
    assert_eq!(locked(&package).len(), 2);
}

#[test]
fn writing_the_lock_does_not_look_like_an_edit_to_cargo() {
    let package = package(&[FIRST, SECOND]);
    let modified = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let newest = modified(package.path().join(DIR).join(SECOND.0));
    assert_eq!(check(&package, LockMode::Extend), [""; 0]);
    assert_eq!(modified(lock_path(&package)), newest);
    assert_eq!(
        fs::read_dir(package.path().join("migrations"))
            .unwrap()
            .count(),
        2
    );
}
