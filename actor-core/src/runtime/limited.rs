//! Running the user's code: with a limit on its time, and with its panics caught.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Failure;
use crate::limits;
use crate::runtime::chain::{self, Place};

/// How the user's code ended, if not well.
#[derive(Debug)]
pub(super) enum Fault {
    /// It returned an error.
    Failed(Failure),
    /// It panicked, with this text.
    Panicked(String),
    /// It took longer than this and was dropped.
    TimedOut(Duration),
}

/// Whose code runs.
pub(super) struct Running {
    /// The actor that waits when this code asks; none for code that runs beside its actor.
    pub(super) asks_as: Option<Arc<dyn Place>>,
    /// The name of the actor's type.
    pub(super) actor: &'static str,
    /// The user's function.
    pub(super) name: &'static str,
}

impl Running {
    /// Says so when code held a worker of the runtime for too long: nothing else runs on it meanwhile.
    fn warn_if_held(&self, held: Duration) {
        if held >= limits::HELD_WORKER {
            let (actor, name) = (self.actor, self.name);
            tracing::warn!(
                actor,
                name,
                ?held,
                "code held a worker: use `cx.blocking` for long queries"
            );
        }
    }
}

/// Runs a hook or an action to its end, to its panic, or to the end of its time.
///
/// Code that never awaits cannot be dropped; it is refused when it comes back too late. What it writes to the actor in
/// memory is put right by the caller, which is why its panics may be caught.
pub(super) async fn limited<T>(
    running: &Running,
    limit: Duration,
    code: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Fault> {
    let began = Instant::now();
    let mut code = pin!(code);
    let caught = std::future::poll_fn(|task| {
        let polling = std::time::Instant::now();
        let polled = chain::polled(running.asks_as.as_ref(), || {
            catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(task)))
        });
        running.warn_if_held(polling.elapsed());
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result.map_err(Fault::Failed)),
            Err(payload) => Poll::Ready(Err(Fault::Panicked(Failure::panic_text(&*payload)))),
        }
    });
    match tokio::time::timeout(limit, caught).await {
        Ok(_) if began.elapsed() > limit => Err(Fault::TimedOut(limit)),
        Ok(result) => result,
        Err(_) => Err(Fault::TimedOut(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_end_is_told_apart() {
        let second = Duration::from_secs(1);
        let running = &Running {
            asks_as: None,
            actor: "actor",
            name: "code",
        };
        assert_eq!(limited(running, second, async { Ok(7) }).await.unwrap(), 7);
        let failed = limited::<()>(running, second, async { Err(Failure::message("no")) }).await;
        assert!(matches!(failed, Err(Fault::Failed(failure)) if failure.to_string() == "no"));
        let panicked = limited::<()>(running, second, async { panic!("ouch {}", 1) }).await;
        assert!(matches!(panicked, Err(Fault::Panicked(text)) if text == "ouch 1"));
        let slow = limited::<()>(running, second, std::future::pending()).await;
        assert!(matches!(slow, Err(Fault::TimedOut(limit)) if limit == second));
    }
}
