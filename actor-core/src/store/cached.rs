//! [`Cached`]: a query whose prepared statement is kept although Diesel would prepare it anew each time.

use diesel::QueryResult;
use diesel::connection::LoadConnection as _;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel::sqlite::{Sqlite, SqliteConnection};

/// A query whose prepared statement is kept.
///
/// Diesel keeps no statement of an `UPDATE`, of `sql_query` and of what has a list of values, because their texts may be many. Ours
/// are bounded by the bytes that they take (`limits::STATEMENT_CACHE_BYTES`). It is sound where the key of the statement is its
/// text, which is where the type of a query does not tell its text.
pub(super) struct Cached<T>(pub(super) T);

impl<T: QueryFragment<Sqlite> + QueryId> QueryFragment<Sqlite> for Cached<T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Sqlite) -> QueryResult<bool> {
        if T::HAS_STATIC_QUERY_ID {
            self.0.is_safe_to_cache_prepared(backend)
        } else {
            Ok(true)
        }
    }
}

impl<T: QueryId> QueryId for Cached<T> {
    type QueryId = T::QueryId;

    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

/// The same for a statement that is run for its effect.
///
/// Diesel looks at a reference to such a statement, and what says whether to keep it does not reach through references. So it is run
/// like a query, by value, whose rows nobody wants.
struct Executed<T>(Cached<T>);

impl<T: QueryFragment<Sqlite> + QueryId> QueryFragment<Sqlite> for Executed<T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, backend: &Sqlite) -> QueryResult<bool> {
        self.0.is_safe_to_cache_prepared(backend)
    }
}

impl<T: QueryId> QueryId for Executed<T> {
    type QueryId = T::QueryId;

    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T> Query for Executed<T> {
    type SqlType = Untyped;
}

/// Runs a statement for its effect, and keeps it prepared.
pub(super) fn execute<T: QueryFragment<Sqlite> + QueryId>(
    connection: &mut SqliteConnection,
    statement: T,
) -> QueryResult<()> {
    for row in connection.load(Executed(Cached(statement)))? {
        row?;
    }
    Ok(())
}
