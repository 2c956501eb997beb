//! [`Runs`]: what runs beside an awake actor: its `#[run]` hooks, and what its actions begin that goes on behind them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::background::Background;
use crate::caught::error_text;
use crate::hooks::{Hook, Step};
use crate::keep_awake::KeepAwake;
use crate::limits;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::chain::{Beside, Ending};
use crate::runtime::health::RunChange;
use crate::runtime::limited::{Fault, Running, limited};
use crate::runtime::turn::Turn;

/// The tasks that run beside an actor, owned by its instance. Most actors have none.
#[derive(Default)]
pub(super) struct Runs(Option<Box<Started>>);

#[derive(Default)]
struct Started {
    tasks: JoinSet<()>,
    /// Tells the `#[run]` hooks to stop, if there are any.
    abort: Option<watch::Sender<bool>>,
    /// Whether the hooks of the actor's end run, or have run: it handles no calls. Nothing as long as that is not so.
    ends: Option<Arc<AtomicBool>>,
}

impl Started {
    /// Forgets those that have ended.
    fn reap(&mut self) {
        while self.tasks.try_join_next().is_some() {}
    }
}

impl Runs {
    /// Gives the signal to stop.
    pub(super) fn abort(&self) {
        if let Some(Started {
            abort: Some(abort), ..
        }) = self.0.as_deref()
        {
            abort.send_replace(true);
        }
    }

    /// Notes that the actor handles no calls any more: what begins from now on cannot wait for one.
    pub(super) fn end_calls(&mut self) {
        let started = self.0.get_or_insert_default();
        started.ends = Some(Arc::new(AtomicBool::new(true)));
    }

    /// Notes that the actor lives on.
    pub(super) fn resume_calls(&mut self) {
        let ends = self.0.as_mut().and_then(|started| started.ends.take());
        if let Some(ends) = ends {
            ends.store(false, Ordering::SeqCst);
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

    /// Lets memory go that those needed that have ended.
    pub(super) fn trim(&mut self) {
        let Some(started) = &mut self.0 else { return };
        started.reap();
        if started.tasks.is_empty() && started.abort.is_none() {
            self.0 = None;
        }
    }
}

impl<A: Handlers> Turn<A> {
    /// Starts the `#[run]` hooks.
    pub(super) fn start_runs(&mut self) {
        if A::HOOKS.run.is_empty() {
            return;
        }
        let cell = Arc::clone(self.cell());
        cell.mailbox().begin_runs(A::HOOKS.run);
        let (abort, aborted) = watch::channel(false);
        let started = self.runs.0.get_or_insert_default();
        started.abort = Some(abort);
        for (index, hook) in A::HOOKS.run.iter().enumerate() {
            let running = keep_running(Arc::clone(&cell), index, hook, aborted.clone());
            started.tasks.spawn(running);
        }
    }

    /// Starts what a hook or an action begins. There is as much of it as the user's code begins.
    pub(crate) fn begin_beside(
        &mut self,
        name: &'static str,
        keeper: Option<KeepAwake>,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let cell = Arc::clone(self.cell());
        let runtime = cell.system().runtime().clone();
        let traced = trace::task(A::NAME, cell.key(), name);
        let started = self.runs.0.get_or_insert_default();
        started.reap();
        let ends = started.ends.clone();
        let place = cell.place();
        let future = async move {
            match ends {
                Some(ends) => Ending::new(place, ends, future).await,
                None => future.await,
            }
        };
        let future = Beside::new(cell.place(), future);
        let task = async move {
            // Dropped behind the future, also if that is dropped.
            let _keeper = keeper;
            let code = async move {
                future.await;
                Ok(())
            };
            let code = traced.around(code);
            let mut running = beside::<A>(name);
            if let Err(Fault::Panicked(panic)) = limited(&mut running, Duration::MAX, code).await {
                let (actor, key) = (A::NAME, cell.key());
                cell.metrics().task_panicked();
                tracing::error!(actor, %key, name, error = panic, "what an actor began beside itself panicked");
            }
        };
        started.tasks.spawn_on(task, &runtime);
    }

    /// Waits for what the last hooks have begun. The actor handles no calls any more.
    pub(super) async fn runs_ended(&mut self) {
        self.runs.ended(Instant::now() + limits::STOP_GRACE).await;
    }
}

/// Code that runs beside its actor: it may ask it.
fn beside<A: Handlers>(name: &'static str) -> Running {
    Running {
        asks_as: None,
        actor: A::NAME,
        name,
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
        let error = report(&cell, hook, &fault, (!stops).then_some(pause));
        if stops {
            cell.tell_run_error(hook.name, fault).await;
            return note(RunChange::Ended(Some(error)));
        }
        note(RunChange::Paused(error));
        cell.tell_run_error(hook.name, fault).await;
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
    cell: &Arc<Cell<A>>,
    hook: &'static Hook,
    background: Background<A>,
) -> Result<(), Fault> {
    let mut running = beside::<A>(hook.name);
    let traced = trace::run(A::NAME, cell.key(), hook.name);
    let code = Beside::new(cell.place(), A::__run(hook.id, background));
    let code = traced.around(code);
    limited(&mut running, A::OPTIONS.timeouts.of(Step::Run), code).await
}

/// Logs how a hook failed, and returns it as text. It is started again after the pause, if there is one.
fn report<A: Handlers>(
    cell: &Cell<A>,
    hook: &Hook,
    fault: &Fault,
    pause: Option<Duration>,
) -> String {
    let (actor, key, hook) = (A::NAME, cell.key(), hook.name);
    let (what, error) = match fault {
        Fault::Panicked(panic) => ("panicked", panic.clone()),
        Fault::Failed(failure) => ("failed", error_text(failure)),
        Fault::TimedOut(limit) => ("took too long", format!("took longer than {limit:?}")),
    };
    cell.metrics().run_failed(hook);
    tracing::error!(actor, %key, hook, error, again_after = ?pause, "a run hook {what}");
    error
}
