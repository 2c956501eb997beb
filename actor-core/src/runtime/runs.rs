//! [`Runs`]: the `#[run]` hooks of an awake actor.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::background::Background;
use crate::hooks::Step;
use crate::observe::trace;
use crate::runtime::cell::Cell;
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
        let (abort, aborted) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for hook in A::HOOKS.run {
            let cell = Arc::clone(cell);
            let aborted = aborted.clone();
            tasks.spawn(async move {
                let background = Background::new(Arc::clone(&cell), aborted);
                let code = A::__run(hook.id, background);
                let traced = trace::run(A::NAME, cell.key(), hook.name);
                let limit = A::OPTIONS.timeouts.of(Step::Run);
                let (actor, key, hook) = (A::NAME, cell.key(), hook.name);
                let mut running = Running {
                    asks_as: None,
                    actor: A::NAME,
                    name: hook,
                };
                match limited(&mut running, limit, traced.around(code)).await {
                    Ok(()) => {}
                    Err(Fault::Panicked(panic)) => {
                        tracing::error!(actor, %key, hook, error = panic, "a run hook panicked");
                    }
                    Err(fault) => {
                        tracing::error!(actor, %key, hook, error = ?fault, "a run hook failed");
                    }
                }
            });
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
