//! [`Directory`]: the list of all actors, in `directory.db`.
//!
//! It is a database like that of an actor: its pages go through the log that all share. What an actor's commit changes in the list is a
//! record beside that of the commit, in the same batch, so that both survive an end or neither does, and nothing is compared at a start.
//!
//! # Invariants
//!
//! 1. An actor's own file is the truth. A directory that is missing or damaged, or of an older format, is built anew from the files
//!    (`rebuild`), and one that is not complete says so in itself.
//! 2. The next wake-up that is written here is never later than the one in the actor's file: an earlier one commits together with it, a
//!    later one after it.
//! 3. The lock is held for one statement and one append at a time: a long listing lets writers through between its pages.

mod rebuild;

pub(super) use self::rebuild::{image, open};

use std::path::PathBuf;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sqlite::SqliteConnection;
use parking_lot::{Mutex, MutexGuard};

use super::cached::execute;
use super::connections::Connections;
use super::durability::{Durability, Gatekeeper};
use super::error::StoreError;
use super::internal::Meta;
use super::log::Ticket;
use super::pages::{Pages, Pair, commit_pair};
use super::sqlite::Guarded;
use crate::limits;

diesel::table! {
    actors (actor, key) {
        actor -> Text,
        key -> Text,
        instance -> Text,
        schema_version -> Nullable<Text>,
        next_timer -> Nullable<BigInt>,
        created_at -> BigInt,
    }
}

diesel::table! {
    about (id) {
        id -> Integer,
        format -> Integer,
        whole -> Bool,
    }
}

/// Where the directory is, below the data directory.
pub(super) const NAME: &str = "directory.db";

/// The format of `directory.db`.
///
/// 2: its pages go through the log.
const FORMAT: i32 = 2;

/// One row of the directory.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = actors)]
pub(crate) struct Row {
    /// The name of the actor's type.
    pub(crate) actor: String,
    /// The printed form of the key.
    pub(crate) key: String,
    /// What tells this actor from an earlier one with the same key.
    pub(crate) instance: String,
    /// The newest migration that its database has.
    pub(crate) schema_version: Option<String>,
    /// When it was created, in seconds since 1970.
    pub(crate) created_at: i64,
}

/// When an actor must be awake. The order is that of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Queryable)]
pub(crate) struct WakeUp {
    /// When, in milliseconds since 1970.
    pub(crate) due: i64,
    /// The name of the actor's type.
    pub(crate) actor: String,
    /// The printed form of the key.
    pub(crate) key: String,
}

impl Row {
    /// Returns the row of an actor.
    pub(crate) fn of(meta: &Meta, schema_version: Option<&str>) -> Self {
        Self {
            actor: meta.actor.clone(),
            key: meta.key.clone(),
            instance: meta.instance.clone(),
            schema_version: schema_version.map(str::to_owned),
            created_at: meta.created_at,
        }
    }
}

/// What a commit changes in the list.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The actor is there like this, and must be awake then.
    Listed(Row, Option<i64>),
    /// The actor is there like this. What is known of its next wake-up stays.
    Noted(Row),
    /// The actor, by its type and key, must be awake then.
    Due(&'static str, Box<str>, Option<i64>),
    /// The actor is gone.
    Gone(Box<str>, Box<str>),
}

/// The list of all actors.
pub(crate) struct Directory {
    path: PathBuf,
    keeper: Arc<dyn Gatekeeper>,
    /// Gone once the directory is closed.
    seat: Mutex<Option<Seat>>,
    /// What runs between two pages of a listing.
    #[cfg(test)]
    between: Mutex<Option<Box<dyn Fn() + Send>>>,
}

/// The connection that everything runs on, and what lies under it.
struct Seat {
    guarded: Box<Guarded>,
    pages: Arc<Pages>,
}

/// Nobody waits for what the directory commits: the actors wait for what is in the same batch.
struct Quiet;

impl Gatekeeper for Quiet {
    fn advanced(&self) {}

    fn lost(self: Arc<Self>) {}
}

impl Directory {
    /// Commits a change of the list, together with what the actor changed whose it is.
    ///
    /// On an error neither is made, and SQLite must be told that the actor's pages changed.
    pub(super) fn commit(
        &self,
        change: &Change,
        durability: Durability,
        actor: Option<(&Arc<Pages>, &Arc<dyn Gatekeeper>)>,
    ) -> Result<Option<Ticket>, StoreError> {
        let mut seat = self.seat.lock();
        let committed = self.commit_on(&mut seat, durability, actor, |guarded| {
            change.apply(guarded)
        });
        if committed.is_err()
            && let Some((pages, _)) = actor
        {
            pages.rollback();
        }
        committed
    }

