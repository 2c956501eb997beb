//! Messages between actors that are never lost: they leave with the transaction that sends them, and are handled once.

use std::fmt;
use std::time::SystemTime;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::call::Call;
use crate::clock::from_ms;
use crate::context::Context;
use crate::error::{CallError, Subject};
use crate::handle::ActorRef;
use crate::key::Key;
use crate::limits;
use crate::other_system::{OtherSystem, same_system};
use crate::plumbing::Storable;
use crate::runtime::Inside;
use crate::stage::Keyed;
use crate::store::{NewCall, StoredCall, StoredKind, calls, messages};
use crate::system::System;

/// What tells a message from the others of its sender. It is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub(crate) i64);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A message that waits in the outbox of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingMessage {
    /// What tells it from the others.
    pub id: MessageId,
    /// The name of the receiver's type, and its key.
    pub receiver: (String, Key),
    /// The action that it calls.
    pub action: String,
    /// When it was sent.
    pub sent: SystemTime,
    /// When it leaves: later than `sent` behind a failure.
    pub due: SystemTime,
    /// How often it was tried.
    pub tries: u32,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

impl OutgoingMessage {
    fn of(call: StoredCall) -> Option<Self> {
        Some(Self {
            id: MessageId(call.id),
            receiver: parse_receiver(&call.receiver?)?,
            action: call.action,
            sent: from_ms(call.scheduled),
            due: from_ms(call.due),
            tries: u32::try_from(call.tries).unwrap_or(0),
            last_error: call.error,
        })
    }
}

/// Writes a receiver as it is stored. The name of a type has no space in it.
fn receiver(subject: &Subject) -> String {
    format!("{} {}", subject.actor, subject.key.as_str())
}

/// Reads a receiver.
pub(crate) fn parse_receiver(stored: &str) -> Option<(String, Key)> {
    let (actor, key) = stored.split_once(' ')?;
    Some((actor.to_owned(), Key::from_printed(key).ok()?))
}

/// Why a message was not sent.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The sender has no database, so it has no outbox.
    #[error(
        "{subject} is in memory only, so it has no outbox: `#[state]` or `#[migrate]` gives it a database"
    )]
    InMemory {
        /// The sender.
        subject: Subject,
    },
    /// The outbox is full.
    #[error("{limit} messages wait in the outbox already")]
    Full {
        /// How many it holds.
        limit: usize,
    },
    /// The receiver cannot be: a bad key, a type that is not registered, or an actor in memory, which remembers nothing.
    #[error("there can be no receiver: {source}")]
    Receiver {
        /// Why.
        #[source]
        source: CallError,
    },
    /// The receiver is an actor of another system.
    #[error("the message was not sent: {0}")]
    OtherSystem(#[from] OtherSystem),
    /// The arguments of the call, or what the receiver would be created with, were not written.
    #[error("what goes with `{action}` cannot be stored: {reason}")]
    Arguments {
        /// The action.
        action: &'static str,
        /// Why.
        reason: String,
    },
    /// The arguments of the call are too long.
    #[error("the arguments of `{action}` have {bytes} bytes as JSON, more than {limit}")]
    TooLarge {
        /// The action.
        action: &'static str,
        /// How many bytes they have.
        bytes: usize,
        /// How many they may have.
        limit: usize,
    },
    /// The database refused, or the action takes `&self`.
    #[error("the message was not written: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
}

impl SendError {
    /// Returns the stable name of this error in the group `outbox`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InMemory { .. } => "in_memory",
            Self::Full { .. } => "full",
            Self::Receiver { .. } => "receiver",
            Self::OtherSystem(_) => "other_system",
            Self::Arguments { .. } => "arguments",
            Self::TooLarge { .. } => "too_large",
            Self::Database { .. } => "database",
        }
    }
}

