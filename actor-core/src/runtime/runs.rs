//! [`Runs`]: what runs beside an awake actor: its `#[run]` hooks, and what its actions begin that goes on behind them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::background::Background;
use crate::hooks::Step;
use crate::keep_awake::KeepAwake;
use crate::limits;
use crate::observe::trace;
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
        let (abort, aborted) = watch::channel(false);
        let started = self.runs.0.get_or_insert_default();
        started.abort = Some(abort);
        for hook in A::HOOKS.run {
            let cell = Arc::clone(&cell);
            let aborted = aborted.clone();
            started.tasks.spawn(async move {
                let background = Background::new(Arc::clone(&cell), aborted);
                let code = A::__run(hook.id, background);
                let traced = trace::run(A::NAME, cell.key(), hook.name);
                let limit = A::OPTIONS.timeouts.of(Step::Run);
                let (actor, key, hook) = (A::NAME, cell.key(), hook.name);
                let mut running = beside::<A>(hook);
                match limited(&mut running, limit, traced.around(code)).await {
                    Ok(()) => {}
                    Err(Fault::Panicked(panic)) => {
                        tracing::error!(actor, %key, hook, panic, "a run hook panicked");
                    }
                    Err(fault) => {
                        tracing::error!(actor, %key, hook, ?fault, "a run hook failed");
                    }
                }
            });
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
        let started = self.runs.0.get_or_insert_default();
        started.reap();
        let task = async move {
            // Dropped behind the future, also if that is dropped.
            let _keeper = keeper;
            let code = async move {
                future.await;
                Ok(())
            };
            let mut running = beside::<A>(name);
            if let Err(Fault::Panicked(panic)) = limited(&mut running, Duration::MAX, code).await {
                let (actor, key) = (A::NAME, cell.key());
                tracing::error!(actor, %key, name, panic, "what an actor began beside itself panicked");
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
