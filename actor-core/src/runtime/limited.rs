//! Running the user's code: with a limit on its time, and with its panics caught.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::failure::Failure;
use crate::limits;
use crate::runtime::chain::{self, Place};
use crate::runtime::pulse;

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
    fn warn_if_held(&self, began: u32) {
        let held = pulse::since(began);
        if held >= limits::HELD_WORKER {
            self.warn(held);
        }
    }

    #[cold]
    fn warn(&self, held: Duration) {
        let (actor, name) = (self.actor, self.name);
        tracing::warn!(
            actor,
            name,
            ?held,
            "code held a worker: use `cx.blocking` for long queries"
        );
    }
}

/// Runs a hook or an action to its end, to its panic, or to the end of its time.
///
/// Code that never awaits cannot be dropped; it is refused when it comes back too late. What it writes to the actor in
/// memory is put right by the caller, which is why its panics may be caught.
pub(super) async fn limited<T>(
    running: &mut Running,
    limit: Duration,
    code: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Fault> {
    let (began, first) = (Instant::now(), pulse::beat());
    let mut code = pin!(code);
    // Only code that waits pays for a timer.
    let mut timer = pin!(None::<Sleep>);
    let ended = std::future::poll_fn(|task| {
        let beat = pulse::beat();
        let polled = chain::polled(&mut running.asks_as, || {
            catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(task)))
        });
        running.warn_if_held(beat);
        match polled {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(result)) => return Poll::Ready(result.map_err(Fault::Failed)),
            Err(payload) => {
                return Poll::Ready(Err(Fault::Panicked(Failure::panic_text(&*payload))));
            }
        }
        if limit == Duration::MAX {
            return Poll::Pending;
        }
        if timer.is_none() {
            let left = limit.saturating_sub(began.elapsed());
            timer.set(Some(tokio::time::sleep(left)));
        }
        let timer = timer.as_mut().as_pin_mut().expect("it was just set");
        timer.poll(task).map(|()| Err(Fault::TimedOut(limit)))
    });
    let ended = ended.await;
    let waited = timer.is_some() || pulse::beat() != first || limit < limits::PULSE;
    if waited && began.elapsed() > limit {
        return Err(Fault::TimedOut(limit));
    }
    ended
}

/// Runs an action that does not wait, to its end or to its panic.
///
/// Its time is looked at as [`limited`] does it, but by the coarse clock: it is refused when it is surely too late.
pub(super) fn limited_now<T>(
    running: &mut Running,
    limit: Duration,
    code: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Fault> {
    let began = pulse::beat();
    let ended = chain::polled(&mut running.asks_as, || {
        catch_unwind(AssertUnwindSafe(code))
    });
    running.warn_if_held(began);
    if pulse::since(began) > limit {
        return Err(Fault::TimedOut(limit));
    }
    match ended {
        Ok(result) => result.map_err(Fault::Failed),
        Err(payload) => Err(Fault::Panicked(Failure::panic_text(&*payload))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_end_is_told_apart() {
        let second = Duration::from_secs(1);
        let running = &mut Running {
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