    /// Writes a change of the list that belongs to no commit of the actor's. It may be lost with the process.
    pub(crate) fn write(&self, change: &Change) -> Result<(), StoreError> {
        self.commit(change, Durability::Process, None).map(drop)
    }

    fn commit_on(
        &self,
        seat: &mut Option<Seat>,
        durability: Durability,
        actor: Option<(&Arc<Pages>, &Arc<dyn Gatekeeper>)>,
        write: impl Fn(&mut Guarded) -> QueryResult<()>,
    ) -> Result<Option<Ticket>, StoreError> {
        let seat = seat.as_mut().ok_or_else(|| self.closed())?;
        for _ in 0..limits::DIRECTORY_ATTEMPTS {
            seat.refresh();
            if let Err(error) = write(&mut seat.guarded) {
                let lost = seat.pages.is_lost();
                seat.undo();
                if lost {
                    continue;
                }
                return Err(StoreError::sqlite("write", &self.path)(error));
            }
            let pair = match actor {
                Some(actor) => commit_pair(actor, (&seat.pages, &self.keeper), durability),
                None => match seat.pages.commit(durability, &self.keeper) {
                    Err(_) if seat.pages.is_lost() => Ok(Pair::SecondLost),
                    committed => committed.map(Pair::Made),
                },
            };
            match pair {
                Ok(Pair::Made(ticket)) => return Ok(ticket),
                Ok(Pair::SecondLost) => seat.undo(),
                Err(error) => {
                    seat.undo();
                    return Err(error);
                }
            }
        }
        Err(StoreError::Interrupted {
            message: "commits of the directory were lost again and again".to_owned(),
        })
    }

    /// Returns what the list says of an actor, if it is there: its instance, and when it must be awake next.
    pub(crate) fn find(
        &self,
        actor: &str,
        key: &str,
    ) -> Result<Option<(String, Option<i64>)>, StoreError> {
        self.read(&mut self.seat.lock(), |connection| {
            let row = actors::table
                .find((actor, key))
                .select((actors::instance, actors::next_timer));
            row.first(connection).optional()
        })
    }

    /// Returns the next wake-ups of some types, in order, at most `limit` behind `after`.
    ///
    /// The list may change between its pages: a wake-up that moves meanwhile may be there twice, or not at all.
    pub(crate) fn wake_ups(
        &self,
        types: &[&'static str],
        after: Option<&WakeUp>,
        limit: i64,
    ) -> Result<Vec<WakeUp>, StoreError> {
        self.in_pages(limit, after.cloned(), |connection, after, limit| {
            let due = actors::next_timer.assume_not_null();
            let mut query = actors::table
                .filter(actors::next_timer.is_not_null())
                .filter(actors::actor.eq_any(types))
                .order((actors::next_timer, actors::actor, actors::key))
                .limit(limit)
                .select((due, actors::actor, actors::key))
                .into_boxed();
            if let Some(after) = after {
                let same_time = actors::actor.gt(&after.actor).or(actors::actor
                    .eq(&after.actor)
                    .and(actors::key.gt(&after.key)));
                query = query.filter(due.gt(after.due).or(due.eq(after.due).and(same_time)));
            }
            query.load(connection)
        })
    }

    /// Lists the actors of a type by key, at most `limit` behind `after`.
    ///
    /// The list may change between its pages: one that is longer than a page is not that of one moment.
    pub(crate) fn list(
        &self,
        actor: &str,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let after = after.map(str::to_owned);
        let rows = self.in_pages(limit, after.map(Place::Key), |connection, after, limit| {
            let mut query = actors::table
                .filter(actors::actor.eq(actor))
                .order(actors::key)
                .limit(limit)
                .select(Row::as_select())
                .into_boxed();
            if let Some(after) = after {
                query = query.filter(actors::key.gt(after.key()));
            }
            let rows: Vec<Row> = query.load(connection)?;
            Ok(rows.into_iter().map(Place::Row).collect())
        })?;
        let rows = rows.into_iter().filter_map(|place| match place {
            Place::Row(row) => Some(row),
            Place::Key(_) => None,
        });
        Ok(rows.collect())
    }

    /// Reads up to `limit` of something behind `after`, a page at a time. INVARIANT 3: whoever waits for the lock gets it between two.
    fn in_pages<T: Clone>(
        &self,
        limit: i64,
        mut after: Option<T>,
        page: impl Fn(&mut SqliteConnection, Option<&T>, i64) -> QueryResult<Vec<T>>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut left = limit;
        let mut seat = self.seat.lock();
        loop {
            let size = left.min(limits::DIRECTORY_PAGE_ROWS);
            let more = self.read(&mut seat, |connection| {
                page(connection, after.as_ref(), size)
            })?;
            let length = i64::try_from(more.len()).unwrap_or(i64::MAX);
            left -= length;
            after = more.last().cloned().or(after);
            found.extend(more);
            if length < size || left <= 0 {
                return Ok(found);
            }
            MutexGuard::unlocked_fair(&mut seat, || self.between_pages());
        }
    }

    /// Has something run between two pages of a listing.
    #[cfg(test)]
    pub(super) fn between(&self, run: impl Fn() + Send + 'static) {
        *self.between.lock() = Some(Box::new(run));
    }

    #[cfg(test)]
    fn between_pages(&self) {
        if let Some(between) = &*self.between.lock() {
            between();
        }
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "a test looks in here")]
    fn between_pages(&self) {}

