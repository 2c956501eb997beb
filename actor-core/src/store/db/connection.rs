//! What Diesel wants of a connection, with errors in our words.

use diesel::connection::{
    AnsiTransactionManager, CacheSize, Connection, ConnectionSealed, DefaultLoadingMode,
    Instrumentation, LoadConnection, MultiConnectionHelper, SimpleConnection, WithMetadataLookup,
};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult, DatabaseErrorKind, Error, QueryResult};
use diesel::sqlite::{Sqlite, SqliteConnection};

use super::Db;
use crate::store::cached::{Cached, execute};
use crate::store::sqlite::Policy;

/// A statement that is about to run.
pub(super) struct Statement<'c> {
    pub(super) connection: &'c mut SqliteConnection,
    pub(super) policy: &'c Policy,
    pub(super) words: Words,
}

/// What an error is told with.
#[derive(Clone, Copy)]
pub(super) struct Words {
    pub(super) read_only: bool,
    pub(super) name: &'static str,
}

impl Words {
    /// Says why a statement failed, in our words where it was ours to refuse.
    pub(super) fn explain(self, policy: &Policy, cause: Error) -> Error {
        let name = self.name;
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
                if self.read_only && info.message() == "attempt to write a readonly database" =>
            {
                error(&format!("`{name}` takes `&self`, so it may only read"))
            }
            other => other,
        }
    }
}

/// Makes a Diesel error of a sentence.
pub(super) fn error(message: &str) -> Error {
    Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
}

impl SimpleConnection for Db {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        let announced = self.heard.take(query);
        let ran = self.run_batch(query, announced.is_some());
        if let Some(announced) = announced {
            self.heard.did(announced, ran.is_ok());
        }
        ran
    }
}

impl Db {
    fn run_batch(&mut self, query: &str, is_savepoint: bool) -> QueryResult<()> {
        let Statement {
            connection,
            policy,
            words,
        } = self.begin_statement()?;
        policy.savepoint.set(is_savepoint);
        let ran = connection.batch_execute(query);
        policy.savepoint.set(false);
        ran.map_err(|cause| words.explain(policy, cause))
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
        let Statement {
            connection,
            policy,
            words,
        } = self.begin_statement()?;
        execute(connection, source).map_err(|cause| words.explain(policy, cause))?;
        let changed = self.seated()?.changed_rows();
        usize::try_from(changed).map_err(|cause| Error::DeserializationError(Box::new(cause)))
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        &mut self.transactions
    }

    /// Fails: the framework's transaction is open already.
    fn begin_test_transaction(&mut self) -> QueryResult<()> {
        Err(Error::AlreadyInTransaction)
    }

    /// Returns what hears of savepoints, until the hook or action ends. Diesel's default instrumentation hears
    /// of statements.
    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        &mut self.heard
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.heard.set_user(instrumentation);
    }

    /// Does nothing: the connection serves other actors too.
    fn set_prepared_statement_cache_size(&mut self, _: CacheSize) {}
}

/// The rows of a query, with errors in our words.
#[allow(missing_debug_implementations)]
pub struct Cursor<'conn, 'query> {
    rows: <SqliteConnection as LoadConnection>::Cursor<'conn, 'query>,
    policy: &'conn Policy,
    words: Words,
    /// Whether it was read to its end, so that its statement has ended.
    finished: bool,
}

impl<'conn, 'query> Iterator for Cursor<'conn, 'query> {
    type Item = QueryResult<<SqliteConnection as LoadConnection>::Row<'conn, 'query>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(row) = self.rows.next() else {
            if !std::mem::replace(&mut self.finished, true) {
                let unfinished = &self.policy.unfinished;
                unfinished.set(unfinished.get().saturating_sub(1));
            }
            return None;
        };
        Some(row.map_err(|cause| self.words.explain(self.policy, cause)))
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
        let Statement {
            connection,
            policy,
            words,
        } = self.begin_statement()?;
        match LoadConnection::load(connection, Cached(source)) {
            Ok(rows) => {
                policy.unfinished.set(policy.unfinished.get() + 1);
                Ok(Cursor {
                    rows,
                    policy,
                    words,
                    finished: false,
                })
            }
            Err(cause) => Err(words.explain(policy, cause)),
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
