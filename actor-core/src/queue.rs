//! Queues: messages that an actor keeps in its database until somebody has taken and acknowledged them.

mod held;
mod job;
mod take;

use std::fmt;
use std::time::Duration;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::actor::Handlers;
use crate::clock::duration_ms;
use crate::codec::{self, Root, ValueError};
use crate::context::Context;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::hooks::QueueInfo;
use crate::limits;
use crate::other_system::{OtherSystem, same_system};
use crate::runtime::{Cell, Inside};
use crate::stage::Keyed;
use crate::store::{NewCall, StoredKind, calls, queue};
use crate::system::System;

pub use job::{Job, Receipt};

/// What can be in a queue, or be the reply to it. Implemented for all that is `Serialize`, `DeserializeOwned`, `Send` and owned.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a queue",
    label = "cannot be saved",
    note = "messages and replies are saved as JSON: `#[derive(serde::Serialize, serde::Deserialize)]`"
)]
pub trait Queueable: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Queueable for T {}

/// Compare a message, and a reply, with what is read back, by what their types say.
pub(crate) type SameFns<T, R> = (fn(&T, &T) -> bool, fn(&R, &R) -> bool);

/// A queue of one actor: messages of the type `T`, with replies of the type `R`.
///
/// The handle has a method for each `#[queue]`. A message is in the actor's database, wakes it, and is handed out until it is
/// acknowledged: at least once, in the order in which they were pushed. Acknowledged in an action with
/// [`Context::ack`], its effect is there once.
pub struct Queue<'h, A: Handlers, T: Queueable, R: Queueable> {
    actor: &'h ActorRef<A>,
    info: &'static QueueInfo,
    same: SameFns<T, R>,
}

/// What tells a message from the others in the queues of its actor. It is never given twice.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct QueuedId(pub(crate) i64);

impl fmt::Display for QueuedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Why a message was not pushed, or not acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The queue is full.
    #[error("{limit} messages wait in the queue `{queue}` already")]
    Full {
        /// The queue.
        queue: &'static str,
        /// How many it holds.
        limit: u32,
    },
    /// The message is too long.
    #[error("the message for `{queue}` has {bytes} bytes as JSON, more than {limit}")]
    TooLarge {
        /// The queue.
        queue: &'static str,
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The message or the reply was not written, or a reply not read.
    #[error("what goes through `{queue}` cannot be stored: {reason}")]
    Json {
        /// The queue.
        queue: &'static str,
        /// Why.
        reason: String,
    },
    /// The queue is one of an actor of another system.
    #[error("the queue `{queue}` was not used: {source}")]
    OtherSystem {
        /// The queue.
        queue: &'static str,
        /// Whose it is.
        #[source]
        source: OtherSystem,
    },
    /// The receipt is one for a message of another actor, so that it says nothing of a message of this one.
    #[error("the receipt is for a message of another actor, here or in another system")]
    OtherReceipt,
    /// The queue is one of another actor of this system.
    #[error("the queue `{queue}` is another actor's: `push(…).await` on it reaches that")]
    OtherActor {
        /// The queue.
        queue: &'static str,
    },
    /// The message that was to be replied to failed permanently: it is a dead letter.
    #[error("the message in `{queue}` is a dead letter, so that there is no reply: {reason}")]
    DeadLetter {
        /// The queue.
        queue: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// The database refused, or the action takes `&self`.
    #[error("the queue was not written: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
}

impl QueueError {
    /// Returns the stable name of this error in the group `queue`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "messages_full",
            Self::TooLarge { .. } => "too_large",
            Self::Json { .. } => "json",
            Self::OtherActor { .. } => "other_actor",
            Self::OtherSystem { .. } => "other_system",
            Self::OtherReceipt => "other_receipt",
            Self::DeadLetter { .. } => "dead_letter",
            Self::Database { .. } => "database",
        }
    }
}

impl<'h, A: Handlers, T: Queueable, R: Queueable> Queue<'h, A, T, R> {
    #[doc(hidden)]
    #[must_use]
    pub fn __new(
        actor: &'h ActorRef<A>,
        info: &'static QueueInfo,
        message: fn(&T, &T) -> bool,
        reply: fn(&R, &R) -> bool,
    ) -> Self {
        Self {
            actor,
            info,
            same: (message, reply),
        }
    }

