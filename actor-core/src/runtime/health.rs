//! [`Health`]: what went wrong with an actor, and how its `#[run]` hooks are.
//!
//! # Invariants
//!
//! 1. Most actors have none: it is made with the first crash, or for the first `#[run]` hook.
//! 2. What is in it of `#[run]` hooks is of the instance that has them, or of none.

use tokio::time::Instant;

use crate::actor::Handlers;
use crate::hooks::Hook;
use crate::info::{ActorInfo, Crash, RunInfo, RunState};
use crate::runtime::cell::Cell;
use crate::runtime::instance::Instance;
use crate::runtime::mailbox::Mailbox;
use crate::runtime::supervision::Budget;

/// What went wrong with an actor, and how its `#[run]` hooks are.
#[derive(Clone, Default)]
pub(crate) struct Health {
    /// How often it panicked since somebody holds its cell.
    crashes: u32,
    last_crash: Option<Crash>,
    runs: Vec<RunInfo>,
    pub(super) budget: Budget,
}

impl Health {
    /// Forgets the hooks of an instance that is over.
    pub(super) fn forget_runs(&mut self) {
        self.runs = Vec::new();
    }

    /// Returns the last panic.
    pub(super) fn last(&self) -> Option<&Crash> {
        self.last_crash.as_ref()
    }
}

/// What became of a `#[run]` hook.
pub(super) enum RunChange {
    /// It failed like this, and is started again after a pause.
    Paused(String),
    /// It is started again.
    Restarted,
    /// It ended well, or failed like this when it was to end.
    Ended(Option<String>),
}

impl<A: Handlers> Mailbox<A> {
    /// Returns what is known of the actor.
    pub(crate) fn info(&self) -> ActorInfo {
        let inner = self.lock();
        let health = inner.health.as_deref();
        ActorInfo {
            status: inner.shown_status(),
            waiting: inner.used(),
            crashes: health.map_or(0, |health| health.crashes),
            last_crash: health.and_then(|health| health.last_crash.clone()),
            runs: health.map_or_else(Vec::new, |health| health.runs.clone()),
        }
    }

    /// Notes that an instance starts its `#[run]` hooks.
    pub(super) fn begin_runs(&self, hooks: &[Hook]) {
        let runs = hooks.iter().map(|hook| RunInfo {
            hook: hook.name,
            state: RunState::Running,
            restarts: 0,
            last_error: None,
        });
        // INVARIANT 2
        self.lock().health.get_or_insert_default().runs = runs.collect();
    }

    /// Forgets the `#[run]` hooks of an instance that is over.
    pub(super) fn forget_runs(&self) {
        if let Some(health) = &mut self.lock().health {
            health.forget_runs();
        }
    }

    /// Notes what became of a `#[run]` hook.
    pub(super) fn note_run(&self, hook: usize, change: RunChange) {
        let mut inner = self.lock();
        let health = inner.health.as_mut();
        let Some(run) = health.and_then(|health| health.runs.get_mut(hook)) else {
            return;
        };
        match change {
            RunChange::Paused(error) => {
                run.state = RunState::Pausing;
                run.last_error = Some(error);
            }
            RunChange::Restarted => {
                run.state = RunState::Running;
                run.restarts = run.restarts.saturating_add(1);
            }
            RunChange::Ended(error) => {
                run.state = RunState::Ended;
                run.last_error = error.or(run.last_error.take());
            }
        }
    }
}

impl<A: Handlers> Cell<A> {
    /// Notes a panic for which the instance is given up.
    fn note_crash(&self, name: &'static str, panic: &str) {
        let crash = Crash {
            at: self.system().clock().now(),
            name,
            message: panic.to_owned(),
        };
        let mut inner = self.mailbox().lock();
        let health = inner.health.get_or_insert_default();
        health.crashes = health.crashes.saturating_add(1);
        health.last_crash = Some(crash);
        health
            .budget
            .note(Instant::now(), A::OPTIONS.restart_window);
    }
}

impl<A: Handlers> Instance<A> {
    /// Notes a panic of the user's code for which this instance is given up. One that a test asked for is none.
    pub(super) fn note_panic(&self, name: &'static str, panic: &str) {
        #[cfg(feature = "testing")]
        if panic == crate::runtime::crash::CRASHED {
            return;
        }
        self.turn.cell().note_crash(name, panic);
    }
}
