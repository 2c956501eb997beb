//! [`Runs`]: the `#[run]` hooks of an awake actor.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::background::Background;
use crate::hooks::{Hook, Step};
use crate::limits;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::health::RunChange;
use crate::runtime::limited::{Fault, Running, limited};

/// The `#[run]` hooks of an awake actor, owned by its instance.
pub(super) struct Runs(Option<Box<Started>>);

struct Started {
    tasks: JoinSet<()>,
    abort: watch::Sender<bool>,
}

impl Runs {
    /// Starts all of them.
    pub(super) fn start<A: Handlers>(cell: &Arc<Cell<A>>) -> Self {
        if A::HOOKS.run.is_empty() {
            return Self(None);
        }
        cell.mailbox().begin_runs(A::HOOKS.run);
        let (abort, aborted) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (index, hook) in A::HOOKS.run.iter().enumerate() {
            tasks.spawn(keep_running(Arc::clone(cell), index, hook, aborted.clone()));
        }
        Self(Some(Box::new(Started { tasks, abort })))
    }

    /// Gives the signal to stop.
    pub(super) fn abort(&self) {
        if let Some(started) = &self.0 {
            started.abort.send_replace(true);
        }
    }

    /// Waits until all have ended; those that have not by `until` are dropped then.
    pub(super) async fn ended(&mut self, until: Instant) {
        let Some(started) = &mut self.0 else { return };
        let all = async { while started.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout_at(until, all).await.is_err() {
            self.drop_all().await;
        }
    }

    /// Drops all of them.
    pub(super) async fn drop_all(&mut self) {
        if let Some(started) = &mut self.0 {
            started.tasks.shutdown().await;
        }
    }
}

/// Runs a hook until it ends well or the actor stops. One that fails is started again after a pause.
async fn keep_running<A: Handlers>(
    cell: Arc<Cell<A>>,
    index: usize,
    hook: &'static Hook,
    mut aborted: watch::Receiver<bool>,
) {
    let note = |change| cell.mailbox().note_run(index, change);
    let mut pause = limits::RUN_BACKOFF_MIN;
    loop {
        let began = Instant::now();
        let background = Background::new(Arc::clone(&cell), aborted.clone());
        let Err(fault) = run_once(&cell, hook, background).await else {
            return note(RunChange::Ended(None));
        };
        if began.elapsed() >= limits::RUN_WELL {
            pause = limits::RUN_BACKOFF_MIN;
        }
        let stops = *aborted.borrow();
        let error = report(&cell, hook, fault, (!stops).then_some(pause));
        if stops {
            return note(RunChange::Ended(Some(error)));
        }
        note(RunChange::Paused(error));
        tokio::select! {
            biased;
            // The sender is dropped with the instance only, which is a stop as well.
            _ = aborted.wait_for(|aborted| *aborted) => return note(RunChange::Ended(None)),
            () = tokio::time::sleep(pause) => {}
        }
        note(RunChange::Restarted);
        pause = pause.saturating_mul(2).min(limits::RUN_BACKOFF_MAX);
    }
}

/// Runs a hook to its end.
async fn run_once<A: Handlers>(
    cell: &Cell<A>,
    hook: &'static Hook,
    background: Background<A>,
) -> Result<(), Fault> {
    let mut running = Running {
        asks_as: None,
        actor: A::NAME,
        name: hook.name,
    };
    let traced = trace::run(A::NAME, cell.key(), hook.name);
    let code = traced.around(A::__run(hook.id, background));
    limited(&mut running, A::OPTIONS.timeouts.of(Step::Run), code).await
}

/// Logs how a hook failed, and returns it as text. It is started again after the pause, if there is one.
fn report<A: Handlers>(
    cell: &Cell<A>,
    hook: &Hook,
    fault: Fault,
    pause: Option<Duration>,
) -> String {
    let (actor, key, hook) = (A::NAME, cell.key(), hook.name);
    match fault {
        Fault::Panicked(panic) => {
            tracing::error!(actor, %key, hook, panic, again_after = ?pause, "a run hook panicked");
            panic
        }
        Fault::Failed(failure) => {
            let error = failure.to_string();
            tracing::error!(actor, %key, hook, error, again_after = ?pause, "a run hook failed");
            error
        }
        Fault::TimedOut(limit) => {
            tracing::error!(actor, %key, hook, ?limit, again_after = ?pause, "a run hook took too long");
            format!("took longer than {limit:?}")
        }
    }
}
