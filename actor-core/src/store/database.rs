//! [`Database`]: the open database of one awake actor. The seam behind which the way of storing may change.
//!
//! # Invariants
//!
//! 1. A new actor has nothing on disk before the commit that creates it, which has its tables, its rows, its state and its mark, the
//!    row of `_actor_meta`. The commit that destroys it removes the mark. A file without one does not count.
//! 2. What a commit has in memory and what the log has of it are the same, or the actor starts again from what is on disk.
//! 3. Only a file that is provably ours and does not count is ever deleted by us.

mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;

use super::calls::{self, Earliest};
use super::canonical;
use super::connections::Connections;
use super::db::{Db, Seat};
use super::directory::{Change, Directory, Row};
use super::durability::{Durability, Gatekeeper};
use super::error::{MigrationError, StoreError};
use super::found::{find, remove_litter};
use super::internal::{self, Meta};
use super::layout::Paths;
use super::log::Ticket;
use super::migrations::{Migration, Migrations};
use super::pages::Pages;
use super::plain;
use super::schema::Schema;
use super::template::Template;
use super::volume::Volume;

/// What an actor's database stands on, and who is told of its commits.
#[derive(Clone)]
pub(crate) struct Backing {
    pub(crate) volume: Arc<Volume>,
    /// The list that has the actor; none where nobody looks for one.
    pub(crate) directory: Option<Arc<Directory>>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) keeper: Arc<dyn Gatekeeper>,
}

/// The open database of one awake actor.
pub(crate) struct Database {
    db: Db,
    keeper: Arc<dyn Gatekeeper>,
    directory: Option<Arc<Directory>>,
    /// What the running transaction changes in the list of all actors.
    change: Option<Box<Change>>,
}

impl Database {
    /// Opens the database of an actor that exists; `None` if it does not.
    pub(super) fn open(
        paths: &Paths,
        actor: &str,
        key: &str,
        backing: Backing,
    ) -> Result<Option<(Self, Meta)>, StoreError> {
        let path = paths.database();
        let Some(pages) = find(paths, &backing.volume)? else {
            return Ok(None);
        };
        let mut database = Self::over(pages, backing)?;
        let Some(meta) = database.read_meta()? else {
            return Ok(None);
        };
        if meta.format > internal::FORMAT {
            return Err(StoreError::NewerFormat {
                path,
                found: meta.format,
                known: internal::FORMAT,
            });
        }
        if meta.actor != actor || meta.key != key {
            return Err(StoreError::Foreign {
                path,
                found: format!("{} {:?}", meta.actor, meta.key),
                expected: format!("{actor} {key:?}"),
            });
        }
        Ok(Some((database, meta)))
    }

    /// Makes a database of a type's image. Nothing of it is on disk before its first commit.
    pub(super) fn create(
        paths: &Paths,
        template: &Template,
        backing: Backing,
    ) -> Result<Self, StoreError> {
        remove_litter(paths, &backing.volume)?;
        let image = Arc::clone(template.image());
        let pages = Pages::new(Arc::clone(&backing.volume), &paths.name(), image);
        Ok(Self::with(pages, template.schema(), backing))
    }

    fn over(pages: Arc<Pages>, backing: Backing) -> Result<Self, StoreError> {
        let path = || pages.volume().path(pages.name());
        let schema =
            Schema::of(&*pages).map_err(|cause| StoreError::pages("read", &path())(cause))?;
        Ok(Self::with(pages, schema, backing))
    }

    fn with(pages: Arc<Pages>, schema: Schema, backing: Backing) -> Self {
        let db = Db::new(Seat {
            pages,
            connections: backing.connections,
            schema,
            private: schema.has_virtual_tables,
        });
        Self {
            db,
            keeper: backing.keeper,
            directory: backing.directory,
            change: None,
        }
    }

    fn pages(&self) -> &Arc<Pages> {
        self.db.pages()
    }

    /// Returns the actor's file.
    fn path(&self) -> PathBuf {
        self.volume().path(self.pages().name())
    }

