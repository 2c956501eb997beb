//! [`Migrations`]: what `#[migrate]` embeds, and how it is held against a database.

use diesel::migration::{
    Migration as DieselMigration, MigrationMetadata, MigrationName, MigrationVersion,
};
use diesel::result::QueryResult;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel_migrations::MigrationHarness;
use sha2::{Digest, Sha256};

use super::error::MigrationError;
use super::internal;
use crate::failure::Failure;

/// One migration of an actor, as the macro embeds it.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    version: &'static str,
    name: &'static str,
    up: &'static str,
    down: Option<&'static str>,
    checksum: [u8; 32],
    locked_as: Option<&'static str>,
}

impl Migration {
    /// Makes a migration of the files of its directory. The checksum is that of the statements, without comments and blanks.
    #[must_use]
    pub const fn new(
        version: &'static str,
        name: &'static str,
        up: &'static str,
        down: Option<&'static str>,
        checksum: [u8; 32],
    ) -> Self {
        Self {
            version,
            name,
            up,
            down,
            checksum,
            locked_as: None,
        }
    }

    /// Notes the checksum that `up.sql` as a whole had when it was locked, in hexadecimal digits.
    #[must_use]
    pub const fn locked_as(mut self, file: &'static str) -> Self {
        self.locked_as = Some(file);
        self
    }

    /// Returns the version, as Diesel writes it.
    pub(crate) fn version(&self) -> &'static str {
        self.version
    }

    /// Returns the checksum as an actor's file has it.
    pub(super) fn checksum(&self) -> String {
        format!("sql:{}", hex(&self.checksum))
    }

    /// Says whether this is what was applied when `stored` was written into an actor's file.
    ///
    /// A checksum without a prefix is of the first form: it counts comments and blanks. It is that of the text, or that of the
    /// text from which only these differ, which the lock remembers.
    fn is_applied_as(&self, stored: &str) -> bool {
        stored == self.checksum()
            || self.locked_as == Some(stored)
            || stored == hex(&Sha256::digest(self.up.as_bytes()))
    }

    /// Applies the migration and writes both of its marks.
    pub(super) fn apply(
        &'static self,
        connection: &mut SqliteConnection,
    ) -> Result<(), MigrationError> {
        connection
            .run_migration(self)
            .map_err(|cause| self.failed(&cause))?;
        internal::write_checksum(connection, self.version, &self.checksum())
            .map_err(|cause| self.failed(&cause))
    }

    /// Says that this migration did not apply.
    pub(super) fn failed(&self, cause: &dyn std::fmt::Display) -> MigrationError {
        MigrationError::Failed {
            version: self.version,
            name: self.name,
            source: Failure::message(cause.to_string()).into_shared(),
        }
    }
}

impl MigrationName for Migration {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(self.version)
    }
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Every migration applies in a transaction: ours.
struct InTransaction;

impl MigrationMetadata for InTransaction {
    fn run_in_transaction(&self) -> bool {
        true
    }
}

impl DieselMigration<Sqlite> for Migration {
    fn run(
        &self,
        connection: &mut dyn diesel::connection::BoxableConnection<Sqlite>,
    ) -> diesel::migration::Result<()> {
        Ok(connection.batch_execute(self.up)?)
    }

    fn revert(
        &self,
        connection: &mut dyn diesel::connection::BoxableConnection<Sqlite>,
    ) -> diesel::migration::Result<()> {
        match self.down {
            Some(down) => Ok(connection.batch_execute(down)?),
            None => Err(format!("migration {} has no down.sql", self.name).into()),
        }
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &InTransaction
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

/// All migrations of an actor, oldest first, as the macro embeds them.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    directory: &'static str,
    list: &'static [Migration],
    image: Option<&'static [u8]>,
    listing: Listing,
}

/// The absolute path of a directory of migrations on the machine that compiled it, and the names that it had.
type Listing = (&'static str, &'static [&'static str]);

impl Migrations {
    /// What an actor without `#[migrate]` has.
    pub const NONE: Self = Self {
        directory: "",
        list: &[],
        image: None,
        listing: ("", &[]),
    };

    /// Makes the set of what the macro read in `directory`, with the finished database that it built of them.
    #[must_use]
    pub const fn new(
        directory: &'static str,
        list: &'static [Migration],
        image: Option<&'static [u8]>,
        listing: Listing,
    ) -> Self {
        Self {
            directory,
            list,
            image,
            listing,
        }
    }

    /// Returns whether there is none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the migrations, oldest first.
    pub(crate) fn list(&self) -> &'static [Migration] {
        self.list
    }

    /// Returns the finished database that the macro built.
    pub(super) fn image(&self) -> Option<&'static [u8]> {
        self.image
    }

    /// Returns the newest version, as Diesel writes it.
    pub(crate) fn newest(&self) -> Option<&'static str> {
        self.list.last().map(Migration::version)
    }

