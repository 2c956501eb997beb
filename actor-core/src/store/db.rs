//! [`Db`]: the connection that `cx.db()` lends to a hook or an action.

use std::marker::PhantomData;
use std::time::Instant;

use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, ConnectionSealed, DefaultLoadingMode,
    Instrumentation, LoadConnection, MultiConnectionHelper, SimpleConnection, WithMetadataLookup,
};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult, DatabaseErrorKind, Error, QueryResult};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::sqlite::{Guarded, Mode, Policy};

/// The actor's database, as a Diesel connection with the backend [`Sqlite`].
///
/// All of Diesel's query builder and derives work on it. It is always inside of the transaction of the running
/// hook or action: Diesel's `transaction` is a savepoint, and a raw `BEGIN`, `COMMIT` or `ROLLBACK` is refused, as
/// are `ATTACH`, temporary tables, changes of the schema and most PRAGMAs.
///
/// It cannot be held across an `.await`: call `cx.db()` again behind it. The compiler then says that
/// `Send` is not general enough for `DbUntilAwait`.
pub type Db = DbUntilAwait<'static>;

/// What [`Db`] is an alias of. Its lifetime is a mark for the compiler only.
///
/// Diesel wants every connection to be `Send`, but a future that holds this one while it waits must not be, because
/// the connection serves other actors meanwhile. It is `Send` for `'static` alone, as which it is always lent. A future
/// has to be `Send` for whatever lifetimes the values have that it holds over an `.await`, so that one is refused.
pub struct DbUntilAwait<'t> {
    guarded: Guarded,
    /// What Diesel believes of our transaction; see [`Db::reset_depth`].
    transactions: AnsiTransactionManager,
    phase: Phase,
    call: Call,
    read_only: bool,
    /// Whether SQLite refuses writes at the moment.
    query_only: bool,
    /// The hook or action that is running, for messages.
    name: &'static str,
    lookup: (),
    until_await: PhantomData<UntilAwait<'t>>,
}

// SAFETY: every field but the mark is `Send`, and the mark holds nothing.
#[allow(unsafe_code)]
unsafe impl Send for DbUntilAwait<'static> {}

/// Neither `Send` by itself, nor the same type for two lifetimes.
type UntilAwait<'t> = (*const (), fn(&'t ()) -> &'t ());

/// Where the transaction of the running hook or action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No statement has run yet.
    Idle,
    /// It was begun.
    Open,
}

/// What the transaction is to the call that was entered last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// The call has run no statement yet.
    Untouched,
    /// The transaction is the call's: no call before it has touched the database.
    Whole,
    /// The call has a savepoint in it.
    Part,
}

impl Db {
    pub(super) fn new(guarded: Guarded) -> Self {
        Self {
            guarded,
            transactions: AnsiTransactionManager::default(),
            phase: Phase::Idle,
            call: Call::Untouched,
            read_only: false,
            query_only: false,
            name: "",
            lookup: (),
            until_await: PhantomData,
        }
    }

    /// Says who will run statements next. The transaction begins with the first of them.
    pub(crate) fn enter(&mut self, name: &'static str, read_only: bool, deadline: Option<Instant>) {
        self.name = name;
        self.read_only = read_only;
        self.call = Call::Untouched;
        let policy = self.guarded.policy();
        policy.mode.set(Mode::User);
        policy.deadline.set(deadline);
        policy.interrupted.set(false);
        policy.denied.borrow_mut().take();
    }

    /// Ends what was entered: its deadline is not the next one's.
    fn leave(&self) {
        self.guarded.policy().deadline.set(None);
    }

