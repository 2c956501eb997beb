//! What `#[actor]` tells the runtime about an actor's hooks and actions: plain constant tables.

use std::time::Duration;

use crate::limits;
use crate::store::Durability;

/// The steps of an actor's life in which the user's code runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The pending migrations, with their data migrations.
    Migrate,
    /// `#[create_state]`.
    CreateState,
    /// `#[on_create]`.
    OnCreate,
    /// `#[create_vars]`.
    CreateVars,
    /// `#[on_wake]`.
    OnWake,
    /// `#[on_before_start]`.
    OnBeforeStart,
    /// `#[on_state_change]`.
    OnStateChange,
    /// `#[on_error]`.
    OnError,
    /// `#[run]`.
    Run,
    /// `#[on_sleep]`.
    OnSleep,
    /// `#[on_destroy]`.
    OnDestroy,
}

impl Step {
    /// Returns the name of the step, as its attribute is spelt.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::CreateState => "create_state",
            Self::OnCreate => "on_create",
            Self::CreateVars => "create_vars",
            Self::OnWake => "on_wake",
            Self::OnBeforeStart => "on_before_start",
            Self::OnStateChange => "on_state_change",
            Self::OnError => "on_error",
            Self::Run => "run",
            Self::OnSleep => "on_sleep",
            Self::OnDestroy => "on_destroy",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One hook of an actor.
#[derive(Clone, Copy, Debug)]
pub struct Hook {
    /// Which of the generated match arms runs it.
    pub id: u32,
    /// The name of the user's function.
    pub name: &'static str,
    /// The limit written on the hook itself, if any.
    pub timeout: Option<Duration>,
    /// Whether it may wait.
    pub is_async: bool,
}

/// One Rust step of a migration.
#[derive(Clone, Copy, Debug)]
pub struct DataMigration {
    /// The step as a hook.
    pub hook: Hook,
    /// The version whose `up.sql` it follows, as Diesel writes versions: digits only.
    pub after: &'static str,
    /// Whether it runs for a new actor too.
    pub new: bool,
}

/// All hooks of an actor, each list in the order in which it runs.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// The Rust steps of migrations.
    pub data_migrations: &'static [DataMigration],
    /// `#[create_state]`, if the user wrote one.
    pub create_state: Option<Hook>,
    /// `#[on_create]`.
    pub on_create: &'static [Hook],
    /// `#[create_vars]`, if the user wrote one.
    pub create_vars: Option<Hook>,
    /// `#[on_wake]`.
    pub on_wake: &'static [Hook],
    /// `#[on_before_start]`.
    pub on_before_start: &'static [Hook],
    /// `#[on_state_change]`, if the user wrote one.
    pub on_state_change: Option<Hook>,
    /// `#[on_error]`, if the user wrote one.
    pub on_error: Option<Hook>,
    /// `#[run]`.
    pub run: &'static [Hook],
    /// `#[on_sleep]`.
    pub on_sleep: &'static [Hook],
    /// `#[on_destroy]`.
    pub on_destroy: &'static [Hook],
    /// `#[queue]`.
    pub queues: &'static [QueueInfo],
    /// `#[action]`, in the order of the source.
    pub actions: &'static [ActionInfo],
}

/// What the runtime must know of a queue.
#[derive(Clone, Copy, Debug)]
pub struct QueueInfo {
    /// The name of the user's function.
    pub name: &'static str,
    /// How many messages it holds.
    pub max: u32,
    /// How long a message is its taker's.
    pub visibility: Duration,
    /// How often a message is handed out before it is a dead letter.
    pub tries: u32,
}

impl QueueInfo {
    /// Returns a queue with the defaults.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            max: limits::QUEUE_MESSAGES,
            visibility: limits::QUEUE_VISIBILITY,
            tries: limits::STORED_TRIES,
        }
    }
}

/// What the runtime must know of an action before it runs it.
#[derive(Clone, Copy, Debug)]
pub struct ActionInfo {
    /// Which one it is of those of its actor, counted from 0.
    pub id: u32,
    /// The name of the user's function.
    pub name: &'static str,
    /// Whether the action takes `&self`, so that it may only read.
    pub read_only: bool,
    /// Whether the action may wait, so that it does not share its transaction with others.
    pub is_async: bool,
    /// The limit written on the action itself, if any.
    pub timeout: Option<Duration>,
    /// What its reply may rely on, if the action says so itself.
    pub durability: Option<Durability>,
}
