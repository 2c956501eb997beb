//! [`commit_pair`]: the units of two databases as one commit, which is in the log as a whole or not at all.

use std::cell::RefCell;
use std::sync::Arc;

use super::Pages;
use super::commit::Prepared;
use crate::observe::trace;
use crate::store::durability::{Durability, Gatekeeper};
use crate::store::error::StoreError;
use crate::store::log::Ticket;

/// What became of a commit of two.
pub(in crate::store) enum Pair {
    /// It is made, and this is the ticket of the first; none if nothing changed there.
    Made(Option<Ticket>),
    /// Something that the second is built on was lost: its unit is undone, and the first's is as it was.
    SecondLost,
}

thread_local! {
    /// Where the records are put together, before the lock of the log is taken.
    static RECORDS: RefCell<[Vec<u8>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// How much room for records a thread keeps.
const RECORDS_KEPT: usize = 64 * 1024;

/// Puts what the units of two databases changed into the log, so that no crash can part them.
///
/// On an error both are undone, and SQLite must be told so.
pub(in crate::store) fn commit_pair(
    first: (&Arc<Pages>, &Arc<dyn Gatekeeper>),
    second: (&Arc<Pages>, &Arc<dyn Gatekeeper>),
    durability: Durability,
) -> Result<Pair, StoreError> {
    RECORDS.with(|records| {
        let [one, other] = &mut *records.borrow_mut();
        let committed = commit_with(first, second, durability, (one, other));
        for record in [one, other] {
            if record.capacity() > RECORDS_KEPT {
                *record = Vec::new();
            }
        }
        committed
    })
}

fn commit_with(
    (first, first_keeper): (&Arc<Pages>, &Arc<dyn Gatekeeper>),
    (second, second_keeper): (&Arc<Pages>, &Arc<dyn Gatekeeper>),
    durability: Durability,
    (one, other): (&mut Vec<u8>, &mut Vec<u8>),
) -> Result<Pair, StoreError> {
    let volume = first.volume();
    loop {
        let losses = volume.log().losses();
        let mine = first.prepare(one).inspect_err(|_| second.rollback())?;
        let Ok(theirs) = second.prepare(other) else {
            take_back(first, mine);
            return Ok(Pair::SecondLost);
        };
        let my_part = mine.map(|mine| (first, mine, &**one, first_keeper));
        let their_part = theirs.map(|theirs| (second, theirs, &**other, second_keeper));
        let appended = match (my_part, their_part) {
            (Some(mine), Some(theirs)) => volume.append(durability, losses, &[mine, theirs]),
            (Some(part), None) | (None, Some(part)) => volume.append(durability, losses, &[part]),
            (None, None) => return Ok(Pair::Made(None)),
        };
        let lsns = match appended {
            Ok(Some(lsns)) => lsns,
            Ok(None) => {
                take_back(first, mine);
                take_back(second, theirs);
                continue;
            }
            Err(error) => {
                first.rollback();
                second.rollback();
                return Err(error);
            }
        };
        let mut lsns = lsns.into_iter();
        let mut finish = |pages: &Arc<Pages>, prepared: Option<Prepared>| {
            let next = prepared.and_then(|prepared| Some((prepared, lsns.next()?)));
            next.map(|(prepared, lsn)| pages.finish(prepared, lsn, durability))
        };
        let ticket = finish(first, mine);
        // Lost with the first, or not at all; whoever uses it next sees it.
        let _ = finish(second, theirs);
        if mine.is_some() {
            trace::committed(one.len());
        }
        return ticket.transpose().map(Pair::Made);
    }
}

fn take_back(pages: &Pages, prepared: Option<Prepared>) {
    if let Some(prepared) = prepared {
        pages.take_back(prepared);
    }
}
