//! A change of a migration builds the program again: real cargo runs on a small package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Stands in for Diesel, which would take most of the time: a table becomes the list of its columns.
const FAKE_DIESEL: &str = r"
#[macro_export]
macro_rules! table {
    ($(#[$_t:meta])* $name:ident ($($_key:ident),*) { $($(#[$_c:meta])* $column:ident -> $_ty:ty,)* }) => {
        pub const COLUMNS: &[&str] = &[$(stringify!($column)),*];
    };
}
";

const MAIN: &str = r#"
actor_macros::schema! { mod schema = "migrations/room"; }
fn main() { print!("{}", schema::COLUMNS.join(" ")); }
"#;

/// A package with migrations, outside the workspace.
struct Package {
    root: TempDir,
    /// The package's name: the tests share a target directory, in which programs are told apart by it.
    name: &'static str,
}

impl Package {
    /// Writes a package with one migration.
    fn new(name: &'static str) -> Self {
        let package = Self {
            root: tempfile::tempdir().unwrap(),
            name,
        };
        let macros = env!("CARGO_MANIFEST_DIR");
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = {name:?}\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
                 actor-macros = {{ path = {macros:?} }}\ndiesel = {{ path = \"diesel\" }}\n"
            ),
        );
        package.write(
            "diesel/Cargo.toml",
            "[package]\nname = \"diesel\"\nversion = \"2.3.99\"\nedition = \"2024\"\n",
        );
        package.write("diesel/src/lib.rs", FAKE_DIESEL);
        package.write("src/main.rs", MAIN);
        package.migrate(
            "1_first",
            "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL);",
        );
        // The versions of this workspace are downloaded and built already.
        let lock = Path::new(macros).parent().unwrap().join("Cargo.lock");
        fs::copy(lock, package.path("Cargo.lock")).unwrap();
        package
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn migrate(&self, name: &str, up: &str) {
        self.write(&format!("migrations/room/{name}/up.sql"), up);
    }

    /// Returns a command of cargo's in the package.
    fn cargo(&self, command: &str) -> Command {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([command, "--offline"])
            .current_dir(self.root.path())
            .env("CARGO_TARGET_DIR", target)
            .env_remove("ACTOR_LOCK");
        cargo
    }

    /// Runs a command of cargo's with a lock mode; returns what is wrong, if anything.
    fn lock(&self, command: &str, mode: &str) -> Option<String> {
        let output = self
            .cargo(command)
            .env("ACTOR_LOCK", mode)
            .output()
            .unwrap();
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Says whether the lock is there.
    fn is_locked(&self) -> bool {
        self.path("migrations/room.lock").exists()
    }

    /// Runs the program; returns what it printed, and whether it was built for that.
    fn run(&self) -> (String, bool) {
        let output = self.cargo("run").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let printed = if output.status.success() {
            String::from_utf8_lossy(&output.stdout)
        } else {
            errors.clone()
        };
        (
            printed.into_owned(),
            errors.contains(&format!("Compiling {}", self.name)),
        )
    }
}

/// What [`Package::run`] returns.
fn printed(columns: &str, was_built: bool) -> (String, bool) {
    (columns.to_owned(), was_built)
}

#[test]
fn each_change_of_a_migration_builds_again() {
    let package = Package::new("rebuild-changes");
    assert_eq!(package.run(), printed("id", true), "first build");
    assert_eq!(package.run(), printed("id", false), "no change");

    package.migrate(
        "1_first",
        "CREATE TABLE a (id INTEGER PRIMARY KEY NOT NULL, edited TEXT);",
    );
    assert_eq!(package.run(), printed("id edited", true), "edit");
    assert_eq!(
        package.run(),
        printed("id edited", false),
        "no change after an edit"
    );

    fs::rename(
        package.path("migrations/room/1_first"),
        package.path("migrations/room/2_renamed"),
    )
    .unwrap();
    assert_eq!(package.run(), printed("id edited", true), "rename");
    assert_eq!(
        package.run(),
        printed("id edited", false),
        "no change after a rename"
    );
}

#[test]
fn a_new_migration_builds_again_with_one_line_of_a_build_script() {
    let package = Package::new("rebuild-additions");
    package.migrate("2_second", "ALTER TABLE a ADD COLUMN second TEXT;");
    assert_eq!(package.run(), printed("id second", true), "first build");

    // The limit of stable Rust, and the one line that lifts it.
    package.migrate("3_added", "ALTER TABLE a ADD COLUMN added TEXT;");
    assert_eq!(
        package.run(),
        printed("id second", false),
        "addition without a build script"
    );
    package.write(
        "build.rs",
        "fn main() { println!(\"cargo::rerun-if-changed=migrations/room\"); }",
    );
    assert_eq!(
        package.run(),
        printed("id second added", true),
        "the build script itself"
    );
    assert_eq!(
        package.run(),
        printed("id second added", false),
        "no change with a build script"
    );
    assert!(!package.is_locked(), "a debug build locks nothing");
    assert_eq!(package.lock("check", "update"), None);
    assert!(package.is_locked());
    // The lock is beside the directory that the build script watches.
    package.run();
    assert_eq!(
        package.run(),
        printed("id second added", false),
        "no change with a lock"
    );

    package.migrate("4_added", "ALTER TABLE a ADD COLUMN more TEXT;");
    assert_eq!(
        package.run(),
        printed("id second added more", true),
        "addition"
    );
    assert_eq!(
        package.run(),
        printed("id second added more", false),
        "no change after an addition"
    );

    fs::remove_dir_all(package.path("migrations/room/4_added")).unwrap();
    assert_eq!(package.run(), printed("id second added", true), "removal");

    package.migrate("3_added", "ALTER TABLE a ADD COLUMN other TEXT;");
    let (errors, _) = package.run();
    assert!(
        errors.contains("`up.sql` was edited, but actors may have applied it"),
        "{errors}"
    );
    package.migrate("3_added", "ALTER TABLE a ADD COLUMN added TEXT;");
    assert_eq!(package.run(), printed("id second added", true), "mended");
}

#[test]
fn release_builds_and_the_variable_write_the_lock_and_nothing_else() {
    let package = Package::new("rebuild-lock");
    assert_eq!(package.lock("check", ""), None);
    assert_eq!(package.lock("build", ""), None);
    assert!(!package.is_locked());

    let errors = package.lock("check", "frozen").unwrap();
    assert!(errors.contains("`1_first` is not in the lock"), "{errors}");
    let errors = package.lock("check", "sometimes").unwrap();
    assert!(
        errors.contains("`ACTOR_LOCK` is set to `sometimes`"),
        "{errors}"
    );
    assert!(!package.is_locked());

    assert_eq!(package.lock("check", "update"), None);
    assert!(package.is_locked());
    assert_eq!(package.lock("check", "frozen"), None);

    // Of the release profile, only what the compiler is told for this package: the macros are not built a second time.
    fs::remove_file(package.path("migrations/room.lock")).unwrap();
    let manifest = fs::read_to_string(package.path("Cargo.toml")).unwrap();
    let released = "[profile.dev.package.rebuild-lock]\nopt-level = 3\ndebug-assertions = false\n";
    package.write("Cargo.toml", &format!("{manifest}{released}"));
    assert_eq!(package.lock("check", ""), None);
    assert!(!package.is_locked(), "a check of a release");
    assert_eq!(package.lock("build", ""), None);
    assert!(package.is_locked(), "a release");

    // A package that cargo unpacked is left alone.
    fs::remove_file(package.path("migrations/room.lock")).unwrap();
    package.write(".cargo-checksum.json", "{}");
    assert_eq!(package.lock("check", "update"), None);
    assert_eq!(package.lock("check", "frozen"), None);
    assert!(!package.is_locked(), "a dependency");
}
