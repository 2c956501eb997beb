//! Why a call, a start or a system failed. Each error has a stable `group` and `code` besides its message.
//!
//! A message is one line that ends with its cause: `{what happened}: {cause}`. `source()` has the same cause as a value, so
//! that a reporter that prints the whole chain says it twice; print the error alone.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::failure::{Failure, SharedError};
use crate::hooks::Step;
use crate::key::{Key, KeyError};
use crate::queue::QueueError;
use crate::store::{MigrationError, StoreError};
use crate::timer::TimerError;

/// Which actor an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The name of the actor's type.
    pub actor: &'static str,
    /// Its key.
    pub key: Key,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.actor, self.key)
    }
}

/// Why a call was not answered, or a lifecycle request not carried out.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such actor, and the handle may not create it.
    #[error("{subject} does not exist")]
    NotFound {
        /// The actor.
        subject: Subject,
    },
    /// `create` found that the key is taken.
    #[error("{subject} already exists")]
    AlreadyExists {
        /// The actor.
        subject: Subject,
    },
    /// The text given as a key cannot be one.
    #[error("this cannot be a key of {actor}: {source}")]
    Key {
        /// The name of the actor's type.
        actor: &'static str,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The actor's type was not registered with this system.
    #[error("the actor type {actor} is not registered with this system")]
    NotRegistered {
        /// The name of the actor's type.
        actor: &'static str,
    },
    /// The actor did not start.
    #[error(transparent)]
    Start(Arc<StartError>),
    /// The action, or the hook of a lifecycle request, returned an error. What it wrote is undone.
    #[error("`{name}` of {subject} failed: {source}")]
    Failed {
        /// The actor.
        subject: Subject,
        /// The user's function.
        name: &'static str,
        /// What it returned.
        #[source]
        source: SharedError,
    },
    /// The action, or the hook of a lifecycle request, panicked, or the `Serialize` of the state that it left. What it wrote is
    /// undone, and the actor restarts.
    #[error("`{name}` of {subject} panicked: {panic}")]
    Panicked {
        /// The actor.
        subject: Subject,
        /// The user's function; `drop` for code that is no hook and no action.
        name: &'static str,
        /// The text of the panic.
        panic: String,
    },
    /// The actor panicked too often, so that it is not started for a while. [`ActorRef::restart`](crate::ActorRef::restart) tries at
    /// once.
    #[error(
        "{subject} panicked {crashes} times within {window:?} and refuses calls for {retry_after:?} (`restart()` tries now); \
         last panic, in `{name}`: {panic}"
    )]
    FailedTooOften {
        /// The actor.
        subject: Subject,
        /// How often it panicked.
        crashes: u32,
        /// Within what time.
        window: Duration,
        /// The user's function that panicked the last time.
        name: &'static str,
        /// The text of that panic.
        panic: String,
        /// After what time a call starts it again.
        retry_after: Duration,
        /// That panic, as its caller got it: a [`CallError::Panicked`].
        #[source]
        source: Arc<CallError>,
    },
    /// The action, or the hook of a lifecycle request, took longer than its limit and was dropped. What it wrote is undone.
    #[error("`{name}` of {subject} took longer than {limit:?}")]
    ActionTimedOut {
        /// The actor.
        subject: Subject,
        /// The user's function.
        name: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// No reply came within the caller's time. The action may still run, or have run.
    #[error(
        "no reply from {subject} within {limit:?}: the action may have run, may still run or may never run; check before \
         you retry"
    )]
    TimedOut {
        /// The actor.
        subject: Subject,
        /// The caller's time.
        limit: Duration,
    },
    /// The ask would wait for itself: the actor that it asks waits, through others or not, for the one that asks.
    #[error("the ask would wait for itself: {}", arrows(path))]
    Cycle {
        /// Who waits for whom; the last one is the first of the cycle.
        path: Vec<Subject>,
    },
    /// The mailbox is full; only `try_tell` says so, the others wait.
    #[error("the mailbox of {subject} is full ({capacity} calls)")]
    MailboxFull {
        /// The actor.
        subject: Subject,
        /// How many calls it holds.
        capacity: usize,
    },
    /// The actor has no database, so it stores no calls: no timers, no messages, no dead letters.
    #[error(
        "{subject} is in memory only, so it stores no calls: `#[state]` or `#[migrate]` gives it a database"
    )]
    InMemory {
        /// Which actor.
        subject: Subject,
    },
    /// The timer cannot be set.
    #[error("the timer was not set: {source}")]
    Timer {
        /// Why.
        #[source]
        source: TimerError,
    },
    /// The queue refused.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The system is shutting down, or the runtime that it ran on is gone.
    #[error("the system of {subject} is shut down")]
    ShutDown {
        /// The actor.
        subject: Subject,
    },
    /// The state that the action or hook left cannot be saved, or what is saved does not fit its type. What it wrote is undone.
    #[error("`{name}` of {subject} left a state that is not saved: {source}")]
    State {
        /// The actor.
        subject: Subject,
        /// The user's function, or the step.
        name: &'static str,
        /// What does not fit: a [`StoreError::State`].
        #[source]
        source: Arc<StoreError>,
    },
    /// The store could not commit the action, or not make it durable. After a failed commit what it wrote is undone; after a failed
    /// sync ([`StoreError::Poisoned`]) it may be there when the system is started anew.
    #[error("the store failed `{name}` of {subject}: {source}")]
    Store {
        /// The actor.
        subject: Subject,
        /// The user's function, or the step.
        name: &'static str,
        /// What went wrong.
        #[source]
        source: Arc<StoreError>,
    },
}

