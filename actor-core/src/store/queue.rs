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
use super::internal::_actor_meta;

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

/// Returns a number that tells the actor from all others, also from an earlier one of its key: a hash of what its mark says.
pub(crate) fn owner(connection: &mut SqliteConnection) -> QueryResult<u64> {
    let of = (_actor_meta::actor, _actor_meta::key, _actor_meta::instance);
    let (actor, key, instance): (String, String, String) =
        _actor_meta::table.select(of).first(connection)?;
    // FNV-1a: receipts are stored, so it must be the same in each version of the program.
    let bytes = [actor, key, instance].join(" ");
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    Ok(bytes.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// A message that was taken, and that nobody has received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakenMessage {
    /// Which one.
    pub(crate) id: i64,
    /// How often it was handed out, this time included.
    pub(crate) tries: i32,
    /// When it was due before.
    pub(crate) due: i64,
}

/// Makes messages what they were before they were taken, unless somebody else has done something to them since. Returns whether
/// there was one.
pub(crate) fn give_back(
    connection: &mut SqliteConnection,
    messages: &[TakenMessage],
) -> QueryResult<bool> {
    let mut changed = false;
    for message in messages {
        // INVARIANT 3: nobody has its receipt.
        if taken(connection, message.id, message.tries)?.is_none() {
            continue;
        }
        changed = true;
        diesel::update(_actor_calls::table.find(message.id))
            .set((
                _actor_calls::receiver.eq(None::<String>),
                _actor_calls::due.eq(message.due),
                _actor_calls::tries.eq(message.tries - 1),
            ))
            .execute(connection)?;
    }
    Ok(changed)
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
