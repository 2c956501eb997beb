//! How messages are taken from a queue.
//!
//! # Invariants
//!
//! 1. Who waits is registered before it looks, so that what is pushed between the two is not missed.
//! 2. Waiting is nothing for the actor to do: it may sleep meanwhile.
//! 3. A look that finds nothing changes nothing, and so wakes nobody who waits as well.
//! 4. A stop does not cut the look of a `#[run]` hook short: what it takes is handled before the actor sleeps.
//! 5. What was taken is held ([`Held`]) until it is returned, with nothing to wait for between the two.

use std::sync::Arc;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::background::Background;
use crate::caught::{caught, error_text};
use crate::clock::duration_ms;
use crate::codec::{self, Root};
use crate::error::CallError;
use crate::hooks::QueueInfo;
use crate::limits;
use crate::observe::metrics::Letter;
use crate::queue::held::Held;
use crate::queue::{Job, Queue, Queueable, Receipt};
use crate::runtime::{Inside, bury};
use crate::store::queue::TakenMessage;
use crate::store::{StoredCall, StoredKind, calls, queue};

impl<A: Handlers, T: Queueable, R: Queueable> Queue<'_, A, T, R> {
    /// Waits for a message and takes it.
    ///
    /// It is the taker's for the time that the queue says (30 seconds); what is not acknowledged by then is handed out again.
    /// Waiting does not keep the actor awake. A `#[run]` hook takes with [`Background::next`], which ends when the actor sleeps.
    ///
    /// # Errors
    ///
    /// What an ask can fail with. The wait ends with [`CallError::NotFound`] when the actor is destroyed, also if its key is used again
    /// then, and with [`CallError::ShutDown`] when the system is shut down. It goes on while the actor is given up or does not start.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it may stand in a `select!`, again and again. A message that was taken for a future that is dropped is given back
    /// immediately, in its place, and that does not count as handed out. Only if the process ends at that moment, or the actor is given
    /// up, the message is handed out again when its time is over.
    pub async fn next(&self) -> Result<Job<A, T, R>, CallError> {
        loop {
            if let Some(job) = self.next_batch(1).await?.pop() {
                return Ok(job);
            }
        }
    }

    /// Waits for a message and takes it, with those behind it: `max` in all, 100 at most.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    ///
    /// # Cancel safety
    ///
    /// As [`next`](Self::next).
    pub async fn next_batch(&self, max: usize) -> Result<Vec<Job<A, T, R>>, CallError> {
        let cell = self.actor.cell()?;
        let waiting = cell.system().waiting();
        let taker = waiting.taker(A::NAME, cell.key());
        loop {
            let notified = taker.notified();
            let mut notified = std::pin::pin!(notified);
            // INVARIANT 1
            notified.as_mut().enable();
            taker.check()?;
            let jobs = self.take(max.max(1)).await?;
            if !jobs.is_empty() {
                return Ok(jobs);
            }
            // INVARIANT 2
            notified.await;
        }
    }

    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// As [`next`](Self::next).
    pub async fn try_next(&self) -> Result<Option<Job<A, T, R>>, CallError> {
        Ok(self.take(1).await?.pop())
    }

    /// Takes what is there, up to a number.
    async fn take(&self, max: usize) -> Result<Vec<Job<A, T, R>>, CallError> {
        let cell = self.actor.cell()?;
        let max = i64::try_from(max.min(limits::QUEUE_BATCH)).unwrap_or(1);
        let now = cell.system().clock().now_ms();
        let (info, held) = (self.info, Held::new(Arc::clone(cell)));
        let take = Inside {
            // INVARIANT 3
            touches: |taken: &Taken<A>| taken.changed,
            settled: Taken::settled,
            ..Inside::change("take", move |connection: &mut SqliteConnection| {
                take(connection, info, held, (now, max))
            })
        };
        let taken = self.actor.inside(take, limits::ASK_TIMEOUT).await?;
        let metrics = cell.metrics();
        metrics.dead_letters(Letter::Queue, taken.dead.len() as u64);
        let mut jobs = Vec::with_capacity(taken.messages.len());
        let mut misfits = Vec::new();
        let count = taken.messages.len() as u64;
        for message in taken.messages {
            // One that panics would do so each time.
            let read = caught(|| codec::decode(Root::named("message"), &message.arguments));
            match read.map_err(|panic| format!("its `Deserialize` panicked: {panic}")) {
                Ok(Ok(value)) => {
                    let (actor, same) = (self.actor.clone(), self.same.1);
                    let stored = (&message, taken.owner);
                    jobs.push(Job::new(actor, self.info, stored, value, same));
                }
                Ok(Err(error)) => misfits.push((message, error_text(&error))),
                Err(panic) => misfits.push((message, panic)),
            }
        }
        for (message, error) in misfits {
            self.refuse(message, &error, &taken.held).await?;
        }
        // INVARIANT 5
        metrics.taken(self.info.name, count, taken.again);
        taken.held.received();
        Ok(jobs)
    }

    /// Makes a dead letter of a message that does not fit its type any more.
    async fn refuse(
        &self,
        message: StoredCall,
        error: &str,
        held: &Held<A>,
    ) -> Result<(), CallError> {
        let cell = self.actor.cell()?;
        let (now, key) = (cell.system().clock().now_ms(), cell.key());
        let reason = format!("it does not fit its type: {error}");
        tracing::error!(actor = A::NAME, %key, queue = self.info.name, error, "a message cannot be read");
        let (address, told) = (message.input.clone(), reason.clone());
        let refuse = Inside::change("refuse", move |connection: &mut SqliteConnection| {
            bury(connection, message, &reason, now)
        });
        let dead = self.actor.inside(refuse, limits::ASK_TIMEOUT).await?;
        cell.metrics().dead_letters(Letter::Queue, u64::from(dead));
        if let Some(address) = address.filter(|_| dead) {
            held.tell_dead(self.info, &address, told);
        }
        Ok(())
    }
}

