//! [`Courier`]: delivers the messages of an awake actor.
//!
//! # Invariants
//!
//! 1. Nothing leaves before the transaction that sends it is durable.
//! 2. One parcel at a time is on its way to a receiver, so that messages to it arrive in order.
//! 3. A message goes when its receiver said that it was handled. It is delivered again when nothing is known, and the
//!    receiver remembers.
//! 4. A courier that was roused looks once more before it ends.

use std::collections::HashSet;
use std::sync::Arc;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::actor::Handlers;
use crate::caught::error_text;
use crate::clock::duration_ms;
use crate::error::CallError;
use crate::limits;
use crate::message::parse_receiver;
use crate::observe::metrics::{Letter, Sent};
use crate::runtime::cell::Cell;
use crate::runtime::inbox::{Delivered, Delivery, Undelivered};
use crate::runtime::inside::Inside;
use crate::runtime::letters::{bury, retry_delay};
use crate::store::{Durability, StoredCall, calls, messages};

/// Delivers the messages of an awake actor. Its task exists while there is something to deliver, and ends with this.
pub(super) struct Courier {
    roused: Arc<Roused>,
    task: JoinHandle<()>,
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether a courier has to look again.
#[derive(Default)]
struct Roused {
    state: Mutex<State>,
    notify: Notify,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Something may be ready that it has not seen.
    #[default]
    Look,
    /// It has seen everything.
    Seen,
    /// It is gone.
    Ended,
}

/// What comes back from a receiver.
struct Landed {
    receiver: String,
    /// The first message of the parcel.
    first: i64,
    result: Result<Delivered, CallError>,
}

impl Courier {
    /// Says that a message may leave; starts the courier if there is none.
    pub(super) fn rouse<A: Handlers>(courier: &mut Option<Self>, cell: &Arc<Cell<A>>) {
        if let Some(courier) = courier {
            let mut state = courier.roused.state.lock();
            if *state != State::Ended {
                *state = State::Look;
                courier.roused.notify.notify_one();
                return;
            }
        }
        let roused = Arc::new(Roused::default());
        let run = run(Arc::clone(cell), Arc::clone(&roused));
        let task = cell.system().runtime().spawn(run);
        *courier = Some(Self { roused, task });
    }
}

impl Roused {
    /// Ends the courier, unless it has to look again.
    fn end(&self) -> bool {
        let mut state = self.state.lock();
        // INVARIANT 4
        if *state == State::Look {
            return false;
        }
        *state = State::Ended;
        true
    }
}

/// Delivers until there is nothing that can leave.
async fn run<A: Handlers>(cell: Arc<Cell<A>>, roused: Arc<Roused>) {
    let mut flights = JoinSet::new();
    let mut busy = HashSet::new();
    loop {
        *roused.state.lock() = State::Seen;
        if let Err(error) = take_off(&cell, &mut flights, &mut busy).await {
            return give_up(&cell, &roused, &error);
        }
        if flights.is_empty() {
            if roused.end() {
                return;
            }
            continue;
        }
        tokio::select! {
            landed = flights.join_next() => {
                if let Some(Ok(landed)) = landed {
                    busy.remove(&landed.receiver);
                    if let Err(error) = settle(&cell, landed).await {
                        return give_up(&cell, &roused, &error);
                    }
                }
            }
            () = roused.notify.notified() => {}
        }
    }
}

/// Ends because the actor cannot be asked now: it is woken again after a while.
fn give_up<A: Handlers>(cell: &Arc<Cell<A>>, roused: &Roused, error: &CallError) {
    *roused.state.lock() = State::Ended;
    if cell.system().is_closing() {
        return;
    }
    tracing::warn!(actor = A::NAME, key = %cell.key(), %error, "messages wait in an outbox that cannot be read");
    let again = cell.system().clock().now_ms() + duration_ms(limits::WAKE_UP_AGAIN);
    let scheduler = cell.system().scheduler();
    scheduler.arm(A::NAME, cell.key().as_str(), Some(again));
}

/// Sends a parcel to each receiver for which there is one, and that is not busy.
async fn take_off<A: Handlers>(
    cell: &Arc<Cell<A>>,
    flights: &mut JoinSet<Landed>,
    busy: &mut HashSet<String>,
) -> Result<(), CallError> {
    let size = (
        limits::PARCELS.saturating_sub(flights.len()),
        limits::PARCEL_MESSAGES,
    );
    if size.0 == 0 {
        return Ok(());
    }
    let (now, taken) = (cell.system().clock().now_ms(), busy.clone());
    let read = Inside::read("outbox", move |connection: &mut SqliteConnection| {
        messages::outgoing(connection, now, &taken, size)
    });
    // INVARIANT 1: this returns when all that it read is durable.
    let outgoing = cell.handle().inside(read, limits::ASK_TIMEOUT).await?;
    for parcel in outgoing.parcels {
        let Some(first) = parcel.messages.first().map(|first| first.id) else {
            continue;
        };
        let delivery = Delivery {
            sender: outgoing.sender.clone(),
            messages: parcel.messages,
        };
        let receiver = parcel.receiver;
        busy.insert(receiver.clone());
        let system = cell.system().unowned();
        flights.spawn(async move {
            let result = if let Some((actor, key)) = parse_receiver(&receiver) {
                system.deliver(&actor, key, delivery).await
            } else {
                let reason = format!("`{receiver}` is no receiver");
                Ok(Delivered::never(&delivery, reason))
            };
            Landed {
                receiver,
                first,
                result,
            }
        });
    }
    Ok(())
}

/// Writes what became of a parcel into the sender's own database.
async fn settle<A: Handlers>(cell: &Arc<Cell<A>>, landed: Landed) -> Result<(), CallError> {
    let now = cell.system().clock().now_ms();
    let Landed {
        receiver,
        first,
        result,
    } = landed;
    let mut pause = limits::RETRY_DELAY_MIN;
    let delivered = match result {
        Ok(delivered) => Some(delivered),
        Err(error @ (CallError::NotFound { .. } | CallError::Start(_))) => Some(Delivered {
            handled: None,
            failed: Some(Undelivered {
                id: first,
                reason: error_text(&error),
                for_good: matches!(error, CallError::NotFound { .. }),
            }),
        }),
        // INVARIANT 3: it may have been handled or not, so it is not the message that failed.
        Err(error) => {
            if let CallError::FailedTooOften { retry_after, .. } = error {
                pause = pause.max(retry_after);
            }
            tracing::warn!(actor = A::NAME, key = %cell.key(), receiver, %error, "what became of messages is not known");
            None
        }
    };
    let is_unknown = delivered.is_none();
    let write = move |connection: &mut SqliteConnection| {
        if let Some(delivered) = delivered {
            return write_down(connection, &receiver, delivered, now);
        }
        let until = now + duration_ms(pause);
        messages::postpone(connection, &receiver, until).map(|()| Settled::default())
    };
    let settle = Inside {
        // What is lost with the power is delivered again, and the receiver remembers.
        durability: Some(Durability::Process),
        ..Inside::change("outbox", write)
    };
    let settled = cell.handle().inside(settle, limits::ASK_TIMEOUT).await?;
    let metrics = cell.metrics();
    metrics.messages(Sent::Delivered, settled.delivered as u64);
    metrics.messages(Sent::Failed, u64::from(settled.failed));
    metrics.messages(Sent::Unknown, u64::from(is_unknown));
    metrics.dead_letters(Letter::Message, u64::from(settled.dead));
    Ok(())
}

/// What became of the messages of a parcel.
#[derive(Default)]
struct Settled {
    /// How many were handled.
    delivered: usize,
    /// Whether one failed, and whether for good.
    failed: bool,
    dead: bool,
}

fn write_down(
    connection: &mut SqliteConnection,
    receiver: &str,
    delivered: Delivered,
    now: i64,
) -> QueryResult<Settled> {
    let mut settled = Settled::default();
    if let Some(last) = delivered.handled {
        settled.delivered = messages::remove_handled(connection, receiver, last)?;
    }
    let Some(failed) = delivered.failed else {
        return Ok(settled);
    };
    let Some(message) = calls::find(connection, failed.id)? else {
        return Ok(settled);
    };
    settled.failed = true;
    let tries = message.tries + 1;
    let message = StoredCall { tries, ..message };
    let exhausted = u32::try_from(tries).unwrap_or(u32::MAX) >= limits::STORED_TRIES;
    if failed.for_good || exhausted {
        settled.dead = bury(connection, message, &failed.reason, now)?;
        if !settled.dead {
            let until = now + duration_ms(limits::RETRY_DELAY_MAX);
            messages::postpone(connection, receiver, until)?;
        }
        return Ok(settled);
    }
    let due = now + duration_ms(retry_delay(message.id, tries));
    let again = StoredCall {
        error: Some(failed.reason),
        ..message
    };
    calls::update(connection, &again)?;
    // The ones behind it wait for it.
    messages::postpone(connection, receiver, due)?;
    Ok(settled)
}
