//! Reads a directory of migrations in Diesel's layout.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The migrations of one directory, in the order in which they apply.
#[derive(Debug)]
pub(crate) struct Set {
    /// The migrations, by version.
    pub(crate) migrations: Vec<Migration>,
}

/// One migration.
#[derive(Debug)]
pub(crate) struct Migration {
    /// Its version as Diesel writes it in the table of applied ones: digits only.
    pub(crate) version: String,
    /// The name of its directory.
    pub(crate) name: String,
    /// The absolute path of its `up.sql`.
    pub(crate) up: PathBuf,
    /// The absolute path of its `down.sql`, if there is one.
    pub(crate) down: Option<PathBuf>,
    /// The SHA-256 of its `up.sql`, without differences that editors and checkouts make.
    pub(crate) checksum: [u8; 32],
}

/// Makes a version of the text before the first `_`, as Diesel does.
pub(crate) fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// Reads all migrations of a directory, or says everything that is wrong with it.
pub(crate) fn load(package_dir: &Path, dir: &str) -> Result<Set, Vec<String>> {
    let root = package_dir.join(dir);
    let entries = fs::read_dir(&root).map_err(|error| {
        vec![format!("the directory of the migrations `{dir}` cannot be read: {error}\nhelp: it is relative to the package, beside `Cargo.toml`")]
    })?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let (mut migrations, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        match load_one(&root.join(&name), name) {
            Ok(migration) => migrations.push(migration),
            Err(problem) => problems.push(problem),
        }
    }
    migrations.sort_by(|a, b| a.version.cmp(&b.version));
    if migrations.is_empty() && problems.is_empty() {
        problems.push(format!("there is no migration in `{dir}`\nhelp: write one to `{dir}/2026-11-22-000001_init/up.sql`"));
    }
    if problems.is_empty() {
        Ok(Set { migrations })
    } else {
        Err(problems)
    }
}

/// Reads one migration.
fn load_one(path: &Path, name: String) -> Result<Migration, String> {
    let (up, down) = (path.join("up.sql"), path.join("down.sql"));
    let sql = fs::read_to_string(&up)
        .map_err(|error| format!("`up.sql` of the migration `{name}` cannot be read: {error}\nhelp: every migration has an `up.sql`"))?;
    Ok(Migration {
        version: version(&name),
        down: down.exists().then_some(down),
        checksum: Sha256::digest(normalized(&sql)).into(),
        name,
        up,
    })
}

/// Takes off what editors and checkouts change: a byte order mark, and the line endings.
fn normalized(sql: &str) -> String {
    sql.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_what_diesel_makes_of_them() {
        assert_eq!(version("2026-11-22-000001_init"), "20261122000001");
        assert_eq!(version("00000000000000_diesel_setup"), "00000000000000");
        assert_eq!(version("2026-11-22-000002"), "20261122000002");
    }

    #[test]
    fn checksums_are_the_same_in_every_checkout() {
        assert_eq!(normalized("\u{feff}a;\r\nb;\r\n"), "a;\nb;\n");
    }
}
