//! `#[on_error]`: telling an actor of what failed in it.
//!
//! # Invariants
//!
//! 1. It is told behind the undoing, and what it does is undone alone. The error that others get does not depend on it.
//! 2. Nothing that it does itself is told: one report leads to one run at most.
//! 3. An instance that must be given up is told nothing; the next one is, before it takes a call.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::CallError;
use crate::error_report::{ErrorOrigin, ErrorReport};
use crate::hooks::{Hook, Step};
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::inside::{Work, Working};
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::limited::{Fault, limited_now};
use crate::runtime::mail::Mail;

impl<A: Handlers> Instance<A> {
    /// Tells the actor of what failed and is undone. Returns whether the instance goes on.
    #[inline]
    pub(super) fn tell_error(
        &mut self,
        origin: ErrorOrigin,
        name: &'static str,
        error: &CallError,
        flow: Flow,
    ) -> Flow {
        // Most actors have none: for them all of this is nothing.
        let Some(hook) = A::HOOKS.on_error.as_ref() else {
            return flow;
        };
        let report = ErrorReport {
            origin,
            name,
            error: error.clone(),
        };
        if flow == Flow::GoOn {
            return self.on_error(hook, &report);
        }
        if !is_asked_for(error) {
            // INVARIANT 3
            let told = Box::new(Told { report, done: None });
            let mailbox = self.turn.cell().mailbox();
            mailbox.put_back_mail(&mut self.taken);
            mailbox.put_first(Mail::Work(told));
        }
        flow
    }

    /// Tells the actor of a hook that failed and is undone, and commits what it does about it.
    pub(super) fn tell_hook_error(
        &mut self,
        step: Step,
        name: &'static str,
        error: &CallError,
        flow: Flow,
    ) -> Flow {
        let told = self.tell_error(ErrorOrigin::Hook(step), name, error, flow);
        // What may be there still of the hook must not commit.
        if A::HOOKS.on_error.is_none() || flow == Flow::Crash {
            return told;
        }
        self.batch.count(self.turn.cell().durability());
        match self.flush() {
            Flow::GoOn => told,
            Flow::Crash => Flow::Crash,
        }
    }

    /// Runs the hook, and makes what it did a part of the batch, or undoes it.
    fn on_error(&mut self, hook: &'static Hook, report: &ErrorReport) -> Flow {
        let ran = match self.not_written(hook.name) {
            Some(error) => Err(error),
            None => self.run_on_error(hook, report),
        };
        let Err(error) = ran else {
            self.turn.keep_events();
            return Flow::GoOn;
        };
        let (actor, key) = (A::NAME, self.turn.cell().key());
        let (hook, of) = (hook.name, &report.error);
        tracing::error!(actor, %key, hook, %error, %of, "an error hook failed");
        // INVARIANT 2
        self.take_back(&error)
    }

    fn run_on_error(&mut self, hook: &'static Hook, report: &ErrorReport) -> Result<(), CallError> {
        let limit = hook.timeout.unwrap_or(A::OPTIONS.timeouts.on_error);
        let mut running = self.turn.enter(hook.name, false, limit);
        let mut cx = Context::new(&mut self.turn);
        let traced = trace::hook(Step::OnError, hook.name);
        let code = || self.actor.__on_error(&mut cx, report);
        let ran = traced.enter(|| limited_now(&mut running, limit, code));
        self.turn.leave(running);
        let ran = self.turn.settle_now(ran, limit);
        ran.map_err(|fault| self.call_error(hook.name, fault))?;
        self.state_changed()?;
        self.keep(hook.name)
    }
}

/// Whether a test asked for a panic, which is none of the actor's.
#[cfg(feature = "testing")]
fn is_asked_for(error: &CallError) -> bool {
    matches!(error, CallError::Panicked { panic, .. } if panic == crate::runtime::crash::CRASHED)
}

/// Whether a test asked for a panic: without the test kit none can.
#[cfg(not(feature = "testing"))]
const fn is_asked_for(_error: &CallError) -> bool {
    false
}

/// A report on its way to an instance.
struct Told {
    report: ErrorReport,
    /// Dropped when the actor was told, or will not be.
    done: Option<oneshot::Sender<()>>,
}

impl<A: Handlers> Work<A> for Told {
    fn may_wait(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, instance: &mut Instance<A>) -> Working<'_> {
        let Self { report, done } = *self;
        let hook = A::HOOKS.on_error.as_ref();
        let flow = hook.map_or(Flow::GoOn, |hook| instance.on_error(hook, &report));
        instance.batch.count(instance.turn.cell().durability());
        drop(done);
        Box::pin(std::future::ready(flow))
    }

    fn reject(self: Box<Self>, error: CallError) {
        let (origin, of) = (self.report.origin, &self.report.error);
        tracing::error!(actor = A::NAME, %origin, %of, %error, "an actor could not be told of an error");
    }

    fn input(&self) -> Option<Arc<A::Input>> {
        None
    }
}

impl<A: Handlers> Cell<A> {
    /// Tells the actor of a `#[run]` hook that failed, and waits until it was told: what stops an actor waits for its hooks, so that
    /// no report wakes it again.
    pub(super) async fn tell_run_error(self: &Arc<Self>, name: &'static str, fault: Fault) {
        if A::HOOKS.on_error.is_none() {
            return;
        }
        let report = ErrorReport {
            origin: ErrorOrigin::Hook(Step::Run),
            name,
            error: fault.into_error(self.subject(), name),
        };
        let (done, told) = oneshot::channel();
        let work = Box::new(Told {
            report,
            done: Some(done),
        });
        // A system that shuts down takes no more: the log has it.
        if self.send_mail(Mail::Work(work)).await.is_ok() {
            let _ = told.await;
        }
    }
}
