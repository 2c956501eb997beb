//! Where an actor's files are: keys as names of files.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::migrations::hex;
use crate::key::Key;
use crate::limits;

/// The files of one actor.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    directory: PathBuf,
    stem: String,
}

impl Paths {
    /// Returns the paths for a key below the directory of its type.
    pub(super) fn new(directory: &Path, key: &Key) -> Self {
        Self {
            directory: directory.to_owned(),
            stem: stem(key),
        }
    }

    /// Returns the paths that a database of this name has.
    pub(super) fn of_file(database: &Path) -> Option<Self> {
        let stem = database.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        Some(Self {
            directory: database.parent()?.to_owned(),
            stem: stem.to_owned(),
        })
    }

    /// Returns the directory that holds the files.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.directory.join(format!("{}{SUFFIX}", self.stem))
    }

    /// Returns the database, below the data directory.
    pub(super) fn name(&self) -> String {
        let actor = self.directory.file_name().unwrap_or_default();
        format!("{}/{}{SUFFIX}", actor.to_string_lossy(), self.stem)
    }

    /// Returns where the image of a new database is written before it gets its name.
    pub(super) fn fresh(&self) -> PathBuf {
        self.directory.join(format!("{}{FRESH_SUFFIX}", self.stem))
    }

    /// Returns what SQLite writes beside the database.
    pub(super) fn companions(&self) -> [PathBuf; 3] {
        ["-wal", "-shm", "-journal"].map(|suffix| {
            self.directory
                .join(format!("{}{SUFFIX}{suffix}", self.stem))
        })
    }
}

/// How the name of every database ends.
pub(super) const SUFFIX: &str = ".db";

/// How the name of an image ends that is not a database yet.
pub(super) const FRESH_SUFFIX: &str = ".new";

/// Writes a key so that every file system keeps it apart from all others.
///
/// Lower-case letters, digits, `-` and `_` stand for themselves, every other byte is `%` and two digits, and parts are
/// joined by `+`. No name has an upper-case letter, because some file systems fold case, and each begins with `k_`,
/// because some reserve names such as `con`. A name that would be too long ends in a hash; the file has the whole key.
fn stem(key: &Key) -> String {
    let mut text = String::from("k_");
    for (index, part) in key.parts().enumerate() {
        if index > 0 {
            text.push('+');
        }
        for byte in part.bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(byte)),
                other => {
                    text.push('%');
                    text.push_str(&hex(&[other]));
                }
            }
        }
    }
    if text.len() <= limits::FILE_STEM_BYTES {
        return text;
    }
    let hash = hex(&Sha256::digest(key.as_str().as_bytes()));
    text.replace_range(..1, "h");
    text.truncate(limits::FILE_STEM_BYTES - hash.len() - 1);
    format!("{text}.{hash}")
}

#[cfg(test)]
mod tests {
    use super::stem;
    use crate::key::{IntoKey, Key};

    fn of(key: impl IntoKey) -> String {
        stem(&key.into_key().unwrap())
    }

    #[test]
    fn names_stay_inside_and_apart() {
        assert_eq!(of(""), "k_");
        assert_eq!(of("lobby"), "k_lobby");
        assert_eq!(of("../../x"), "k_%2e%2e%2f%2e%2e%2fx");
        assert_eq!(of("a/b"), "k_a%2fb");
        assert_eq!(of(("a", "b")), "k_a+b");
        assert_eq!(of("a+b"), "k_a%2bb");
        assert_eq!(of("CON"), "k_%43%4f%4e");
        assert_eq!(of("con"), "k_con");
        assert_eq!(of("🦀"), "k_%f0%9f%a6%80");
        assert_eq!(of("\0"), "k_%00");
    }

    #[test]
    fn long_names_are_hashed_and_short_enough() {
        let first = Key::from_parts(vec!["x".repeat(128); 8]).unwrap();
        let mut parts = vec!["x".repeat(128); 7];
        parts.push("x".repeat(127) + "y");
        let second = Key::from_parts(parts).unwrap();
        assert_eq!(stem(&first).len(), 200);
        assert_ne!(stem(&first), stem(&second));
        assert!(stem(&first).starts_with("h_xxx"));
    }
}