impl CallError {
    /// Returns the stable group of this error.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match self {
            Self::Key { source, .. } => source.group(),
            Self::Start(error) => error.group(),
            Self::Store { source, .. } | Self::State { source, .. } => source.group(),
            Self::MailboxFull { .. } | Self::Queue(_) => "queue",
            Self::Timer { .. } => "timer",
            Self::ShutDown { .. } => "system",
            _ => "actor",
        }
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::AlreadyExists { .. } => "already_exists",
            Self::Key { source, .. } => source.code(),
            Self::NotRegistered { .. } => "not_registered",
            Self::Start(error) => error.code(),
            Self::Failed { .. } => "action_failed",
            Self::Panicked { .. } => "action_panicked",
            Self::FailedTooOften { .. } => "failed_too_often",
            Self::ActionTimedOut { .. } => "action_timed_out",
            Self::TimedOut { .. } => "ask_timed_out",
            Self::Cycle { .. } => "ask_cycle",
            Self::MailboxFull { .. } => "full",
            Self::InMemory { .. } => "in_memory",
            Self::Timer { source } => source.code(),
            Self::Queue(error) => error.code(),
            Self::ShutDown { .. } => "shut_down",
            Self::Store { source, .. } | Self::State { source, .. } => source.code(),
        }
    }

    /// Returns the user's own error, when an action or a hook returned an `E`.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed { source, .. } => source.downcast_ref(),
            Self::Start(error) => match &error.cause {
                StartCause::Failed(failure) => failure.downcast_ref(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Writes a path.
fn arrows(path: &[Subject]) -> String {
    let names: Vec<_> = path.iter().map(ToString::to_string).collect();
    names.join(" -> ")
}

/// Why an actor did not start: the step of the preamble, the hook and the cause. Nothing of the step stays.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartError {
    /// The actor.
    pub subject: Subject,
    /// The step that failed; `None` when the database could not be opened at all.
    pub step: Option<Step>,
    /// The user's function, if one was running.
    pub hook: Option<&'static str>,
    /// What went wrong.
    pub cause: StartCause,
}

/// What went wrong in a step of the preamble.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartCause {
    /// The hook returned an error.
    Failed(Failure),
    /// The hook panicked, with this text.
    Panicked(String),
    /// The hook took longer than its limit and was dropped.
    TimedOut(Duration),
    /// A migration did not apply, or the database does not fit the program.
    Migration(Arc<MigrationError>),
    /// The database could not be opened, read or written.
    Store(Arc<StoreError>),
}