    /// Says that SQLite refused something.
    fn refused(&self, doing: &'static str) -> impl FnOnce(diesel::result::Error) -> StoreError {
        move |cause| StoreError::sqlite(doing, &self.path())(cause)
    }

    /// Reads the mark; a database without our tables is somebody else's.
    fn read_meta(&mut self) -> Result<Option<Meta>, StoreError> {
        let path = self.path();
        match self.db.outside(internal::read_meta) {
            Ok(meta) => Ok(meta),
            Err(error) => {
                let ours = self.db.outside(internal::has_tables);
                if ours.is_ok_and(|ours| !ours) {
                    return Err(plain::foreign(&path));
                }
                Err(StoreError::sqlite("read", &path)(error))
            }
        }
    }

    /// Returns what the log and the disk are reached by.
    pub(crate) fn volume(&self) -> &Arc<Volume> {
        self.pages().volume()
    }

    /// Returns the ticket of all that is committed so far: what a reply may have seen.
    ///
    /// # Errors
    ///
    /// A commit was lost, so what is in memory is not what is on disk.
    pub(crate) fn so_far(&self) -> Result<Ticket, StoreError> {
        self.pages().so_far()
    }

    /// Returns the connection, for the code between [`Db::enter`] and [`commit`](Self::commit).
    pub(crate) fn db(&mut self) -> &mut Db {
        &mut self.db
    }

    /// Commits what ran since the last commit or rollback. The ticket covers all commits before it too.
    pub(crate) fn commit(&mut self, durability: Durability) -> Result<Ticket, StoreError> {
        self.db.commit().map_err(self.refused("commit to"))?;
        self.commit_pages(durability)
    }

    /// Puts what is in the pages into the log.
    fn commit_pages(&mut self, durability: Durability) -> Result<Ticket, StoreError> {
        let committed = match (self.change.take(), &self.directory) {
            (Some(change), Some(directory)) => {
                let pages = self.pages();
                directory.commit(&change, durability, Some((pages, &self.keeper)))
            }
            _ => self.pages().commit(durability, &self.keeper),
        };
        match committed {
            Ok(Some(ticket)) => Ok(ticket),
            Ok(None) => self.pages().so_far(),
            Err(error) => {
                // INVARIANT 2
                self.db.discard();
                Err(error)
            }
        }
    }

    /// Says that a transaction cannot commit.
    pub(crate) fn commit_error(&self, cause: diesel::result::Error) -> StoreError {
        self.refused("commit to")(cause)
    }

    /// Has the commit of the running transaction change the list of all actors. The end of an actor is the last word on it.
    pub(crate) fn change_list(&mut self, change: Change) {
        if !matches!(self.change.as_deref(), Some(Change::Gone(..))) {
            self.change = Some(Box::new(change));
        }
    }

