//! The outbox and the inbox of an actor, in its own database.
//!
//! # Invariants
//!
//! 1. Messages to one receiver leave in the order of their ids, which is that in which they were sent.
//! 2. All messages that wait for one receiver are due at the same time, or one after the other in that order: none behind a
//!    message that is to be tried again is due before it.
//! 3. The number that is kept for a sender is the id of its last message that was handled.

use std::collections::HashSet;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use super::calls::{self, _actor_calls, _actor_sequences, Kind, NewCall, StoredCall};
use super::internal::_actor_meta;

/// Messages to one receiver.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    /// The type and the key of the receiver.
    pub(crate) receiver: String,
    /// The messages, in order.
    pub(crate) messages: Vec<StoredCall>,
}

/// What is ready to leave.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// What tells this sender from all others, also from an earlier one with the same key.
    pub(crate) sender: String,
    /// One parcel for each receiver.
    pub(crate) parcels: Vec<Parcel>,
}

/// Stores a message and returns its id.
pub(crate) fn insert(connection: &mut SqliteConnection, mut message: NewCall) -> QueryResult<i64> {
    // INVARIANT 2
    let waiting: Option<i64> = _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Message as i32))
        .filter(_actor_calls::receiver.eq(&message.receiver))
        .select(max(_actor_calls::due))
        .first(connection)?;
    message.due = waiting.map_or(message.due, |due| due.max(message.due));
    calls::insert(connection, &message)
}

/// Returns what is ready to leave by `now`, for receivers that are not busy: up to `parcels` with up to `size` messages.
pub(crate) fn outgoing(
    connection: &mut SqliteConnection,
    now: i64,
    busy: &HashSet<String>,
    (parcels, size): (usize, usize),
) -> QueryResult<Outgoing> {
    let rows: Vec<(i64, Option<String>, i64)> = _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Message as i32))
        .order(_actor_calls::id)
        .select((_actor_calls::id, _actor_calls::receiver, _actor_calls::due))
        .load(connection)?;
    let mut ready: Vec<(String, Vec<i64>)> = Vec::new();
    for (id, receiver, due) in rows {
        let receiver = receiver.unwrap_or_default();
        if due > now || busy.contains(&receiver) {
            continue;
        }
        let full = ready.len() == parcels;
        match ready.iter_mut().find(|(known, _)| *known == receiver) {
            Some((_, ids)) if ids.len() < size => ids.push(id),
            None if !full => ready.push((receiver, vec![id])),
            Some(_) | None => {}
        }
    }
    let sender = _actor_meta::table
        .select(_actor_meta::instance)
        .first(connection)?;
    let mut outgoing = Outgoing {
        sender,
        parcels: Vec::with_capacity(ready.len()),
    };
    for (receiver, ids) in ready {
        let messages = _actor_calls::table
            .filter(_actor_calls::id.eq_any(ids))
            .order(_actor_calls::id)
            .select(StoredCall::as_select())
            .load(connection)?;
        outgoing.parcels.push(Parcel { receiver, messages });
    }
    Ok(outgoing)
}

/// Removes the messages to a receiver up to one that was handled.
pub(crate) fn remove_handled(
    connection: &mut SqliteConnection,
    receiver: &str,
    last: i64,
) -> QueryResult<usize> {
    let handled = _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Message as i32))
        .filter(_actor_calls::receiver.eq(receiver))
        .filter(_actor_calls::id.le(last));
    diesel::delete(handled).execute(connection)
}

/// Makes all messages to a receiver wait.
pub(crate) fn postpone(
    connection: &mut SqliteConnection,
    receiver: &str,
    due: i64,
) -> QueryResult<()> {
    let waiting = _actor_calls::table
        .filter(_actor_calls::kind.eq(Kind::Message as i32))
        .filter(_actor_calls::receiver.eq(receiver));
    diesel::update(waiting)
        .set(_actor_calls::due.eq(due))
        .execute(connection)
        .map(drop)
}

/// Returns the id of the last message of a sender that was handled; 0 if there is none.
pub(crate) fn handled(connection: &mut SqliteConnection, sender: &str) -> QueryResult<i64> {
    let last = _actor_sequences::table
        .find(sender)
        .select(_actor_sequences::last)
        .first(connection)
        .optional()?;
    Ok(last.unwrap_or(0))
}

/// Notes that a message of a sender was handled.
pub(crate) fn set_handled(
    connection: &mut SqliteConnection,
    sender: &str,
    id: i64,
) -> QueryResult<()> {
    diesel::replace_into(_actor_sequences::table)
        .values((
            _actor_sequences::sender.eq(sender),
            _actor_sequences::last.eq(id),
        ))
        .execute(connection)
        .map(drop)
}
