//! Reads a directory of migrations and checks all that can be checked without running them.

use std::cmp::Ordering;
use std::fs;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::lexer;
use super::report::{Problem, Script};

/// The width of the `version` column of Diesel's table.
const VERSION_CHARS_MAX: usize = 50;

/// Says how a migration's directory has to be named.
const NAMING: &str = "name each migration `<version>_<name>`, where the version is made of digits and dashes, for instance \
                      `2025-01-31-093000_create_messages`";

/// One migration, read and not yet run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Migration {
    /// The version as Diesel writes it in its table: the directory's name up to the first `_`, without dashes.
    pub(crate) version: String,
    /// The whole name of the directory.
    pub(crate) name: String,
    /// The directory's path as errors show it, relative to the package.
    pub(crate) shown: String,
    /// The text of `up.sql`, with `\n` as line end and without a byte order mark.
    pub(crate) up: String,
    /// The text of `down.sql`, likewise; a migration need not have one.
    pub(crate) down: Option<String>,
    /// The SHA-256 of the statements of [`Self::up`], whatever comments and blanks are between them.
    pub(crate) checksum: [u8; 32],
    /// The SHA-256 of [`Self::up`] as it is.
    pub(crate) file_checksum: [u8; 32],
    /// The SHA-256 that the file had when a lock of the first form was written, in hexadecimal digits. Actors that applied
    /// it then may have this one in their files.
    pub(crate) locked_file_checksum: Option<String>,
}

impl Migration {
    /// Calls `body` with the text of `up.sql` and the path that errors show.
    pub(crate) fn with_up<T>(&self, body: impl FnOnce(Script<'_>) -> T) -> T {
        body(Script {
            shown: &format!("{}/up.sql", self.shown),
            sql: &self.up,
        })
    }
}

/// What [`read`] found.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// The directory's absolute path.
    pub(crate) path: PathBuf,
    /// The directory's path as errors show it, relative to the package.
    pub(crate) shown: String,
    /// The migrations that could be read, in the order in which they apply.
    pub(crate) migrations: Vec<Migration>,
    /// All that is wrong.
    pub(crate) problems: Vec<Problem>,
    /// The files that were read; a change of one must run the macro again.
    pub(crate) tracked: Vec<PathBuf>,
    /// Says whether a migration is missing from [`Self::migrations`], so that later ones cannot be run.
    pub(crate) has_gap: bool,
}

impl Directory {
    /// Notes a problem.
    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes a problem that leaves a migration out.
    fn report_gap(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.has_gap = true;
    }
}

/// Reads the migrations in `dir`, which is relative to the package in `package_dir`.
pub(crate) fn read(package_dir: &Path, dir: &str) -> Directory {
    let mut found = Directory {
        has_gap: false,
        ..Directory::default()
    };
    match locate(package_dir, dir) {
        Ok((path, shown)) => (found.path, found.shown) = (path, shown),
        Err(problem) => {
            found.report_gap(problem);
            return found;
        }
    }
    let entries = match sorted_entries(&found.path) {
        Ok(entries) => entries,
        Err(error) => {
            let help = "make the directory readable";
            found.report_gap(Problem::in_path(
                format!("cannot read the directory: {error}"),
                &found.shown,
                help,
            ));
            return found;
        }
    };
    for (name, path) in entries {
        read_entry(&mut found, package_dir, &name, &path);
    }
    if found.migrations.is_empty() && !found.has_gap {
        let headline = format!("`{}` holds no migration", found.shown);
        found.report_gap(Problem::new(
            headline,
            "create one, `<version>_<name>/up.sql`, for instance with `diesel migration generate`",
        ));
    }
    check_versions(&mut found);
    found
}

/// Finds `dir` and makes sure that it is a directory inside the package.
fn locate(package_dir: &Path, dir: &str) -> Result<(PathBuf, String), Problem> {
    let help = "write the path relative to the package's `Cargo.toml`, for instance `migrations/chat_room`";
    let relative = Path::new(dir);
    if relative.is_absolute()
        || relative
            .components()
            .any(|part| matches!(part, Component::RootDir | Component::Prefix(_)))
    {
        return Err(Problem::new(
            format!("`{dir}` is an absolute path; migrations belong to the package"),
            help,
        ));
    }
    if relative
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Err(Problem::new(
            format!("`{dir}` leaves the package with `..`; migrations belong to the package"),
            help,
        ));
    }
    let names: Vec<_> = relative
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect();
    if names.is_empty() {
        return Err(Problem::new("the path of the migrations is empty", help));
    }
    let path: PathBuf = package_dir
        .components()
        .chain(names.iter().copied())
        .collect();
    let shown = names
        .iter()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/");
    if !path.exists() {
        return Err(Problem::new(
            format!("there is no directory `{shown}` in this package"),
            "create it beside the package's `Cargo.toml`, or correct the path, which is relative to that file",
        ));
    }
    if !path.is_dir() {
        return Err(Problem::new(
            format!("`{shown}` is a file, not a directory of migrations"),
            help,
        ));
    }
    if !stays_inside(package_dir, &path) {
        let help = "move the migrations into the package: they are part of it when it is published or vendored";
        return Err(Problem::new(
            format!("`{shown}` is a link that leaves the package"),
            help,
        ));
    }
    Ok((path, shown))
}