    /// Returns whether a statement was interrupted because the deadline had passed.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.guarded.policy().interrupted.get()
    }

    /// Runs the framework's own statements, in the same transaction.
    pub(crate) fn internal<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        let before = self.guarded.policy().mode.replace(Mode::Internal);
        let read_only = std::mem::replace(&mut self.read_only, false);
        let result = self.open().and_then(|()| run(&mut self.guarded.connection));
        self.read_only = read_only;
        self.guarded.policy().mode.set(before);
        result
    }

    /// Runs the framework's own statements as a part of the call that was entered last: they are undone with it, and refused
    /// where it may only read.
    pub(crate) fn for_call<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        self.open_call()?;
        let before = self.guarded.policy().mode.replace(Mode::Internal);
        let result = run(&mut self.guarded.connection);
        self.guarded.policy().mode.set(before);
        let policy = self.guarded.policy();
        result.map_err(|cause| Self::explain(policy, self.read_only, self.name, cause))
    }

    /// Runs the framework's own statements outside of any transaction.
    pub(super) fn outside<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> QueryResult<T> {
        debug_assert_eq!(self.phase, Phase::Idle, "the last transaction has ended");
        let before = self.guarded.policy().mode.replace(Mode::Internal);
        let result = run(&mut self.guarded.connection);
        self.guarded.policy().mode.set(before);
        result
    }

    /// Commits what ran since the last commit or rollback; nothing to do if nothing ran.
    ///
    /// Returns whether there was something to write.
    pub(super) fn commit(&mut self) -> QueryResult<bool> {
        self.leave();
        if self.phase == Phase::Idle {
            return Ok(false);
        }
        self.check_open()?;
        let wrote = self.guarded.has_written();
        self.outer("COMMIT")?;
        self.phase = Phase::Idle;
        self.call = Call::Untouched;
        Ok(wrote)
    }

    /// Keeps what the call did that was entered last. It must leave the database such that it could commit now.
    pub(crate) fn keep_call(&mut self) -> QueryResult<()> {
        self.leave();
        match self.call {
            Call::Untouched => return Ok(()),
            Call::Whole | Call::Part => self.check_open()?,
        }
        self.check_foreign_keys()?;
        if self.call == Call::Part {
            self.outer("RELEASE _actor_call")?;
        }
        self.call = Call::Untouched;
        Ok(())
    }

    /// Undoes what the call did that was entered last, and nothing of those before it.
    pub(crate) fn undo_call(&mut self) -> QueryResult<()> {
        self.leave();
        match std::mem::replace(&mut self.call, Call::Untouched) {
            Call::Untouched => Ok(()),
            Call::Whole => self.rollback(),
            Call::Part => {
                self.check_open()?;
                self.outer("ROLLBACK TO _actor_call; RELEASE _actor_call")?;
                self.reset_depth()
            }
        }
    }

    /// Refuses a row that refers to none, which SQLite itself would find at the commit only.
    fn check_foreign_keys(&self) -> QueryResult<()> {
        if self.phase == Phase::Open && self.guarded.has_deferred_violations() {
            return Err(Error::DatabaseError(
                DatabaseErrorKind::ForeignKeyViolation,
                Box::new("FOREIGN KEY constraint failed".to_owned()),
            ));
        }
        Ok(())
    }

    /// Undoes what ran since the last commit or rollback.
    pub(super) fn rollback(&mut self) -> QueryResult<()> {
        self.leave();
        if self.phase == Phase::Idle {
            return Ok(());
        }
        self.phase = Phase::Idle;
        self.call = Call::Untouched;
        // SQLite itself rolls back on some failures, such as a full disk.
        if self.guarded.is_autocommit() {
            return Ok(());
        }
        self.outer("ROLLBACK")
    }

    /// Begins the transaction, if it is not open yet.
    fn open(&mut self) -> QueryResult<()> {
        if self.query_only != self.read_only {
            self.outer(if self.read_only {
                "PRAGMA query_only = ON"
            } else {
                "PRAGMA query_only = OFF"
            })?;
            self.query_only = self.read_only;
        }
        if self.phase == Phase::Open {
            return self.check_open();
        }
        // It becomes a writing one with the first write, which cannot meet another writer: there is one connection.
        self.outer("BEGIN")?;
        self.phase = Phase::Open;
        self.call = Call::Whole;
        self.reset_depth()
    }

    /// Begins what can be undone for the call alone, if it has not begun yet.
    fn open_call(&mut self) -> QueryResult<()> {
        self.open()?;
        if self.call == Call::Untouched {
            self.outer("SAVEPOINT _actor_call")?;
            self.call = Call::Part;
        }
        Ok(())
    }

    /// Refuses to go on when SQLite has ended the transaction by itself: each statement would commit alone.
    fn check_open(&self) -> QueryResult<()> {
        if self.guarded.is_autocommit() {
            return Err(error(
                "an earlier error rolled the transaction of this action back",
            ));
        }
        Ok(())
    }

    /// Runs a statement that only the framework may run.
    fn outer(&mut self, sql: &str) -> QueryResult<()> {
        let mode = &self.guarded.policy().mode;
        let before = mode.replace(Mode::Internal);
        // The end of a transaction must not be interrupted by the deadline that made it necessary.
        let deadline = self.guarded.policy().deadline.take();
        let result = self.guarded.connection.batch_execute(sql);
        self.guarded.policy().deadline.set(deadline);
        self.guarded.policy().mode.set(before);
        result
    }

    /// Makes Diesel believe that one transaction is open, both for users of this connection and for the harness that
    /// uses the inner one, so that theirs are savepoints in ours.
    fn reset_depth(&mut self) -> QueryResult<()> {
        self.transactions = AnsiTransactionManager::default();
        let inner = &mut self.guarded.connection;
        *inner.transaction_state() = AnsiTransactionManager::default();
        AnsiTransactionManager::begin_transaction_sql(inner, "")?;
        AnsiTransactionManager::begin_transaction_sql(self, "")
    }

    /// Says why a statement failed, in our words where it was ours to refuse.
    fn explain(policy: &Policy, read_only: bool, name: &str, cause: Error) -> Error {
        if let Some(reason) = policy.denied.borrow_mut().take() {
            return error(&reason);
        }
        if policy.interrupted.get() {
            return error(&format!(
                "`{name}` ran past its time limit and was interrupted"
            ));
        }
        match cause {
            Error::DatabaseError(_, info)
                if read_only && info.message() == "attempt to write a readonly database" =>
            {
                error(&format!("`{name}` takes `&self`, so it may only read"))
            }
            other => other,
        }
    }
}

