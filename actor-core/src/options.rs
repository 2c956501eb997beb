//! [`Options`]: what `#[actor(…)]` on the struct sets.

use std::time::Duration;

use crate::hooks::Step;
use crate::limits;
use crate::store::Durability;

/// The options of an actor, with their defaults in [`Options::DEFAULT`].
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long an actor stays awake with nothing to do; `None` means for ever.
    pub sleep_after: Option<Duration>,
    /// How many calls may wait in the mailbox before senders wait.
    pub mailbox: usize,
    /// What a reply may rely on; `None` means what the system says.
    pub durability: Option<Durability>,
    /// How often an actor is started again that panics within [`restart_window`](Self::restart_window), before it is
    /// [`Failed`](crate::Status::Failed) for a while.
    pub restarts: u32,
    /// The time in which panics are counted.
    pub restart_window: Duration,
    /// The limits of hooks and actions.
    pub timeouts: Timeouts,
}

/// How long each step may take, unless the hook itself says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// All pending migrations together, with their data migrations.
    pub migrate: Duration,
    /// `#[create_state]`.
    pub create_state: Duration,
    /// Each `#[on_create]`.
    pub on_create: Duration,
    /// `#[create_vars]`.
    pub create_vars: Duration,
    /// Each `#[on_wake]`.
    pub on_wake: Duration,
    /// Each `#[on_before_start]`.
    pub on_before_start: Duration,
    /// `#[on_state_change]`.
    pub on_state_change: Duration,
    /// `#[on_error]`.
    pub on_error: Duration,
    /// Each `#[on_sleep]`.
    pub on_sleep: Duration,
    /// Each `#[on_destroy]`.
    pub on_destroy: Duration,
    /// Each `#[action]`.
    pub action: Duration,
}

impl Options {
    /// What an actor gets that sets nothing.
    pub const DEFAULT: Self = Self {
        sleep_after: Some(limits::SLEEP_AFTER),
        mailbox: limits::MAILBOX_CAPACITY,
        durability: None,
        restarts: limits::CRASHES,
        restart_window: limits::CRASH_WINDOW,
        timeouts: Timeouts::DEFAULT,
    };
}

impl Timeouts {
    /// What an actor gets that sets nothing.
    pub const DEFAULT: Self = Self {
        migrate: Duration::from_secs(30),
        create_state: Duration::from_secs(5),
        on_create: Duration::from_secs(5),
        create_vars: Duration::from_secs(5),
        on_wake: Duration::from_secs(30),
        on_before_start: Duration::from_secs(5),
        on_state_change: Duration::from_secs(5),
        on_error: Duration::from_secs(5),
        on_sleep: Duration::from_secs(15),
        on_destroy: Duration::from_secs(15),
        action: Duration::from_mins(1),
    };

    /// Returns the limit of one step.
    pub(crate) const fn of(&self, step: Step) -> Duration {
        match step {
            Step::Migrate => self.migrate,
            Step::CreateState => self.create_state,
            Step::OnCreate => self.on_create,
            Step::CreateVars => self.create_vars,
            Step::OnWake => self.on_wake,
            Step::OnBeforeStart => self.on_before_start,
            Step::OnStateChange => self.on_state_change,
            Step::OnError => self.on_error,
            Step::OnSleep => self.on_sleep,
            Step::OnDestroy => self.on_destroy,
            Step::Run => Duration::MAX,
        }
    }
}
