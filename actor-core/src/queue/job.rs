//! [`Job`]: a message that was taken from a queue.

use std::fmt;
use std::time::{Duration, SystemTime};

use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::clock::{duration_ms, from_ms};
use crate::codec::{self, Root};
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::hooks::QueueInfo;
use crate::limits;
use crate::queue::take::{self, Acknowledged};
use crate::queue::{QueueError, Queueable, QueuedId};
use crate::runtime::Inside;
use crate::store::{StoredCall, calls, queue};

/// A message that was taken from a queue. What is neither acknowledged nor given back by its deadline is handed out again.
#[must_use = "a message that is not acknowledged is handed out again"]
pub struct Job<A: Handlers, T, R> {
    actor: ActorRef<A>,
    info: &'static QueueInfo,
    message: T,
    receipt: Receipt,
    deadline: SystemTime,
    /// Compares a reply with what is read back.
    same: fn(&R, &R) -> bool,
}

/// The right to acknowledge a message, for as long as it was not handed out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Receipt {
    pub(super) id: QueuedId,
    pub(super) tries: i32,
    /// Whose queue it is; 0 in one that was stored before this was noted.
    #[serde(default)]
    pub(super) owner: u64,
}

impl Receipt {
    /// Returns whether it is for a message of this actor.
    pub(super) fn is_of(&self, owner: u64) -> bool {
        self.owner == 0 || self.owner == owner
    }
}

impl<A: Handlers, T, R: Queueable> Job<A, T, R> {
    pub(super) fn new(
        actor: ActorRef<A>,
        info: &'static QueueInfo,
        (stored, owner): (&StoredCall, u64),
        message: T,
        same: fn(&R, &R) -> bool,
    ) -> Self {
        Self {
            actor,
            info,
            message,
            receipt: Receipt {
                id: QueuedId(stored.id),
                tries: stored.tries,
                owner,
            },
            deadline: from_ms(stored.due),
            same,
        }
    }

    /// Returns what was pushed.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// Returns what tells the message from the others.
    #[must_use]
    pub fn id(&self) -> QueuedId {
        self.receipt.id
    }

    /// Returns how often it was handed out, this time included.
    #[must_use]
    pub fn tries(&self) -> u32 {
        u32::try_from(self.receipt.tries).unwrap_or(0)
    }

    /// Returns until when it is not handed out again.
    #[must_use]
    pub fn deadline(&self) -> SystemTime {
        self.deadline
    }

    /// Returns the right to acknowledge the message, for an action that does so with its effect: see
    /// [`Context::ack`](crate::Context::ack).
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Acknowledges the message: it is gone. Returns whether it was still ours: `false` means that its time was over, and
    /// somebody else may have it.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the message may be gone or not.
    pub async fn ack(self) -> Result<bool, CallError> {
        Ok(self.acknowledge().await?.ours)
    }

    /// Acknowledges the message, and gives a reply to who [waits](crate::Queue::send_and_wait) for it, if somebody does. Returns
    /// whether it was still ours; if not, nobody gets the reply.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack); [`QueueError::Json`] when the reply is not written, and then the message is still ours.
    ///
    /// # Cancel safety
    ///
    /// As [`ack`](Self::ack); who waits may get nothing.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the reply is the waiting one's from here on"
    )]
    pub async fn reply(self, reply: R) -> Result<bool, CallError> {
        let same = |read: &R| (self.same)(&reply, read);
        let json = codec::encode(Root::named("reply"), &reply, same);
        let json = json.map_err(|error| QueueError::Json {
            queue: self.info.name,
            reason: error.to_string(),
        })?;
        drop(reply);
        let acknowledged = self.acknowledge().await?;
        if let Some(address) = &acknowledged.reply_to {
            let waiting = self.actor.cell()?.system().waiting();
            waiting.answer(address, Ok(json));
        }
        Ok(acknowledged.ours)
    }

    /// Gives the message back: it is there for the taking again after a while. Returns whether it was still ours.
    ///
    /// When it was handed out as often as the queue says (10 times) it is a dead letter instead.
    ///
    /// # Errors
    ///
    /// As [`ack`](Self::ack).
    ///
    /// # Cancel safety
    ///
    /// As [`ack`](Self::ack).
    pub async fn nack(self, delay: Duration) -> Result<bool, CallError> {
        let (receipt, now) = (self.receipt, self.actor.cell()?.system().clock().now_ms());
        let give_back = Inside::change("nack", move |connection: &mut SqliteConnection| {
            let Some(message) = queue::taken(connection, receipt.id.0, receipt.tries)? else {
                return Ok(false);
            };
            let message = StoredCall {
                due: now + duration_ms(delay),
                receiver: None,
                error: Some("it was given back".to_owned()),
                ..message
            };
            calls::update(connection, &message)?;
            Ok(true)
        });
        self.actor.inside(give_back, limits::ASK_TIMEOUT).await
    }

    async fn acknowledge(&self) -> Result<Acknowledged, CallError> {
        let receipt = self.receipt;
        let acknowledge = Inside::change("ack", move |connection: &mut SqliteConnection| {
            take::ack(connection, receipt)
        });
        self.actor.inside(acknowledge, limits::ASK_TIMEOUT).await
    }
}

impl<A: Handlers, T: fmt::Debug, R> fmt::Debug for Job<A, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("queue", &self.info.name)
            .field("message", &self.message)
            .field("receipt", &self.receipt)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
