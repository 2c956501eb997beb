//! The lock beside a directory of migrations, which makes an edit of a shipped migration a compile error.
//!
//! For `migrations/chat_room` it is the file `migrations/chat_room.lock`, with one line for each locked version. A line
//! has the hash of the statements, without comments and blanks: `sql:…`. A lock of the first form has the hash of the
//! file instead, `sha256:…`. Where that is known it is kept beside the other, because the files of actors may have it.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use super::directory::{Directory, Migration};
use super::report::Problem;
use crate::lockfile::{self, LockMode, UPDATE, VARIABLE};

/// One locked version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    version: String,
    /// The hash of the statements, unless the lock is of the first form.
    sql: Option<String>,
    /// The hash of the file as it was when a lock of the first form was written.
    file: Option<String>,
    name: String,
}

impl Entry {
    /// The entry of a migration as it is now.
    fn of(migration: &Migration) -> Self {
        Self {
            version: migration.version.clone(),
            sql: Some(hex(&migration.checksum)),
            file: None,
            name: migration.name.clone(),
        }
    }

    /// Says whether `migration` is as it was when it was locked.
    fn fits(&self, migration: &Migration) -> bool {
        match &self.sql {
            Some(sql) => *sql == hex(&migration.checksum),
            None => self.file.as_ref() == Some(&hex(&migration.file_checksum)),
        }
    }
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the mode for the package, or what is wrong with the one that the environment asks for.
pub(crate) fn mode(package_dir: &Path) -> Result<LockMode, Problem> {
    lockfile::mode(package_dir).map_err(|other| {
        let help = "set it to `check` or `update`, or do not set it";
        Problem::new(format!("`{VARIABLE}` is set to `{other}`"), help)
    })
}

/// Holds the migrations against their lock, and writes the lock in the modes that do, when nothing is wrong so far.
///
/// `is_sound` says whether everything else about the migrations is right. The lock's path is added to the tracked files
/// when the lock exists.
pub(crate) fn check(found: &mut Directory, mode: LockMode, is_sound: bool) -> Vec<Problem> {
    let path = lockfile::beside(&found.path);
    let shown = format!("{}.lock", found.shown);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let help = "make it a readable text file, or delete it to have it written again";
            let headline = format!("cannot read the lock: {error}");
            return vec![Problem::in_path(headline, &shown, help)];
        }
    };
    let sources = found.tracked.clone();
    if text.is_some() {
        found.tracked.push(path.clone());
    }
    let locked = match parse(text.as_deref().unwrap_or_default(), &shown) {
        Ok(entries) => entries,
        // Everything is locked anew, whatever was there.
        Err(_) if mode == LockMode::Update => Vec::new(),
        Err(problem) => return vec![problem],
    };
    if mode != LockMode::Update {
        let mut problems = compare(&locked, &found.migrations, &shown, found.has_gap);
        if mode == LockMode::Check {
            problems.extend(missing(&locked, &found.migrations, &shown));
        }
        if !problems.is_empty() {
            return problems;
        }
    }
    remember(&locked, &mut found.migrations);
    let content = render(&found.migrations, &found.shown);
    let is_same = text.is_some_and(|text| text.replace("\r\n", "\n") == content);
    if !is_sound || is_same || !mode.writes() {
        return Vec::new();
    }
    match lockfile::write(&path, &content, sources.iter()) {
        // Who asked for it must know. A release build goes on: the lock is a proof about what was committed, and a
        // package that cannot be written to is not changed here.
        Err(error) if mode == LockMode::Update => {
            let headline = format!("cannot write the lock: {error}");
            vec![Problem::in_path(
                headline,
                &shown,
                "make its directory writable",
            )]
        }
        _ => Vec::new(),
    }
}

/// Notes at each migration the hash of its file that the lock has, which the files of actors may have too.
fn remember(locked: &[Entry], migrations: &mut [Migration]) {
    for migration in migrations {
        let entry = locked
            .iter()
            .find(|entry| entry.version == migration.version);
        migration.locked_file_checksum = entry
            .filter(|entry| entry.fits(migration))
            .and_then(|entry| entry.file.clone());
    }
}

/// Says whether `entry`'s version is in the lock.
fn is_locked(locked: &[Entry], entry: &Entry) -> bool {
    locked.iter().any(|other| other.version == entry.version)
}

/// Reads the text of a lock.
fn parse(text: &str, shown: &str) -> Result<Vec<Entry>, Problem> {
    let mut entries: Vec<Entry> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(entry) = parse_line(line) else {
            let help = format!(
                "restore the file, or lock the migrations as they are with `{UPDATE}`; a newer actor-core may have written it"
            );
            return Err(Problem::in_path(
                "this line of the lock cannot be read",
                &format!("{shown}:{number}"),
                help,
            ));
        };
        entries.push(entry);
    }
    Ok(entries)
}

/// Reads one line of a lock: a version, one hash or two, and a name.
fn parse_line(line: &str) -> Option<Entry> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (version, rest) = words.split_first()?;
    let (name, hashes) = rest.split_last()?;
    let (mut sql, mut file) = (None, None);
    for word in hashes {
        let (kind, digits) = word.split_once(':')?;
        let slot = match kind {
            "sql" => &mut sql,
            "sha256" => &mut file,
            _ => return None,
        };
        let is_hash = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash || slot.replace(digits.to_owned()).is_some() {
            return None;
        }
    }
    (sql.is_some() || file.is_some()).then(|| Entry {
        version: (*version).to_owned(),
        sql,
        file,
        name: (*name).to_owned(),
    })
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
        if !entry.fits(migration) {
            problems.push(edited(migration, shown, entry.sql.is_none()));
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
        let help = format!("lock it with `{UPDATE}` and commit the lock");
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
        "restore the directory; to undo what it does, add a new migration; if it was never released, lock the rest with `{UPDATE}`"
    );
    Problem::in_path(headline, shown, help)
}

/// Writes the problem of a locked version that was edited; `counts_comments` says that the lock is of the first form.
fn edited(migration: &Migration, shown: &str, counts_comments: bool) -> Problem {
    let headline = format!(
        "`up.sql` was edited, but actors may have applied it: `{}` is in the lock `{shown}`",
        migration.name
    );
    let mut help = format!(
        "restore the file and add a new migration with the change; if it was never released, lock the edit with `{UPDATE}`"
    );
    if counts_comments {
        let _ = write!(
            help,
            "\nhelp: this lock counts comments and blanks; to change those, restore the file, run `{UPDATE}`, and edit it then"
        );
    }
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
fn render(migrations: &[Migration], shown: &str) -> String {
    let mut text = format!(
        "# The migrations of `{shown}` that must not change any more, because actors may have applied them.\n\
         # Release builds write this file; commit it. Comments and blanks may change. After an edit of a migration that was\n\
         # never released: {UPDATE}\n"
    );
    for migration in migrations {
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "{} sql:{}",
            migration.version,
            hex(&migration.checksum)
        );
        if let Some(file) = &migration.locked_file_checksum {
            let _ = write!(text, " sha256:{file}");
        }
        let _ = writeln!(text, " {}", migration.name);
    }
    text
}
