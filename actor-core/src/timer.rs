//! Timers: calls that an actor stores and makes later, once or again and again.

mod handle;
mod inside;
mod repeat;
mod set;

use std::fmt;
use std::time::SystemTime;

use crate::clock::from_ms;
use crate::error::Subject;
use crate::other_system::OtherSystem;
use crate::store::StoredCall;

pub use repeat::Repeats;
pub use set::{NamedCall, SettingTimer, Timed};
pub(crate) use set::{NewTimer, When};

/// What tells a timer from the others of its actor. It is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub(crate) i64);

impl fmt::Display for TimerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Which timer: by its id, or by the name that it was set with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichTimer {
    /// By its id.
    Id(TimerId),
    /// By its name.
    Name(String),
}

impl From<TimerId> for WhichTimer {
    fn from(id: TimerId) -> Self {
        Self::Id(id)
    }
}

impl From<&str> for WhichTimer {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for WhichTimer {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timer {
    /// What tells it from the others.
    pub id: TimerId,
    /// The name that it was set with.
    pub name: Option<String>,
    /// The action that it calls.
    pub action: String,
    /// The moment that the next run stands for.
    pub scheduled: SystemTime,
    /// When it runs next: later than `scheduled` after a failure.
    pub due: SystemTime,
    /// How it repeats; `None` if it runs once.
    pub repeats: Option<Repeats>,
    /// How often the next run was tried already.
    pub tries: u32,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

impl Timer {
    pub(crate) fn of(call: StoredCall) -> Self {
        Self {
            id: TimerId(call.id),
            name: call.name,
            action: call.action,
            scheduled: from_ms(call.scheduled),
            due: from_ms(call.due),
            repeats: call.repeats.as_deref().and_then(Repeats::parse),
            tries: u32::try_from(call.tries).unwrap_or(0),
            last_error: call.error,
        }
    }
}

/// A run of a timer that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerRun {
    /// The name of the timer.
    pub name: Option<String>,
    /// The action that it called.
    pub action: String,
    /// The moment that it stood for.
    pub scheduled: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// How often it was tried, the last time included.
    pub tries: u32,
    /// Why it failed for good; `None` if it is well.
    pub error: Option<String>,
}

impl TimerRun {
    pub(crate) fn of(call: StoredCall) -> Self {
        Self {
            name: call.name,
            action: call.action,
            scheduled: from_ms(call.scheduled),
            ended: from_ms(call.due),
            tries: u32::try_from(call.tries).unwrap_or(0),
            error: call.error,
        }
    }
}

/// Why a timer was not set.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimerError {
    /// The actor has no database, so it has no timers.
    #[error(
        "{subject} is in memory only, so it has no timers: `#[state]` or `#[migrate]` gives it a database"
    )]
    InMemory {
        /// Which actor.
        subject: Subject,
    },
    /// The actor has as many timers as it may have.
    #[error("the actor has {limit} timers already")]
    Full {
        /// How many it may have.
        limit: usize,
    },
    /// The arguments of the call were not written.
    #[error("the arguments of `{action}` cannot be stored: {reason}")]
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
    /// The call is one of an actor of another system.
    #[error("the timer was not set: {0}")]
    OtherSystem(#[from] OtherSystem),
    /// The call is one of another actor of this system.
    #[error(
        "the call is one of {subject}: `cx.after` and its like call the actor's own actions; `.after(…).await` on the call sets a timer there"
    )]
    OtherActor {
        /// Whose action it is.
        subject: Subject,
    },
    /// A timer cannot repeat after no time at all.
    #[error("a timer cannot repeat every {period:?}")]
    Period {
        /// The time given.
        period: std::time::Duration,
    },
    /// The cron expression or the time zone is not one, or names no moment.
    #[error("not a cron timer, `{}` in `{}`: {reason}", expression.escape_debug(), zone.escape_debug())]
    Cron {
        /// The expression.
        expression: String,
        /// The time zone.
        zone: String,
        /// What is wrong.
        reason: String,
    },
    /// The database refused, or the action takes `&self`.
    #[error("the timer was not written: {reason}")]
    Database {
        /// What it said.
        reason: String,
    },
}

impl TimerError {
    /// Returns the stable name of this error in the group `timer`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InMemory { .. } => "in_memory",
            Self::Full { .. } => "full",
            Self::Arguments { .. } => "arguments",
            Self::TooLarge { .. } => "too_large",
            Self::OtherActor { .. } => "other_actor",
            Self::OtherSystem(_) => "other_system",
            Self::Period { .. } => "period",
            Self::Cron { .. } => "cron",
            Self::Database { .. } => "database",
        }
    }
}