    /// Undoes what ran since the last commit or rollback.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        self.change = None;
        let undone = self.db.rollback();
        if undone.is_err() {
            self.db.discard();
        }
        self.pages().rollback();
        undone.map_err(self.refused("roll back"))
    }

    /// Writes the mark that the actor exists, in the running transaction. `schema` is the fingerprint and the newest of its migrations,
    /// and `due` when it must be awake.
    pub(crate) fn mark_created(
        &mut self,
        actor: &str,
        key: &str,
        schema: (&str, Option<&str>),
        due: Option<i64>,
    ) -> Result<Meta, StoreError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let meta = Meta {
            id: 1,
            format: internal::FORMAT,
            actor: actor.to_owned(),
            key: key.to_owned(),
            instance: format!("{:x}-{:x}", now.as_nanos(), std::process::id()),
            schema: schema.0.to_owned(),
            created_at: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        };
        self.db
            .internal(|connection| internal::write_meta(connection, &meta))
            .map_err(self.refused("create"))?;
        self.change_list(Change::Listed(Row::of(&meta, schema.1), due));
        Ok(meta)
    }

    /// Makes the running transaction the actor's last: with its commit the actor is gone.
    pub(crate) fn mark_destroyed(&mut self, actor: &str, key: &str) -> Result<(), StoreError> {
        self.db
            .internal(internal::remove_meta)
            .map_err(self.refused("destroy"))?;
        self.pages().end_with_unit();
        self.change_list(Change::Gone(actor.into(), key.into()));
        Ok(())
    }

    /// Returns the migrations that this database does not have yet.
    pub(super) fn pending(
        &mut self,
        migrations: &Migrations,
        template: &Template,
        meta: &Meta,
    ) -> Result<Result<&'static [Migration], MigrationError>, StoreError> {
        let path = self.path();
        let same = meta.schema == template.fingerprint();
        // One row instead of all versions: the usual case is that nothing happened since the last time.
        let (count, newest) = self
            .db
            .outside(internal::applied_summary)
            .map_err(StoreError::sqlite("read the migrations of", &path))?;
        let whole = i64::try_from(migrations.list().len()).unwrap_or(i64::MAX);
        if same && count == whole && newest.as_deref() == migrations.newest() {
            return Ok(Ok(&[]));
        }
        let applied = self
            .db
            .outside(internal::applied_versions)
            .map_err(StoreError::sqlite("read the migrations of", &path))?;
        Ok(migrations.pending(&applied))
    }

    /// Begins to migrate: foreign keys are off, because a table that is rebuilt would take its children with it.
    ///
    /// The connection is one of its own: its schema changes under it.
    pub(crate) fn begin_migrating(&mut self, deadline: Instant) -> Result<(), StoreError> {
        self.db.set_private(true);
        self.db
            .outside(|connection| connection.batch_execute("PRAGMA foreign_keys = OFF"))
            .map_err(self.refused("migrate"))?;
        self.db.enter("migrate", false, Some(deadline));
        Ok(())
    }

    /// Brings the framework's own tables from an older format to the present one, in the running transaction.
    pub(crate) fn upgrade(&mut self, meta: &Meta) -> Result<(), StoreError> {
        self.db
            .internal(|connection| internal::upgrade(connection, meta.format))
            .map_err(self.refused("upgrade"))
    }

    /// Brings the checksums of migrations from an older form to the present one, in the running transaction.
    pub(crate) fn write_checksums(&mut self, migrations: &Migrations) -> Result<(), StoreError> {
        self.db
            .internal(|connection| migrations.write_checksums(connection))
            .map_err(self.refused("upgrade"))
    }

    /// Returns when the actor must be awake next, as far as stored calls are concerned.
    pub(crate) fn earliest(&mut self, now: i64) -> Result<Earliest, StoreError> {
        self.db
            .internal(|connection| calls::earliest(connection, now))
            .map_err(self.refused("read the timers of"))
    }

    /// Returns when the first stored call of an actor that was just opened is due.
    pub(crate) fn first_due(&mut self) -> Result<Option<i64>, StoreError> {
        let first = self.db.outside(calls::first_waited_for);
        first.map_err(self.refused("read the timers of"))
    }

    /// Applies one migration, in the running transaction.
    pub(crate) fn apply(&mut self, migration: &'static Migration) -> Result<(), MigrationError> {
        let mut outcome = Ok(());
        let begun = self.db.internal(|connection| {
            outcome = migration.apply(connection);
            Ok(())
        });
        begun.map_err(|cause| migration.failed(&cause))?;
        outcome
    }

    /// Ends migrating: all rows must refer to rows that exist, then everything commits at once.
    ///
    /// Without a mark the actor is new, and what was migrated is a part of the commit that creates it.
    pub(crate) fn finish_migrating(
        &mut self,
        meta: Option<&Meta>,
        template: &Template,
    ) -> Result<Result<Ticket, MigrationError>, StoreError> {
        let path = self.path();
        let orphans = self
            .db
            .internal(internal::orphans)
            .map_err(StoreError::sqlite("check the foreign keys of", &path))?;
        if let Some(table) = orphans.first() {
            let error = MigrationError::ForeignKeys {
                rows: orphans.len(),
                table: table.clone(),
            };
            self.abort_migrating()?;
            return Ok(Err(error));
        }
        if let Some(meta) = meta {
            let meta = Meta {
                format: internal::FORMAT,
                schema: template.fingerprint().to_owned(),
                ..meta.clone()
            };
            let written = self.db.internal(|connection| {
                internal::write_meta(connection, &meta)?;
                internal::applied_summary(connection)
            });
            let (_, newest) = written.map_err(StoreError::sqlite("migrate", &path))?;
            self.change_list(Change::Noted(Row::of(&meta, newest.as_deref())));
        }
        self.db
            .commit()
            .map_err(StoreError::sqlite("commit to", &path))?;
        canonical::settle(&mut self.db, template).map_err(StoreError::sqlite("migrate", &path))?;
        let schema = Schema::of(&**self.pages()).map_err(StoreError::pages("read", &path))?;
        self.db.set_schema(schema);
        if meta.is_none() {
            return self.so_far().map(Ok);
        }
        self.commit_pages(Durability::Synced).map(Ok)
    }

    /// Gives up migrating: the database is as it was.
    pub(crate) fn abort_migrating(&mut self) -> Result<(), StoreError> {
        // The connection is dropped, so what it had not committed is gone too.
        self.change = None;
        self.db.discard();
        self.pages().rollback();
        let schema =
            Schema::of(&**self.pages()).map_err(StoreError::pages("read", &self.path()))?;
        self.db.set_schema(schema);
        Ok(())
    }

    /// Ends a migration that makes the database small.
    #[cfg(test)]
    pub(super) fn shrink_for_test(&mut self) -> Result<Ticket, StoreError> {
        let path = self.path();
        let shrunk = self.db.commit().and_then(|()| {
            self.db
                .outside(|connection| connection.batch_execute("VACUUM"))
        });
        shrunk.map_err(StoreError::sqlite("shrink", &path))?;
        let schema = Schema::of(&**self.pages()).map_err(StoreError::pages("read", &path))?;
        self.db.set_schema(schema);
        self.commit_pages(Durability::Synced)
    }

    /// Returns whether closing has nothing to write.
    pub(super) fn is_clean(&self) -> bool {
        self.pages().is_clean()
    }

    /// Closes the database: everything that is committed is in the actor's file.
    ///
    /// It is in the log on disk before, and the file is synced before the log is begun anew.
    pub(super) fn close(mut self) -> Result<(), StoreError> {
        // What an unfinished hook wrote must not be part of it. The pages undo it whatever SQLite says.
        let undone = self.rollback();
        self.db.discard();
        let volume = self.volume();
        // DURABILITY: a page may be in the file only when the log has it. What was lost is undone in memory.
        let synced = volume.sync_to(self.pages().last_kept());
        let written = synced.and_then(|()| self.write_back());
        if written.is_err() {
            // It stays in memory until a checkpoint can write it.
            volume.strand(Arc::clone(self.pages()));
        }
        written.and(undone)
    }

    /// Writes what the file has not.
    fn write_back(&self) -> Result<(), StoreError> {
        let path = self.path();
        let _permit = self.volume().permit();
        let _writing = self.pages().lock_file();
        let taken = self.pages().snapshot();
        let taken = taken.map_err(StoreError::pages("read", &path))?;
        let taken = taken.expect("all commits of a closed database are settled");
        let Some(mut snapshot) = taken.snapshot else {
            if self.pages().has_ended() {
                // Whoever wakes an actor under this name must not find what was before.
                let removed = self.pages().remove_file();
                return removed.map_err(StoreError::io("remove", &path));
            }
            return Ok(());
        };
        let file = self.pages().write_back(&mut snapshot).map_err(|error| {
            self.pages().relist(taken.listed);
            StoreError::io("write", &path)(error)
        })?;
        self.pages().written(&snapshot, file);
        Ok(())
    }

    /// Closes the database of an actor that does not count, and deletes its file.
    pub(super) fn delete(mut self) -> Result<(), StoreError> {
        self.rollback()?;
        self.db.discard();
        let _writing = self.pages().lock_file();
        // DURABILITY: the log has the end of the actor, or never had its beginning, so this is for space only.
        self.pages()
            .remove_file()
            .map_err(StoreError::io("remove", &self.path()))
    }
}
