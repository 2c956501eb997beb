//! [`DeadLetter`]: a stored call that failed for good.

use std::fmt;
use std::time::SystemTime;

use crate::clock::from_ms;
use crate::key::Key;
use crate::message::parse_receiver;
use crate::store::{StoredCall, StoredKind};

/// What tells a dead letter from the others of its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterId(pub(crate) i64);

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What a dead letter was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeadLetterKind {
    /// A timer.
    Timer,
    /// A message to another actor.
    Message,
    /// A message of a queue; the name is that of the queue, and there is no action.
    Queue,
}

/// A stored call that failed for good. It can be tried again with [`retry_dead_letter`](crate::ActorRef::retry_dead_letter).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// What tells it from the others.
    pub id: DeadLetterId,
    /// What it was.
    pub kind: DeadLetterKind,
    /// Its name, if it had one.
    pub name: Option<String>,
    /// The name of the type and the key of the actor that it was for, if that was another one.
    pub receiver: Option<(String, Key)>,
    /// The action that it called.
    pub action: String,
    /// The arguments, as JSON.
    pub arguments: String,
    /// The moment that it stood for.
    pub scheduled: SystemTime,
    /// When it failed for good.
    pub died: SystemTime,
    /// How often it was tried.
    pub tries: u32,
    /// Why the last try failed.
    pub reason: String,
}

impl DeadLetter {
    pub(crate) fn of(call: StoredCall) -> Option<Self> {
        let kind = match StoredKind::of(call.kind)? {
            StoredKind::DeadTimer => DeadLetterKind::Timer,
            StoredKind::DeadMessage => DeadLetterKind::Message,
            StoredKind::DeadQueued => DeadLetterKind::Queue,
            _ => return None,
        };
        Some(Self {
            id: DeadLetterId(call.id),
            kind,
            name: call.name,
            receiver: call.receiver.as_deref().and_then(parse_receiver),
            action: call.action,
            arguments: call.arguments,
            scheduled: from_ms(call.scheduled),
            died: from_ms(call.due),
            tries: u32::try_from(call.tries).unwrap_or(0),
            reason: call.error.unwrap_or_default(),
        })
    }
}
