//! What the locks of the macros have in common: when they are held, when they are written, and how.
//!
//! A lock is a text file beside what it is about. It is committed, and makes a change of something that was released an
//! error while compiling. Only two things write one: a build that was asked to by [`VARIABLE`], and a release build. So
//! neither an editor nor `cargo check` locks what is half written.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs, process};

/// The environment variable that chooses the [`LockMode`].
pub(crate) const VARIABLE: &str = "ACTOR_LOCK";

/// What to run to lock everything as it is now.
pub(crate) const UPDATE: &str = "ACTOR_LOCK=update cargo check";

/// What is done about a lock that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockMode {
    /// What is locked must be as it was. Nothing is written: `cargo check`, debug builds, editors, dependencies.
    Hold,
    /// What is locked must be as it was, and the rest is locked: release builds.
    Extend,
    /// What is locked must be as it was, and everything must be locked. Nothing is written.
    Check,
    /// Everything is locked as it is now.
    Update,
}

impl LockMode {
    /// Says whether this mode writes locks.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Extend | Self::Update)
    }
}

/// Returns the mode for the package in `package_dir`, or the value of [`VARIABLE`] that is none.
pub(crate) fn mode(package_dir: &Path) -> Result<LockMode, String> {
    let wanted = env::var(VARIABLE).unwrap_or_default();
    let is_release = || is_release_build(env::args_os().filter_map(|word| word.into_string().ok()));
    let mode = choose(&wanted, is_release)?;
    // A dependency's locks are its author's matter, and an editor expands what is half typed.
    let is_editor =
        env::current_exe().is_ok_and(|exe| exe.to_string_lossy().contains("rust-analyzer"));
    if is_foreign(package_dir) || is_editor && mode.writes() {
        return Ok(LockMode::Hold);
    }
    Ok(mode)
}

/// Returns the mode that the value of [`VARIABLE`] asks for.
fn choose(wanted: &str, is_release: impl FnOnce() -> bool) -> Result<LockMode, String> {
    match wanted {
        "check" | "frozen" => Ok(LockMode::Check),
        "update" => Ok(LockMode::Update),
        "" if is_release() => Ok(LockMode::Extend),
        "" => Ok(LockMode::Hold),
        other => Err(other.to_owned()),
    }
}

/// Says whether the compiler with these arguments makes a program or a library that is optimised, has no debug
/// assertions, and is no test.
///
/// No variable tells a macro the profile of the crate that it expands in, and its own profile is that of build
/// dependencies. The compiler's arguments do: the macro runs in its process. Where they cannot be read, which is so in
/// an editor, the answer is no.
fn is_release_build(arguments: impl Iterator<Item = String>) -> bool {
    let mut links = false;
    let mut optimised = false;
    let mut debug_assertions = None;
    let mut arguments = arguments.flat_map(unfold).peekable();
    while let Some(argument) = arguments.next() {
        let mut value = |name: &str| match argument.strip_prefix(name)? {
            "" => arguments.next(),
            rest => Some(rest.strip_prefix('=').unwrap_or(rest).to_owned()),
        };
        if argument == "--test" {
            return false;
        }
        if argument == "-O" {
            optimised = true;
        } else if let Some(kinds) = value("--emit") {
            links |= kinds.split(',').any(|kind| kind.starts_with("link"));
        } else if let Some(option) = value("--codegen").or_else(|| value("-C")) {
            match option.split_once('=').unwrap_or((&option, "")) {
                ("opt-level", level) => optimised = level != "0",
                ("debug-assertions", value) => {
                    debug_assertions = Some(!matches!(value, "off" | "no" | "n" | "false"));
                }
                _ => {}
            }
        }
    }
    links && optimised && debug_assertions != Some(true)
}

/// Reads an argument that stands for a file of arguments; cargo writes one where there are too many.
fn unfold(argument: String) -> Vec<String> {
    match argument.strip_prefix('@').map(fs::read_to_string) {
        Some(Ok(text)) => text.lines().map(str::to_owned).collect(),
        _ => vec![argument],
    }
}

/// Says whether the package is not the user's own, but one that cargo downloaded or that was vendored.
fn is_foreign(package_dir: &Path) -> bool {
    // Cargo marks what it unpacked: a package of a registry, the root of a git checkout, a vendored package.
    let is_marked = |dir: &Path, name: &str| dir.join(name).exists();
    is_marked(package_dir, ".cargo-checksum.json")
        || package_dir
            .ancestors()
            .any(|dir| is_marked(dir, ".cargo-ok"))
}

/// Returns the lock of what is at `path`, beside it.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(OsStr::new(".lock"));
    path.with_file_name(name)
}

/// Writes a file in one step, because several compilers may read and write it at once.
///
/// The new file looks as old as the newest of the `sources`: cargo would take a newer one for an edit and build again.
pub(crate) fn write<'a>(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn is_release(arguments: &str) -> bool {
        is_release_build(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_arguments_of_the_compiler_tell_a_release_build() {
        let cases = [
            ("--emit=dep-info,metadata,link -C opt-level=3", true),
            ("--emit dep-info,link=out -Copt-level=s", true),
            ("--emit=link --codegen=opt-level=1", true),
            ("--emit=link -O", true),
            ("--emit=link -C opt-level=3 -C debug-assertions=off", true),
            ("--emit=link -C opt-level=3 -C debug-assertions=on", false),
            ("--emit=link -C opt-level=3 -C debug-assertions", false),
            ("--emit=link -C debuginfo=2", false),
            ("--emit=link -C opt-level=0", false),
            ("--emit=link -C opt-level=3 --test", false),
            ("--emit=dep-info,metadata -C opt-level=3", false),
            ("-C opt-level=3", false),
            ("", false),
        ];
        for (arguments, expected) in cases {
            assert_eq!(is_release(arguments), expected, "{arguments}");
        }
    }

    #[test]
    fn a_file_of_arguments_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("arguments");
        fs::write(&file, "--emit=link\n-C\nopt-level=3\n").unwrap();
        assert!(is_release(&format!("rustc @{}", file.display())));
    }

    #[test]
    fn the_variable_chooses_the_mode() {
        let mode = |wanted: &str, is_release: bool| choose(wanted, || is_release);
        assert_eq!(mode("", false), Ok(LockMode::Hold));
        assert_eq!(mode("", true), Ok(LockMode::Extend));
        assert_eq!(mode("check", true), Ok(LockMode::Check));
        assert_eq!(mode("frozen", false), Ok(LockMode::Check));
        assert_eq!(mode("update", false), Ok(LockMode::Update));
        assert_eq!(mode("Update", false), Err("Update".to_owned()));
    }

    #[test]
    fn what_cargo_unpacked_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let package = dir.path().join("package");
        fs::create_dir(&package).unwrap();
        assert!(!is_foreign(&package));
        fs::write(package.join(".cargo-checksum.json"), "{}").unwrap();
        assert!(is_foreign(&package), "vendored");
        fs::remove_file(package.join(".cargo-checksum.json")).unwrap();
        fs::write(dir.path().join(".cargo-ok"), "").unwrap();
        assert!(is_foreign(&package), "in a git checkout");
    }
}
