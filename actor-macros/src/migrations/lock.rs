//! The lock beside a directory of migrations, which makes an edit of a shipped migration a compile error.
//!
//! For `migrations/chat_room` it is the file `migrations/chat_room.lock`, with one line for each locked version. The macros
//! write it, and it is committed with the migrations.
//!
//! A version is locked as soon as a later one stands beside it. Until then it is a draft that may be edited, because it is
//! being written: locking it at the first build would make each second build of its author fail. Before a release
//! [`LockMode::Update`] locks the newest one too, and [`LockMode::Check`] proves that nothing is left unlocked.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, process};

use super::directory::{Directory, Migration};
use super::report::Problem;

/// The environment variable that chooses the [`LockMode`].
pub(crate) const VARIABLE: &str = "ACTOR_MIGRATIONS_LOCK";

/// What is done about a lock that does not fit the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockMode {
    /// Locked versions must be as they were; new ones are added to the lock, except the newest.
    Extend,
    /// Locked versions must be as they were, and all versions must be locked. Nothing is written.
    Check,
    /// All versions are locked as they are now.
    Update,
}

/// One locked version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    version: String,
    checksum: String,
    name: String,
}

impl Entry {
    /// The entry of a migration as it is now.
    fn of(migration: &Migration) -> Self {
        let mut checksum = String::with_capacity(2 * migration.checksum.len());
        for byte in migration.checksum {
            // Writing to a `String` cannot fail.
            let _ = write!(checksum, "{byte:02x}");
        }
        Self {
            version: migration.version.clone(),
            checksum,
            name: migration.name.clone(),
        }
    }
}

/// Returns the mode that the environment asks for.
pub(crate) fn mode_from_env() -> Result<LockMode, Problem> {
    match env::var(VARIABLE).as_deref() {
        Ok("check") => Ok(LockMode::Check),
        Ok("update") => Ok(LockMode::Update),
        Err(_) | Ok("") => Ok(LockMode::Extend),
        Ok(other) => {
            let help = "set it to `check` or `update`, or do not set it";
            Err(Problem::new(
                format!("`{VARIABLE}` is set to `{other}`"),
                help,
            ))
        }
    }
}

/// Holds the migrations against their lock, and extends the lock when nothing is wrong so far.
///
/// `is_sound` says whether everything else about the migrations is right. The lock's path is added to the tracked files
/// when the lock exists.
pub(crate) fn check(found: &mut Directory, mode: LockMode, is_sound: bool) -> Vec<Problem> {
    let path = lock_path(&found.path);
    let shown = format!("{}.lock", found.shown);
    let text = match fs::read_to_string(&path) {
        Ok(text) => {
            found.tracked.push(path.clone());
            Some(text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let help = "make it a readable text file, or delete it to have it written again";
            return vec![Problem::in_path(
                format!("cannot read the lock: {error}"),
                &shown,
                help,
            )];
        }
    };
    let current: Vec<_> = found.migrations.iter().map(Entry::of).collect();
    let mut locked = Vec::new();
    if mode != LockMode::Update {
        match parse(text.as_deref().unwrap_or_default(), &shown) {
            Ok(entries) => locked = entries,
            Err(problem) => return vec![problem],
        }
        let mut problems = compare(&locked, &found.migrations, &shown, found.has_gap);
        if mode == LockMode::Check {
            problems.extend(missing(&locked, &found.migrations, &shown));
        }
        if !problems.is_empty() {
            return problems;
        }
    }
    let is_current = |entry: &&Entry| {
        mode == LockMode::Update || is_locked(&locked, entry) || is_followed(entry, &current)
    };
    let entries: Vec<_> = current.iter().filter(is_current).collect();
    let content = render(&entries, &found.shown);
    let is_same = text
        .as_ref()
        .is_some_and(|text| text.replace("\r\n", "\n") == content)
        || text.is_none() && entries.is_empty();
    if is_sound && !is_same && may_write(mode) {
        // A file system that cannot be written to, for instance that of a vendored package, changes nothing: the lock is
        // a proof about what was committed.
        let _ = write(
            &path,
            &content,
            found.tracked.iter().filter(|tracked| **tracked != path),
        );
    }
    Vec::new()
}

/// The lock of the directory at `dir`, beside it.
fn lock_path(dir: &Path) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    dir.with_file_name(name)
}

/// Says whether `entry`'s version is in the lock.
fn is_locked(locked: &[Entry], entry: &Entry) -> bool {
    locked.iter().any(|other| other.version == entry.version)
}

/// Says whether a later version stands beside `entry`.
fn is_followed(entry: &Entry, current: &[Entry]) -> bool {
    current
        .last()
        .is_some_and(|last| last.version != entry.version)
}

/// Says whether the lock may be written. An editor builds what is half typed, so it leaves the lock alone.
fn may_write(mode: LockMode) -> bool {
    let is_editor =
        env::current_exe().is_ok_and(|exe| exe.to_string_lossy().contains("rust-analyzer"));
    mode != LockMode::Check && !is_editor
}