    /// Returns what tells this set from every other: a hash over versions and checksums.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for migration in self.list {
            hash.update(migration.version.as_bytes());
            hash.update([0]);
            hash.update(migration.checksum);
        }
        hex(&hash.finalize())
    }

    /// Returns the migrations that a database does not have yet.
    ///
    /// `applied` are its versions, oldest first, with the checksums written when they were applied; a version that
    /// was applied by Diesel's command line tool has none.
    pub(super) fn pending(
        &self,
        applied: &[(String, Option<String>)],
    ) -> Result<&'static [Migration], MigrationError> {
        for (version, checksum) in applied {
            let Some(known) = self.list.iter().find(|known| known.version == version) else {
                return Err(self.unknown(version));
            };
            if checksum
                .as_ref()
                .is_some_and(|sum| !known.is_applied_as(sum))
            {
                return Err(MigrationError::Edited {
                    version: known.version,
                    name: known.name,
                });
            }
        }
        let split = match applied.last() {
            None => 0,
            Some((newest, _)) => self
                .list
                .partition_point(|known| known.version <= newest.as_str()),
        };
        let (expected, pending) = self.list.split_at(split);
        let missing = expected
            .iter()
            .find(|known| !applied.iter().any(|(version, _)| version == known.version));
        match (missing, applied.last()) {
            (Some(missing), Some((later, _))) => Err(MigrationError::Skipped {
                version: missing.version,
                name: missing.name,
                later: later.clone(),
            }),
            _ => Ok(pending),
        }
    }

    /// Writes the checksums of the present form, for a database that was applied with those of the first one.
    pub(super) fn write_checksums(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        for (version, stored) in internal::applied_versions(connection)? {
            let known = self.list.iter().find(|known| known.version == version);
            if let (Some(known), Some(stored)) = (known, stored)
                && stored != known.checksum()
            {
                internal::write_checksum(connection, known.version, &known.checksum())?;
            }
        }
        Ok(())
    }

    /// Says why a version of the database is not among ours.
    fn unknown(&self, version: &str) -> MigrationError {
        match self.newest() {
            Some(newest) if version < newest => MigrationError::Removed {
                version: version.to_owned(),
            },
            newest => MigrationError::Newer {
                version: version.to_owned(),
                newest: newest.unwrap_or("none"),
            },
        }
    }

    /// Returns the name of a migration that is in the directory and not in the program, or the other way around.
    ///
    /// The compiler cannot be told that a directory is an input of a program, so a new migration is not seen until something
    /// else rebuilds it. On the machine that compiled it this can be found out.
    pub(crate) fn out_of_date(&self) -> Option<String> {
        let (path, names) = self.listing;
        let entries = std::fs::read_dir(path).ok()?;
        let found: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join("up.sql").exists())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        let added = found.iter().find(|name| !names.contains(&name.as_str()));
        let removed = names
            .iter()
            .find(|name| !found.iter().any(|other| other == *name));
        added
            .cloned()
            .or_else(|| removed.map(|name| (*name).to_owned()))
    }

    /// Returns the directory, as the user wrote it.
    #[must_use]
    pub fn directory(&self) -> &'static str {
        self.directory
    }
}

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static THREE: [Migration; 3] = [
        Migration::new("1", "1_a", "", None, [1; 32]),
        Migration::new("2", "2_b", "", None, [2; 32]),
        Migration::new("4", "4_d", "", None, [4; 32]),
    ];
    const SET: Migrations = Migrations::new("m", &THREE, None, ("", &[]));

    fn applied(versions: &[(&str, Option<u8>)]) -> Vec<(String, Option<String>)> {
        versions
            .iter()
            .map(|(version, sum)| {
                let sum = sum.map(|byte| format!("sql:{}", hex(&[byte; 32])));
                ((*version).to_owned(), sum)
            })
            .collect()
    }

    fn pending(versions: &[(&str, Option<u8>)]) -> Result<Vec<&'static str>, &'static str> {
        SET.pending(&applied(versions))
            .map(|list| list.iter().map(Migration::version).collect())
            .map_err(|error| error.code())
    }

    #[test]
    fn what_is_pending_is_what_follows() {
        assert_eq!(pending(&[]), Ok(vec!["1", "2", "4"]));
        assert_eq!(pending(&[("1", Some(1))]), Ok(vec!["2", "4"]));
        assert_eq!(pending(&[("1", None), ("2", Some(2))]), Ok(vec!["4"]));
        assert_eq!(
            pending(&[("1", None), ("2", None), ("4", None)]),
            Ok(vec![])
        );
    }

    #[test]
    fn each_misfit_has_its_own_error() {
        assert_eq!(pending(&[("1", Some(9))]), Err("edited"));
        assert_eq!(pending(&[("1", None), ("3", None)]), Err("removed"));
        assert_eq!(pending(&[("1", None), ("5", None)]), Err("newer_database"));
        assert_eq!(pending(&[("1", None), ("4", None)]), Err("skipped"));
        assert_eq!(pending(&[("2", None)]), Err("skipped"));
    }

    #[test]
    fn checksums_of_the_first_form_are_those_of_the_whole_file() {
        let one = |up| Migration::new("1", "1_a", up, None, [1; 32]);
        let shipped = hex(&Sha256::digest(b"SELECT 1 -- a"));
        assert!(one("SELECT 1 -- a").is_applied_as(&shipped));
        assert!(!one("SELECT 1 -- b").is_applied_as(&shipped));
        let locked = shipped.clone().leak();
        assert!(
            one("SELECT 1 -- b")
                .locked_as(locked)
                .is_applied_as(&shipped)
        );
        assert!(
            !one("SELECT 1").is_applied_as(&hex(&[1; 32])),
            "the form is a part of it"
        );
    }
}