impl<A: Handlers, S: Keyed> Context<'_, A, S> {
    /// Sends a call to another actor, with this hook or action: it leaves when that is durable, and not at all if that fails.
    ///
    /// The call is stored with what this hook or action writes, and is delivered until the receiver has handled it. The receiver
    /// remembers in the transaction of the action which messages it has handled, so that each has its effect once, whoever
    /// crashes when. Messages from one actor to another are handled in the order in which they were sent. What the action
    /// returns is dropped. One that fails is tried again, those behind it to the same receiver wait, and in the end it is a
    /// [dead letter](ActorRef::dead_letters) of the sender.
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # #[derive(Actor)]
    /// # struct Account { #[state] cents: State<u64> }
    /// #[actor]
    /// impl Account {
    ///     #[action]
    ///     fn transfer(&mut self, cx: &mut Context<'_, Self>, to: String, cents: u64) -> Result<()> {
    ///         let Some(rest) = self.cents.checked_sub(cents) else {
    ///             return Err(Failure::message("there is not enough"));
    ///         };
    ///         *self.cents = rest;
    ///         // The withdrawal and the message commit together.
    ///         let other = cx.system().get::<Account>(to);
    ///         cx.send(other.deposit(cents))?;
    ///         Ok(())
    ///     }
    ///
    ///     #[action]
    ///     fn deposit(&mut self, _cx: &mut Context<'_, Self>, cents: u64) -> Result<()> {
    ///         *self.cents += cents;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`] as its variants say. In an action that takes `&self` sending fails.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn send<B: Handlers, R, M: Storable>(
        &mut self,
        call: Call<'_, B, R, M>,
    ) -> Result<MessageId, SendError> {
        if !A::__STORED {
            let subject = self.turn().cell().subject();
            return Err(SendError::InMemory { subject });
        }
        let message = stored(&call, self.turn().cell().system())?;
        let turn = self.turn_mut();
        turn.touch_to_send();
        turn.database()
            .db()
            .for_call(|connection| insert(connection, message))
            .map_err(|error| SendError::Database {
                reason: error.to_string(),
            })?
    }
}

/// Writes a call as it is stored.
fn stored<B: Handlers, R, M>(
    call: &Call<'_, B, R, M>,
    system: &System,
) -> Result<NewCall, SendError> {
    let (actor, message) = (call.actor(), call.message());
    let action = B::__action(message).name;
    let target = actor
        .cell()
        .map_err(|source| SendError::Receiver { source })?;
    same_system(system, target)?;
    if !B::__STORED {
        let subject = target.subject();
        let source = CallError::InMemory { subject };
        return Err(SendError::Receiver { source });
    }
    let refused = |fault: crate::plumbing::StoredFault| SendError::Arguments {
        action,
        reason: fault.to_string(),
    };
    let arguments = B::__encode(message).map_err(refused)?;
    // A handle that may create its actor does so on arrival.
    let input = actor.input().map(|input| B::__encode_input(input));
    let input = input.transpose().map_err(|fault| SendError::Arguments {
        action,
        reason: format!("of what the receiver would be created with, {fault}"),
    })?;
    let bytes = arguments.len() + input.as_ref().map_or(0, String::len);
    if bytes > limits::STORED_BYTES {
        let limit = limits::STORED_BYTES;
        return Err(SendError::TooLarge {
            action,
            bytes,
            limit,
        });
    }
    let now = system.clock().now_ms();
    Ok(NewCall {
        kind: StoredKind::Message as i32,
        receiver: Some(receiver(&target.subject())),
        input,
        action: action.to_owned(),
        arguments,
        due: now,
        scheduled: now,
        ..NewCall::default()
    })
}

fn insert(
    connection: &mut SqliteConnection,
    message: NewCall,
) -> QueryResult<Result<MessageId, SendError>> {
    let waiting = calls::count(connection, StoredKind::Message)?;
    if usize::try_from(waiting).unwrap_or(usize::MAX) >= limits::OUTBOX {
        let limit = limits::OUTBOX;
        return Ok(Err(SendError::Full { limit }));
    }
    Ok(Ok(MessageId(messages::insert(connection, message)?)))
}

impl<A: Handlers> ActorRef<A> {
    /// Returns the messages that wait in the actor's outbox, in the order in which they were sent.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn outbox(&self) -> Result<Vec<OutgoingMessage>, CallError> {
        let read = Inside::read("outbox", |connection: &mut SqliteConnection| {
            let mut messages = calls::list(connection, StoredKind::Message)?;
            messages.sort_by_key(|message| message.id);
            Ok(messages)
        });
        let messages = self.inside(read, limits::ASK_TIMEOUT).await?;
        Ok(messages
            .into_iter()
            .filter_map(OutgoingMessage::of)
            .collect())
    }
}