/// What a look at a queue found.
struct Taken<A: Handlers> {
    held: Held<A>,
    info: &'static QueueInfo,
    messages: Vec<StoredCall>,
    /// Whose queue it is.
    owner: u64,
    /// Whether anything is not as it was.
    changed: bool,
    /// How many of them were taken before.
    again: u64,
    /// What became dead letters: where its reply was to go, and why there is none.
    dead: Vec<(Option<String>, String)>,
}

impl<A: Handlers> Taken<A> {
    fn settled(&mut self, stands: bool) {
        self.held.settled(stands);
        if !stands {
            return;
        }
        for (address, reason) in &mut self.dead {
            if let Some(address) = address.take() {
                self.held
                    .tell_dead(self.info, &address, std::mem::take(reason));
            }
        }
    }
}

/// Takes messages: they are the taker's for a while.
fn take<A: Handlers>(
    connection: &mut SqliteConnection,
    info: &'static QueueInfo,
    held: Held<A>,
    (now, max): (i64, i64),
) -> QueryResult<Taken<A>> {
    let mut taken = Taken {
        held,
        info,
        messages: Vec::new(),
        owner: 0,
        changed: false,
        again: 0,
        dead: Vec::new(),
    };
    for message in queue::ready(connection, info.name, now, max)? {
        taken.changed = true;
        if u32::try_from(message.tries).unwrap_or(u32::MAX) >= info.tries {
            let reason = message.error.clone().unwrap_or_else(|| NEVER.to_owned());
            let address = message.input.clone();
            if bury(connection, message, &reason, now)? {
                taken.dead.push((address, reason));
            }
            continue;
        }
        if taken.owner == 0 {
            taken.owner = queue::owner(connection)?;
        }
        taken.again += u64::from(message.tries > 0);
        taken.held.add(TakenMessage {
            id: message.id,
            tries: message.tries + 1,
            due: message.due,
        });
        let message = StoredCall {
            due: now + duration_ms(info.visibility),
            tries: message.tries + 1,
            receiver: Some(taken.held.epoch()),
            ..message
        };
        calls::update(connection, &message)?;
        taken.messages.push(message);
    }
    Ok(taken)
}

/// Why a message is a dead letter that nobody gave back.
const NEVER: &str = "it was handed out as often as it may be, and never acknowledged";

/// What became of a receipt.
#[derive(Default)]
pub(super) struct Acknowledged {
    /// Whether the message was there, and was not handed out again.
    pub(super) ours: bool,
    /// Where its reply goes, if somebody waits for one.
    pub(super) reply_to: Option<String>,
}

/// Removes a message whose taker has the receipt.
pub(super) fn ack(
    connection: &mut SqliteConnection,
    receipt: Receipt,
) -> QueryResult<Acknowledged> {
    let Some(message) = queue::taken(connection, receipt.id.0, receipt.tries)? else {
        return Ok(Acknowledged::default());
    };
    calls::remove(connection, StoredKind::Queued, message.id)?;
    Ok(Acknowledged {
        ours: true,
        reply_to: message.input,
    })
}

impl<A: Handlers> Background<A> {
    /// Waits for a message of a queue and takes it; `None` when the actor stops.
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # #[derive(Actor)]
    /// # struct Painter {}
    /// #[actor]
    /// impl Painter {
    ///     #[queue]
    ///     fn pictures(picture: String) {}
    ///
    ///     #[run]
    ///     async fn paint(mut background: Background<Self>) -> Result<()> {
    ///         let handle = background.handle();
    ///         while let Some(picture) = background.next(handle.pictures()).await? {
    ///             println!("painting {}", picture.message());
    ///             picture.ack().await?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What an ask can fail with; [`QueueError::OtherSystem`](crate::QueueError::OtherSystem) for a queue of another system.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe, as [`Queue::next`] is.
    pub async fn next<T: Queueable, R: Queueable>(
        &mut self,
        queue: Queue<'_, A, T, R>,
    ) -> Result<Option<Job<A, T, R>>, CallError> {
        let cell = queue.actor.cell()?;
        queue.in_system(self.system(), cell)?;
        let waiting = cell.system().waiting();
        let taker = waiting.taker(A::NAME, cell.key());
        while !self.is_aborted() {
            let notified = taker.notified();
            let mut notified = std::pin::pin!(notified);
            // INVARIANT 1
            notified.as_mut().enable();
            // INVARIANT 4: an actor that stops answers this look.
            let looked = match taker.check() {
                Ok(()) => queue.try_next().await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(Some(job)) => return Ok(Some(job)),
                Ok(None) => {}
                // The actor is about to stop with its system.
                Err(CallError::ShutDown { .. }) => {
                    self.aborted().await;
                    break;
                }
                Err(error) => return Err(error),
            }
            // INVARIANT 2
            tokio::select! {
                biased;
                () = self.aborted() => {}
                () = notified => {}
            }
        }
        Ok(None)
    }
}