impl StartError {
    /// Returns the stable group of this error.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match &self.cause {
            StartCause::Failed(_) | StartCause::Panicked(_) | StartCause::TimedOut(_) => "start",
            StartCause::Migration(_) => "migration",
            StartCause::Store(error) => error.group(),
        }
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.cause {
            StartCause::Failed(_) => "hook_failed",
            StartCause::Panicked(_) => "hook_panicked",
            StartCause::TimedOut(_) => "hook_timed_out",
            StartCause::Migration(error) => error.code(),
            StartCause::Store(error) => error.code(),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} did not start", self.subject)?;
        if let Some(step) = self.step {
            write!(f, ": {step}")?;
        }
        if let Some(hook) = self.hook {
            write!(f, " (`{hook}`)")?;
        }
        match &self.cause {
            StartCause::Failed(failure) => write!(f, " failed: {failure}"),
            StartCause::Panicked(panic) => write!(f, " panicked: {panic}"),
            StartCause::TimedOut(limit) => write!(f, " took longer than {limit:?}"),
            StartCause::Migration(error) => write!(f, ": {error}"),
            StartCause::Store(error) => write!(f, ": {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            StartCause::Failed(failure) => Some(failure.as_error()),
            StartCause::Panicked(_) | StartCause::TimedOut(_) => None,
            StartCause::Migration(error) => Some(&**error),
            StartCause::Store(error) => Some(&**error),
        }
    }
}

/// Why a system did not start, or did not shut down in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SystemError {
    /// No data directory was given.
    #[error("no data directory was given: call `data_dir` on the builder")]
    NoDataDir,
    /// Two registered types have the same name, so they would share a directory.
    #[error("two actor types are named {actor:?}: `{first}` and `{second}`")]
    DuplicateName {
        /// The name.
        actor: &'static str,
        /// The type that was registered first. Two may be one generic type with other arguments, which has one name only.
        first: &'static str,
        /// The other type.
        second: &'static str,
    },
    /// Another process has the data directory.
    #[error("cannot start: the data directory {} is locked by another process; stop that first", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Another system of this process has the data directory.
    #[error(
        "cannot start: the data directory {} is locked by another system of this process; shut that down first",
        path.display()
    )]
    InUseHere {
        /// The directory.
        path: PathBuf,
    },
    /// The process may not open as many files as a system needs.
    #[error(
        "cannot start: the process may have {limit} files open and has {used}, and a system needs {needed} more; raise the limit (`ulimit -n`)"
    )]
    TooFewHandles {
        /// How many the process may have.
        limit: usize,
        /// How many it has.
        used: usize,
        /// How many the system needs at least.
        needed: usize,
    },
    /// `start` was called outside of a tokio runtime.
    #[error("cannot start the system outside a tokio runtime: call `start` inside one")]
    NoRuntime,
    /// `shutdown` was awaited in the code of an actor, for whose end it would wait. Nothing was shut down.
    #[error(
        "a shutdown that is awaited inside {subject} would wait for itself: spawn it as a task"
    )]
    InsideActor {
        /// The actor.
        subject: Subject,
    },
    /// The program was built before a migration was added or removed. Only debug builds look, on the machine that built them.
    #[error(
        "the program was built before migration {migration} in `{directory}` of {actor} was added or removed: \
         build it again, and write `println!(\"cargo::rerun-if-changed={directory}\");` into the `main` of a `build.rs`, so that cargo sees it"
    )]
    OutOfDate {
        /// The name of the actor's type.
        actor: &'static str,
        /// The directory of its migrations, relative to the package.
        directory: &'static str,
        /// The name of the migration.
        migration: String,
    },
    /// The store did not open or close.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
}

impl SystemError {
    /// Returns the stable group of this error.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match self {
            Self::Store(error) => error.group(),
            _ => "system",
        }
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDataDir => "no_data_dir",
            Self::DuplicateName { .. } => "duplicate_name",
            Self::InUse { .. } | Self::InUseHere { .. } => "in_use",
            Self::TooFewHandles { .. } => "too_few_handles",
            Self::NoRuntime => "no_runtime",
            Self::InsideActor { .. } => "inside_actor",
            Self::OutOfDate { .. } => "out_of_date",
            Self::Store(error) => error.code(),
        }
    }
}