/// Says whether `path`, with all links followed, is inside `package_dir`.
fn stays_inside(package_dir: &Path, path: &Path) -> bool {
    match (package_dir.canonicalize(), path.canonicalize()) {
        (Ok(package), Ok(path)) => path.starts_with(package),
        _ => false,
    }
}

/// Lists a directory by name, so that neither errors nor images depend on the file system.
fn sorted_entries(dir: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        entries.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        ));
    }
    entries.sort();
    Ok(entries)
}

/// Reads one entry of the directory: a migration, a file that may stand here, or a stray.
fn read_entry(found: &mut Directory, package_dir: &Path, name: &str, path: &Path) {
    let shown = format!("{}/{name}", found.shown);
    if name.starts_with('.') {
        return;
    }
    if !path.is_dir() {
        let allowed = name == "diesel.toml" || name == "README.md" || has_extension(name, "lock");
        if !allowed {
            let headline = format!("`{name}` does not belong in a directory of migrations");
            found.report(Problem::in_path(
                headline,
                &shown,
                format!("remove it, or {NAMING}, with the SQL in its `up.sql`"),
            ));
        }
        return;
    }
    if !stays_inside(package_dir, path) {
        let help = "move the migration into the package: it is part of it when it is published or vendored";
        found.report_gap(Problem::in_path(
            format!("`{name}` is a link that leaves the package"),
            &shown,
            help,
        ));
        return;
    }
    let Some(version) = version_of(name) else {
        found.report_gap(Problem::in_path(
            format!("`{name}` is not named as a migration"),
            &shown,
            NAMING,
        ));
        return;
    };
    if let Some(migration) = read_migration(found, package_dir, path, (version, name, shown)) {
        found.migrations.push(migration);
    }
}

/// Says whether a file's name ends in `.extension`.
fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Returns the version in a directory's name, by the rule of Diesel.
fn version_of(name: &str) -> Option<String> {
    let (version, rest) = name.split_once('_')?;
    let is_version = version.chars().all(|c| c.is_ascii_digit() || c == '-');
    let version = version.replace('-', "");
    (is_version && !rest.is_empty() && !version.is_empty() && version.len() <= VERSION_CHARS_MAX)
        .then_some(version)
}

/// Reads the files of one migration, named by its version, its name and its shown path.
fn read_migration(
    found: &mut Directory,
    package_dir: &Path,
    path: &Path,
    (version, name, shown): (String, &str, String),
) -> Option<Migration> {
    let entries = match sorted_entries(path) {
        Ok(entries) => entries,
        Err(error) => {
            let headline = format!("cannot read the directory: {error}");
            found.report_gap(Problem::in_path(
                headline,
                &shown,
                "make the directory readable",
            ));
            return None;
        }
    };
    let (up, down) = read_files(found, package_dir, entries, &shown)?;
    let Some(up) = up else {
        let help = "write the migration's SQL into an `up.sql`, or delete the directory";
        found.report_gap(Problem::in_path(
            format!("the migration `{name}` has no `up.sql`"),
            &shown,
            help,
        ));
        return None;
    };
    if lexer::is_blank(&up) {
        let help = "write the migration's SQL into it, or delete the migration";
        let shown = format!("{shown}/up.sql");
        found.report_gap(Problem::in_path(
            format!("the `up.sql` of `{name}` holds no statement"),
            &shown,
            help,
        ));
        return None;
    }
    let checksum = Sha256::digest(lexer::statements_only(&up).as_bytes()).into();
    let file_checksum = Sha256::digest(up.as_bytes()).into();
    Some(Migration {
        version,
        name: name.to_owned(),
        shown,
        up,
        down,
        checksum,
        file_checksum,
        locked_file_checksum: None,
    })
}