    /// Returns the name of the queue.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.info.name
    }

    /// Pushes a message, and returns when it is on disk.
    ///
    /// # Errors
    ///
    /// [`CallError::Queue`] when the queue is full or the message too long, and what an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the message may be pushed or not.
    pub async fn push(&self, message: T) -> Result<QueuedId, CallError> {
        self.push_later(message, Duration::ZERO).await
    }

    /// Pushes a message that is there for the taking so long from now.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Cancel safety
    ///
    /// As [`push`](Self::push).
    pub async fn push_later(&self, message: T, delay: Duration) -> Result<QueuedId, CallError> {
        let now = self.actor.cell()?.system().clock().now_ms();
        let message = self.written(&message, now + duration_ms(delay), None)?;
        self.push_written(message).await
    }

    /// Pushes a message, and waits until it was [replied](Job::reply) to: 60 seconds at most.
    ///
    /// The message outlives the process; whoever waits does not.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); [`CallError::TimedOut`] when there is no reply in time. Before that the wait ends when the message
    /// becomes a dead letter ([`QueueError::DeadLetter`]), when the actor is destroyed ([`CallError::NotFound`]), and when the system is
    /// shut down ([`CallError::ShutDown`]).
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the message may be pushed or not.
    pub async fn send_and_wait(&self, message: T) -> Result<R, CallError> {
        let cell = self.actor.cell()?;
        let mut reply = cell.system().waiting().reply(A::NAME, cell.key());
        let now = cell.system().clock().now_ms();
        let message = self.written(&message, now, Some(reply.address.clone()))?;
        let limit = limits::ASK_TIMEOUT;
        let arrived = {
            let _runtime = cell.system().runtime().enter();
            tokio::time::timeout(limit, async {
                self.push_written(message).await?;
                let arrived = (&mut reply.arrives).await;
                arrived.unwrap_or_else(|_| Err(cell.shut_down()))
            })
        };
        let json = arrived
            .await
            .unwrap_or_else(|_| Err(cell.timed_out(limit)))?;
        codec::decode(Root::named("reply"), &json).map_err(|error| self.json(&error).into())
    }

    /// Returns how many messages are in the queue, those that are taken included.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn count(&self) -> Result<u64, CallError> {
        let name = self.info.name;
        let count = Inside::read("count", move |connection: &mut SqliteConnection| {
            queue::count(connection, name)
        });
        let count = self.actor.inside(count, limits::ASK_TIMEOUT).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn push_written(&self, message: NewCall) -> Result<QueuedId, CallError> {
        let info = self.info;
        let push = Inside::change("push", move |connection: &mut SqliteConnection| {
            push(connection, info, &message)
        });
        Ok(self.actor.inside(push, limits::ASK_TIMEOUT).await??)
    }

    /// Writes a message as it is stored.
    fn written(&self, message: &T, due: i64, reply: Option<String>) -> Result<NewCall, QueueError> {
        let same = |read: &T| (self.same.0)(message, read);
        let arguments = codec::encode(Root::named("message"), message, same)
            .map_err(|error| self.json(&error))?;
        let (bytes, limit) = (arguments.len(), limits::STORED_BYTES);
        if bytes > limit {
            let queue = self.info.name;
            return Err(QueueError::TooLarge {
                queue,
                bytes,
                limit,
            });
        }
        Ok(NewCall {
            kind: StoredKind::Queued as i32,
            name: Some(self.info.name.to_owned()),
            input: reply,
            arguments,
            due,
            scheduled: due,
            ..NewCall::default()
        })
    }

    /// Refuses a queue of another system.
    fn in_system(&self, system: &System, target: &Cell<A>) -> Result<(), QueueError> {
        let queue = self.info.name;
        same_system(system, target).map_err(|source| QueueError::OtherSystem { queue, source })
    }

    fn json(&self, error: &ValueError) -> QueueError {
        QueueError::Json {
            queue: self.info.name,
            reason: error.to_string(),
        }
    }
}

fn push(
    connection: &mut SqliteConnection,
    info: &'static QueueInfo,
    message: &NewCall,
) -> QueryResult<Result<QueuedId, QueueError>> {
    if queue::count(connection, info.name)? >= i64::from(info.max) {
        let (queue, limit) = (info.name, info.max);
        return Ok(Err(QueueError::Full { queue, limit }));
    }
    Ok(Ok(QueuedId(calls::insert(connection, message)?)))
}

impl<A: Handlers, S: Keyed> Context<'_, A, S> {
    /// Pushes a message into a queue of this actor, with this hook or action: `cx.push(cx.handle().pictures(), picture)`.
    ///
    /// # Errors
    ///
    /// [`QueueError`] as its variants say. In an action that takes `&self` pushing fails.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the message is the queue's from here on"
    )]
    pub fn push<T: Queueable, R: Queueable>(
        &mut self,
        queue: Queue<'_, A, T, R>,
        message: T,
    ) -> Result<QueuedId, QueueError> {
        let own = self.turn().cell();
        if let Ok(target) = queue.actor.cell() {
            queue.in_system(own.system(), target)?;
        }
        let is_own = |target| std::sync::Arc::ptr_eq(target, own);
        if !queue.actor.cell().is_ok_and(is_own) {
            let queue = queue.info.name;
            return Err(QueueError::OtherActor { queue });
        }
        let now = own.system().clock().now_ms();
        let message = queue.written(&message, now, None)?;
        self.queued(|connection| push(connection, queue.info, &message))?
    }

    /// Acknowledges a message of a queue with this hook or action, so that its effect and its end commit together. Returns
    /// whether it was still whose receipt this is: `false` means that its time was over, and somebody else may have it.
    ///
    /// # Errors
    ///
    /// [`QueueError::Database`]. In an action that takes `&self` it fails. [`QueueError::OtherReceipt`] if it is for a message of
    /// another actor.
    pub fn ack(&mut self, receipt: Receipt) -> Result<bool, QueueError> {
        self.queued(|connection| {
            if !receipt.is_of(queue::owner(connection)?) {
                return Ok(Err(QueueError::OtherReceipt));
            }
            Ok(Ok(take::ack(connection, receipt)?.ours))
        })?
    }

    fn queued<X>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<X>,
    ) -> Result<X, QueueError> {
        let turn = self.turn_mut();
        turn.touch();
        let ran = turn.database().db().for_call(run);
        ran.map_err(|error| QueueError::Database {
            reason: error.to_string(),
        })
    }
}

impl<A: Handlers, T: Queueable, R: Queueable> Clone for Queue<'_, A, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Handlers, T: Queueable, R: Queueable> Copy for Queue<'_, A, T, R> {}

impl<A: Handlers, T: Queueable, R: Queueable> fmt::Debug for Queue<'_, A, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("actor", &self.actor)
            .field("name", &self.info.name)
            .finish()
    }
}