/// Makes a Diesel error of a sentence.
fn error(message: &str) -> Error {
    Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
}

impl SimpleConnection for Db {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.open_call()?;
        let (connection, policy) = self.guarded.split();
        connection
            .batch_execute(query)
            .map_err(|cause| Self::explain(policy, self.read_only, self.name, cause))
    }
}

impl ConnectionSealed for Db {}

impl Connection for Db {
    type Backend = Sqlite;
    type TransactionManager = AnsiTransactionManager;

    fn establish(_: &str) -> ConnectionResult<Self> {
        Err(ConnectionError::BadConnection(
            "a `Db` is lent by an actor's context".to_owned(),
        ))
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Sqlite> + QueryId,
    {
        self.open_call()?;
        let (connection, policy) = self.guarded.split();
        connection
            .execute_returning_count(source)
            .map_err(|cause| Self::explain(policy, self.read_only, self.name, cause))
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        &mut self.transactions
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.guarded.connection.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.guarded.connection.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.guarded
            .connection
            .set_prepared_statement_cache_size(size);
    }
}

/// The rows of a query, with errors in our words.
#[allow(missing_debug_implementations)]
pub struct Cursor<'conn, 'query> {
    rows: <SqliteConnection as LoadConnection>::Cursor<'conn, 'query>,
    policy: &'conn Policy,
    read_only: bool,
    name: &'static str,
}

impl<'conn, 'query> Iterator for Cursor<'conn, 'query> {
    type Item = QueryResult<<SqliteConnection as LoadConnection>::Row<'conn, 'query>>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.map_err(|cause| Db::explain(self.policy, self.read_only, self.name, cause)))
    }
}

impl LoadConnection<DefaultLoadingMode> for Db {
    type Cursor<'conn, 'query> = Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <SqliteConnection as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Sqlite> + QueryId + 'query,
        Sqlite: QueryMetadata<T::SqlType>,
    {
        self.open_call()?;
        let (read_only, name) = (self.read_only, self.name);
        let (connection, policy) = self.guarded.split();
        match LoadConnection::load(connection, source) {
            Ok(rows) => Ok(Cursor {
                rows,
                policy,
                read_only,
                name,
            }),
            Err(cause) => Err(Self::explain(policy, read_only, name, cause)),
        }
    }
}

impl WithMetadataLookup for Db {
    fn metadata_lookup(&mut self) -> &mut () {
        &mut self.lookup
    }
}

impl MultiConnectionHelper for Db {
    fn to_any<'a>(lookup: &mut ()) -> &mut (dyn std::any::Any + 'a) {
        lookup
    }

    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut ()> {
        lookup.downcast_mut()
    }
}

impl std::fmt::Debug for DbUntilAwait<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("in", &self.name)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}
