//! The queues of an actor, in its own database.
//!
//! # Invariants
//!
//! 1. A message is there for the taking when it is due; who takes it makes it due again when its time is over.
//! 2. Messages are taken in the order of their ids, which is that in which they were pushed.
//! 3. Only who took a message last can acknowledge it: it knows how often it was handed out.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use super::calls::{self, _actor_calls, Kind, StoredCall};

/// Counts the messages of a queue.
pub(crate) fn count(connection: &mut SqliteConnection, queue: &str) -> QueryResult<i64> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Queued as i32))
        .filter(_actor_calls::name.eq(queue))
        .count()
        .get_result(connection)
}

/// Returns the messages of a queue that are there for the taking, in order.
pub(crate) fn ready(
    connection: &mut SqliteConnection,
    queue: &str,
    now: i64,
    limit: i64,
) -> QueryResult<Vec<StoredCall>> {
    _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Queued as i32))
        .filter(_actor_calls::name.eq(queue))
        .filter(_actor_calls::due.le(now))
        .order(_actor_calls::id)
        .limit(limit)
        .select(StoredCall::as_select())
        .load(connection)
}

/// Returns a message that was handed out so often, and is there still.
pub(crate) fn taken(
    connection: &mut SqliteConnection,
    id: i64,
    tries: i32,
) -> QueryResult<Option<StoredCall>> {
    let message = calls::find(connection, id)?;
    // INVARIANT 3
    Ok(message.filter(|message| message.kind == Kind::Queued as i32 && message.tries == tries))
}

/// Gives back what an earlier process took and did not acknowledge. Returns whether there was anything.
pub(crate) fn release(
    connection: &mut SqliteConnection,
    epoch: &str,
    now: i64,
) -> QueryResult<bool> {
    let taken: Vec<i64> = _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Queued as i32))
        .filter(_actor_calls::receiver.is_not_null())
        .filter(_actor_calls::receiver.ne(epoch))
        .select(_actor_calls::id)
        .load(connection)?;
    // Reading first, so that the usual start writes nothing.
    for id in &taken {
        diesel::update(_actor_calls::table.find(*id))
            .set((
                _actor_calls::receiver.eq(None::<String>),
                _actor_calls::due.eq(now),
            ))
            .execute(connection)?;
    }
    Ok(!taken.is_empty())
}
