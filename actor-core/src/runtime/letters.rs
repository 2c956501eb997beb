//! Stored calls that failed for good, and the pauses before that.
//!
//! # Invariants
//!
//! 1. A call is never lost: it goes to the dead letters when there is room, and else stays where it is.

use std::time::Duration;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::clock::duration_ms;
use crate::limits;
use crate::store::calls;
use crate::store::{NewCall, StoredCall, StoredKind, messages};

/// Moves a call to the dead letters, if there is room. Returns whether there was.
pub(crate) fn bury(
    connection: &mut SqliteConnection,
    call: StoredCall,
    reason: &str,
    now: i64,
) -> QueryResult<bool> {
    let dead = StoredKind::of(call.kind).and_then(StoredKind::other_side);
    let Some(dead) = dead else { return Ok(false) };
    if !has_room(connection)? {
        return stay(connection, call, reason, now).map(|()| false);
    }
    let letter = StoredCall {
        kind: dead as i32,
        due: now,
        error: Some(reason.to_owned()),
        ..call
    };
    calls::update(connection, &letter).map(|()| true)
}

/// Leaves a call that failed for good where it is, because the dead letters are full.
pub(super) fn stay(
    connection: &mut SqliteConnection,
    call: StoredCall,
    reason: &str,
    now: i64,
) -> QueryResult<()> {
    let later = StoredCall {
        due: now + duration_ms(limits::RETRY_DELAY_MAX),
        error: Some(reason.to_owned()),
        ..call
    };
    calls::update(connection, &later)
}

/// Returns whether there is room for another dead letter.
pub(super) fn has_room(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let letters = calls::count_dead(connection)?;
    Ok(usize::try_from(letters).unwrap_or(usize::MAX) < limits::DEAD_LETTERS)
}

/// Makes a dead letter what it was before, due now. Returns whether it was there.
pub(crate) fn retry_dead_letter(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> QueryResult<bool> {
    let Some(letter) = calls::find(connection, id)? else {
        return Ok(false);
    };
    let kind = StoredKind::of(letter.kind).filter(|kind| StoredKind::DEAD.contains(kind));
    let Some(alive) = kind.and_then(StoredKind::other_side) else {
        return Ok(false);
    };
    if alive == StoredKind::Message {
        return send_again(connection, letter, now).map(|()| true);
    }
    // The name may have another owner by now.
    let name = match letter.name {
        Some(name)
            if alive == StoredKind::Timer && calls::named(connection, alive, &name)?.is_some() =>
        {
            None
        }
        name => name,
    };
    let call = StoredCall {
        kind: alive as i32,
        name,
        receiver: None,
        due: now,
        tries: 0,
        error: None,
        ..letter
    };
    calls::update(connection, &call)?;
    Ok(true)
}

/// Makes a message of a dead letter. It is a new one: its receiver may have handled later ones since.
fn send_again(connection: &mut SqliteConnection, letter: StoredCall, now: i64) -> QueryResult<()> {
    calls::remove(connection, StoredKind::DeadMessage, letter.id)?;
    let message = NewCall {
        kind: StoredKind::Message as i32,
        receiver: letter.receiver,
        input: letter.input,
        action: letter.action,
        arguments: letter.arguments,
        due: now,
        scheduled: letter.scheduled,
        ..NewCall::default()
    };
    messages::insert(connection, message).map(drop)
}

/// Returns the pause behind a failed try: it doubles, to a bound, and is a little shorter for some than for others.
pub(super) fn retry_delay(id: i64, tries: i32) -> Duration {
    let doublings = u32::try_from(tries - 1).unwrap_or(0);
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let delay = limits::RETRY_DELAY_MIN
        .saturating_mul(factor)
        .min(limits::RETRY_DELAY_MAX);
    // A number that looks like chance and needs no source of it.
    let mixed = (id.unsigned_abs() + u64::from(doublings)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let percent = u32::try_from((mixed >> 32) % u64::from(limits::RETRY_JITTER_PERCENT + 1));
    delay.saturating_sub(delay * percent.unwrap_or(0) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_to_its_bound_and_is_not_the_same_for_all() {
        for (tries, longest) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 600), (60, 600)] {
            let longest = Duration::from_secs(longest);
            for id in 1..100 {
                let delay = retry_delay(id, tries);
                assert!(delay <= longest && delay >= longest * 8 / 10, "{delay:?}");
            }
        }
        assert_ne!(retry_delay(1, 1), retry_delay(2, 1));
    }
}