    /// Gives the connection up. Nothing can be read or written any more.
    pub(super) fn close(&self) {
        drop(self.seat.lock().take());
    }

    /// Runs statements that read.
    fn read<T>(
        &self,
        seat: &mut Option<Seat>,
        run: impl Fn(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let seat = seat.as_mut().ok_or_else(|| self.closed())?;
        let mut attempts = limits::DIRECTORY_ATTEMPTS;
        loop {
            seat.refresh();
            let result = run(&mut seat.guarded.connection);
            attempts -= 1;
            match result {
                Err(_) if attempts > 0 && seat.pages.is_lost() => {}
                result => return result.map_err(StoreError::sqlite("read", &self.path)),
            }
        }
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.path.clone(),
        }
    }
}

/// Where a listing is.
#[derive(Clone)]
enum Place {
    /// Behind this key.
    Key(String),
    /// Behind this row, which it found.
    Row(Row),
}

impl Place {
    fn key(&self) -> &str {
        match self {
            Self::Key(key) => key,
            Self::Row(row) => &row.key,
        }
    }
}

impl Seat {
    fn new(pages: Arc<Pages>) -> Result<Self, diesel::ConnectionError> {
        let mut guarded = Connections::open(&pages)?;
        let cache = format!("PRAGMA cache_size = -{}", limits::DIRECTORY_CACHE_KIB);
        let set = guarded.connection.batch_execute(&cache);
        set.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self { guarded, pages })
    }

    /// Has SQLite read the pages again if commits of them were lost, which are undone in them.
    fn refresh(&mut self) {
        if self.pages.is_lost() {
            self.pages.start_again();
            self.undo();
        }
    }

    /// Undoes what is not committed.
    fn undo(&mut self) {
        if !self.guarded.is_autocommit() {
            let _ = self.guarded.connection.batch_execute("ROLLBACK");
        }
        self.pages.rollback();
        self.guarded.mount_other(Arc::clone(&self.pages));
    }
}

impl Change {
    fn apply(&self, guarded: &mut Guarded) -> QueryResult<()> {
        let connection = &mut guarded.connection;
        match self {
            Self::Listed(row, due) => {
                let due = actors::next_timer.eq(due);
                let upsert = diesel::insert_into(actors::table)
                    .values((row, due))
                    .on_conflict((actors::actor, actors::key))
                    .do_update()
                    .set((row, due));
                execute(connection, upsert)
            }
            Self::Noted(row) => {
                let upsert = diesel::insert_into(actors::table)
                    .values(row)
                    .on_conflict((actors::actor, actors::key))
                    .do_update()
                    .set(row);
                execute(connection, upsert)
            }
            Self::Due(actor, key, due) => {
                let row = actors::table.find((*actor, &**key));
                let update = diesel::update(row).set(actors::next_timer.eq(due));
                execute(connection, update)?;
                // One that nobody knows would never be woken.
                match guarded.changed_rows() {
                    0 => Err(Error::NotFound),
                    _ => Ok(()),
                }
            }
            Self::Gone(actor, key) => {
                let row = actors::table.find((&**actor, &**key));
                diesel::delete(row).execute(connection).map(drop)
            }
        }
    }
}