/// Reads `up.sql` and `down.sql`, and checks what else stands in a migration's directory.
///
/// Returns nothing where a file is there and cannot be read: the migration is not known then.
fn read_files(
    found: &mut Directory,
    package_dir: &Path,
    entries: Vec<(String, PathBuf)>,
    shown: &str,
) -> Option<(Option<String>, Option<String>)> {
    let (mut up, mut down, mut is_whole) = (None, None, true);
    for (file, file_path) in entries {
        let shown = format!("{shown}/{file}");
        if file.starts_with('.') {
            continue;
        }
        if !matches!(file.as_str(), "up.sql" | "down.sql" | "metadata.toml") {
            let help = "a migration is its `up.sql` and, if it can be undone, its `down.sql`; move everything else away";
            found.report(Problem::in_path(
                format!("`{file}` does not belong in a migration"),
                &shown,
                help,
            ));
            continue;
        }
        match read_text(package_dir, &file_path, &shown) {
            Ok(text) => {
                found.tracked.push(file_path);
                match file.as_str() {
                    "up.sql" => up = Some(text),
                    "down.sql" => down = Some(text),
                    _ => check_metadata(found, &text, &shown),
                }
            }
            Err(problem) => {
                found.report_gap(problem);
                is_whole = false;
            }
        }
    }
    is_whole.then_some((up, down))
}

/// Reads a text file, and takes off what differs between checkouts of the same file.
fn read_text(package_dir: &Path, path: &Path, shown: &str) -> Result<String, Problem> {
    if !stays_inside(package_dir, path) {
        let help = "put the file itself here: it is part of the package when that is published or vendored";
        return Err(Problem::in_path(
            "the file is a link that leads nowhere or leaves the package",
            shown,
            help,
        ));
    }
    let bytes = fs::read(path).map_err(|error| {
        Problem::in_path(
            format!("cannot read the file: {error}"),
            shown,
            "make it a readable file",
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid]
            .split(|&byte| byte == b'\n')
            .count();
        Problem::in_path(
            "the file is not UTF-8",
            &format!("{shown}:{line}"),
            "save it as UTF-8",
        )
    })?;
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(&text)
        .replace("\r\n", "\n");
    // SQLite takes a NUL for the end of the text and would leave out the rest without a word.
    if let Some(offset) = text.find('\0') {
        let script = Script { shown, sql: &text };
        return Err(Problem::at(
            "the file holds a NUL character",
            script,
            offset,
            "remove it, or write it as `char(0)`",
        ));
    }
    Ok(text)
}

/// Refuses a migration that asks to be run outside the transaction.
fn check_metadata(found: &mut Directory, text: &str, shown: &str) {
    for (line, content) in (1..).zip(text.lines()) {
        let content: String = content
            .split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        if content == "run_in_transaction=false" {
            let help = "remove the line: all pending migrations of an actor apply in one transaction, all or none";
            let shown = format!("{shown}:{line}");
            found.report(Problem::in_path(
                "a migration cannot leave the transaction",
                &shown,
                help,
            ));
        }
    }
}

/// Sorts the migrations as Diesel does, and refuses versions that this order would surprise.
fn check_versions(found: &mut Directory) {
    found
        .migrations
        .sort_by(|a, b| a.version.cmp(&b.version).then_with(|| a.name.cmp(&b.name)));
    let mut problems = Vec::new();
    for pair in found.migrations.windows(2) {
        let [earlier, later] = pair else { continue };
        if earlier.version == later.version {
            let headline = format!(
                "`{}` and `{}` have the same version, {}",
                earlier.name, later.name, later.version
            );
            problems.push(Problem::in_path(
                headline,
                &later.shown,
                "give the one that came later its own, later version",
            ));
        } else if compare_numbers(&earlier.version, &later.version) == Ordering::Greater {
            let headline = format!(
                "`{}` would apply before `{}`, because versions are ordered as text",
                earlier.name, later.name
            );
            let help = "give all versions the same number of digits, for instance by leading zeros";
            problems.push(Problem::in_path(headline, &earlier.shown, help));
        }
    }
    found.has_gap |= !problems.is_empty();
    found.problems.append(&mut problems);
}

/// Compares two texts of digits as the numbers that a reader takes them for.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_diesel_reads_it() {
        let cases = [
            ("2025-01-31-093000_create_messages", Some("20250131093000")),
            (
                "00000000000000_diesel_initial_setup",
                Some("00000000000000"),
            ),
            ("1_a", Some("1")),
            ("1_", None),
            ("1", None),
            ("-_a", None),
            ("v1_a", None),
            ("create_messages", None),
        ];
        for (name, version) in cases {
            assert_eq!(version_of(name).as_deref(), version, "{name}");
        }
    }

    #[test]
    fn numbers_compare_without_leading_zeros() {
        assert_eq!(compare_numbers("10", "9"), Ordering::Greater);
        assert_eq!(compare_numbers("010", "10"), Ordering::Equal);
        assert_eq!(compare_numbers("0002", "10"), Ordering::Less);
    }
}