/// Reads the text of a lock.
fn parse(text: &str, shown: &str) -> Result<Vec<Entry>, Problem> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (version, checksum, name) = (words.next(), words.next(), words.next());
        let checksum = checksum.and_then(|word| word.strip_prefix("sha256:"));
        let (Some(version), Some(checksum), Some(name), None) =
            (version, checksum, name, words.next())
        else {
            let help = format!(
                "restore the file, or lock the migrations as they are with `{VARIABLE}=update cargo build`"
            );
            return Err(Problem::in_path(
                "this line of the lock cannot be read",
                &format!("{shown}:{number}"),
                help,
            ));
        };
        entries.push(Entry {
            version: version.to_owned(),
            checksum: checksum.to_owned(),
            name: name.to_owned(),
        });
    }
    Ok(entries)
}

/// Finds locked versions that were edited or removed, and new ones that come too late in the order.
fn compare(locked: &[Entry], migrations: &[Migration], shown: &str, has_gap: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in locked {
        let Some(migration) = migrations
            .iter()
            .find(|migration| migration.version == entry.version)
        else {
            // A migration that could not be read is not known to be removed.
            if !has_gap {
                problems.push(removed(entry, shown));
            }
            continue;
        };
        if Entry::of(migration).checksum != entry.checksum {
            problems.push(edited(migration, shown));
        }
    }
    let Some(newest) = locked.iter().max_by(|a, b| a.version.cmp(&b.version)) else {
        return problems;
    };
    let is_late = |migration: &&Migration| {
        migration.version < newest.version && !is_locked(locked, &Entry::of(migration))
    };
    problems.extend(
        migrations
            .iter()
            .filter(is_late)
            .map(|migration| late(migration, newest)),
    );
    problems
}

/// Finds versions that are not locked.
fn missing(locked: &[Entry], migrations: &[Migration], shown: &str) -> Vec<Problem> {
    let is_missing = |migration: &&Migration| !is_locked(locked, &Entry::of(migration));
    let problem = |migration: &Migration| {
        let headline = format!("`{}` is not in the lock `{shown}`", migration.name);
        let help = format!("lock it with `{VARIABLE}=update cargo build` and commit the lock");
        Problem::in_path(headline, &migration.shown, help)
    };
    migrations.iter().filter(is_missing).map(problem).collect()
}

/// Writes the problem of a locked version that is no longer there.
fn removed(entry: &Entry, shown: &str) -> Problem {
    let headline = format!(
        "the migration `{}` was removed, but actors may have applied it: it is in the lock",
        entry.name
    );
    let help = format!(
        "restore the directory; to undo what it does, add a new migration; if it was never released, lock the rest with \
         `{VARIABLE}=update cargo build`"
    );
    Problem::in_path(headline, shown, help)
}

/// Writes the problem of a locked version that was edited.
fn edited(migration: &Migration, shown: &str) -> Problem {
    let headline = format!(
        "`up.sql` was edited, but actors may have applied it: `{}` is in the lock `{shown}`",
        migration.name
    );
    let help = format!(
        "restore the file and add a new migration with the change; if it was never released, lock the edit with \
         `{VARIABLE}=update cargo build`"
    );
    Problem::in_path(headline, &format!("{}/up.sql", migration.shown), help)
}

/// Writes the problem of a new version that is older than a locked one.
fn late(migration: &Migration, newest: &Entry) -> Problem {
    let headline = format!(
        "the new migration `{}` comes before `{}`, which actors may have applied already",
        migration.name, newest.name
    );
    let help = "rename it to a version that is later: an actor applies migrations in order and never goes back";
    Problem::in_path(headline, &migration.shown, help)
}

/// Writes the text of a lock.
fn render(entries: &[&Entry], shown: &str) -> String {
    let mut text = format!(
        "# The migrations of `{shown}` that must not change any more, because actors may have applied them.\n\
         # The actor macros write this file; commit it. After an edit of a migration that was never released:\n\
         # {VARIABLE}=update cargo build\n"
    );
    for entry in entries {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "{} sha256:{} {}",
            entry.version, entry.checksum, entry.name
        );
    }
    text
}

/// Writes a file in one step, because several compilers may read and write it at once.
///
/// The new file looks as old as the newest of the `sources`: cargo would take a newer one for an edit and build again.
fn write<'a>(
    path: &Path,
    content: &str,
    sources: impl Iterator<Item = &'a PathBuf>,
) -> io::Result<()> {
    let time = |source: &PathBuf| {
        fs::metadata(source)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    let newest: Option<SystemTime> = sources.filter_map(time).max();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Two threads of one process expand macros one after the other, so the process tells writers apart.
    let temporary = path.with_file_name(format!(".{name}.{}", process::id()));
    let result = fs::File::create(&temporary).and_then(|mut file| {
        file.write_all(content.as_bytes())?;
        if let Some(newest) = newest {
            file.set_modified(newest)?;
        }
        drop(file);
        fs::rename(&temporary, path)
    });
    if result.is_err() {
        // Nothing else can be done about a file that may not even exist.
        let _ = fs::remove_file(&temporary);
    }
    result
}
