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
use crate::runtime::baton::Due;
use crate::runtime::cell::Cell;
use crate::runtime::instance::Instance;
use crate::runtime::mailbox::{Mailbox, Pushed, Status};
use crate::runtime::supervision::Budget;

/// What went wrong with an actor, and how its `#[run]` hooks are.
#[derive(Clone, Default)]
pub(crate) struct Health {
    /// How often it panicked since somebody holds its cell.
    crashes: u32,
    last_crash: Option<Crash>,
    runs: Vec<RunInfo>,
    /// When the instance woke, in milliseconds of the alarms; what the mailbox has in memory is when the actor came to be.
    woke: Option<u64>,
    /// Until when it pauses before it starts again.
    pause: Option<Instant>,
    pub(super) budget: Budget,
}

impl Health {
    /// Forgets what was of an instance, or of the pause before it.
    pub(super) fn forget_life(&mut self) {
        (self.runs, self.woke, self.pause) = (Vec::new(), None, None);
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
    /// Notes when the instance of an actor woke for which something went wrong before.
    pub(super) fn note_woke(&self, now: u64) {
        if let Some(health) = &mut self.lock().health {
            (health.woke, health.pause) = (Some(now), None);
        }
    }

    /// Notes until when the actor pauses, or that it does not any more.
    pub(super) fn set_pause(&self, until: Option<Instant>) {
        self.lock().health.get_or_insert_default().pause = until;
    }

    /// Returns whether the actor still pauses.
    pub(super) fn is_paused(&self) -> bool {
        let inner = self.lock();
        let health = inner.health.as_deref();
        health.is_some_and(|health| health.pause.is_some())
    }

    /// Ends the pause, if there is one.
    pub(super) fn end_pause(&self) -> Pushed<A> {
        let mut inner = self.lock();
        let health = inner.health.as_mut();
        if health.and_then(|health| health.pause.take()).is_none() {
            return Pushed::Delivered;
        }
        match inner.baton.woken() {
            Due::Queue => Pushed::Queue,
            Due::Nothing => Pushed::Delivered,
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
            health.forget_life();
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
    /// Returns what is known of the actor.
    pub(crate) fn info(&self) -> ActorInfo {
        let (system, alarms) = (self.system(), self.system().alarms());
        let inner = self.mailbox().lock();
        let health = inner.health.as_deref();
        let status = inner.shown_status();
        let woke = health.and_then(|health| health.woke);
        let woke = woke.or_else(|| inner.exists_since());
        let is_awake = matches!(status, Status::Awake | Status::Stopping);
        // One that is in the middle of the first thing it does has just woken.
        let woke = is_awake.then(|| woke.unwrap_or_else(|| alarms.now()));
        let pause = health.and_then(|health| health.pause);
        let next_try = pause.or_else(|| inner.refused_until());
        ActorInfo {
            status,
            awake_since: woke.map(|at| system.time_of(at)),
            next_try: next_try.map(|at| system.time_of(alarms.at(at))),
            waiting: inner.used(),
            crashes: health.map_or(0, |health| health.crashes),
            last_crash: health.and_then(|health| health.last_crash.clone()),
            runs: health.map_or_else(Vec::new, |health| health.runs.clone()),
        }
    }

    /// Notes a panic for which the instance is given up.
    pub(super) fn note_crash(&self, name: &'static str, panic: &str) {
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
