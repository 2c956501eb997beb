//! Running the user's code: with a limit on its time, and with its panics caught.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use crate::caught::dropped;
use crate::error::{CallError, Subject};
use crate::failure::Failure;
use crate::limits;
use crate::runtime::chain::{self, Place};
use crate::runtime::elsewhere;
use crate::runtime::guarded::guarded;
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

impl Fault {
    /// Returns what callers are told of it.
    pub(super) fn into_error(self, subject: Subject, name: &'static str) -> CallError {
        match self {
            Self::Failed(failure) => CallError::Failed {
                subject,
                name,
                source: failure.into_shared(),
            },
            Self::Panicked(panic) => CallError::Panicked {
                subject,
                name,
                panic,
            },
            Self::TimedOut(limit) => CallError::ActionTimedOut {
                subject,
                name,
                limit,
            },
        }
    }
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
        if elsewhere::is_here() {
            return;
        }
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
/// Code that never awaits cannot be dropped; it is refused when it comes back too late. A panic is a panic, however late: what it
/// leaves in memory must not be used any more. What it writes to the actor in
/// memory is put right by the caller, which is why its panics may be caught.
pub(super) fn limited<F>(running: &mut Running, limit: Duration, code: F) -> Limited<'_, F> {
    Limited {
        began: Some(Instant::now()),
        ..limited_later(running, limit, code)
    }
}

/// Runs an action that may wait, as [`limited`] does, but its time begins when it waits for the first time: one that does not
/// wait looks at no clock but the coarse one.
pub(super) fn limited_later<F>(running: &mut Running, limit: Duration, code: F) -> Limited<'_, F> {
    Limited {
        running,
        limit,
        began: None,
        first: pulse::beat(),
        code: Some(code),
        timer: None,
    }
}

pin_project! {
    /// The user's code under way.
    pub(super) struct Limited<'r, F> {
        running: &'r mut Running,
        limit: Duration,
        began: Option<Instant>,
        first: u32,
        // Nothing when it is dropped before its end.
        #[pin]
        code: Option<F>,
        // Only code that waits pays for a timer.
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<T, F: Future<Output = Result<T, Failure>>> Future for Limited<'_, F> {
    type Output = Result<T, Fault>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        #[cfg(feature = "testing")]
        if let Some(actor) = &this.running.asks_as
            && actor.take_crash()
        {
            return Poll::Ready(Err(Fault::Panicked(
                crate::runtime::crash::CRASHED.to_owned(),
            )));
        }
        let limit = *this.limit;
        let beat = pulse::beat();
        let polled = chain::polled(&mut this.running.asks_as, || {
            guarded(|| {
                let code = this.code.as_mut().as_pin_mut();
                code.expect("it is polled until it ends").poll(task)
            })
        });
        this.running.warn_if_held(beat);
        let ended = match polled {
            Ok(Poll::Ready(result)) => result,
            Err(panic) => return Poll::Ready(Err(Fault::Panicked(panic))),
            Ok(Poll::Pending) if limit == Duration::MAX => return Poll::Pending,
            Ok(Poll::Pending) => {
                if this.timer.is_none() {
                    let now = Instant::now();
                    let began = *this.began.get_or_insert(now);
                    let left = limit.saturating_sub(now.duration_since(began));
                    this.timer.set(Some(tokio::time::sleep(left)));
                }
                let timer = this.timer.as_pin_mut().expect("it was just set");
                return timer.poll(task).map(|()| {
                    // What it holds is the user's, too, and asks for its actor.
                    let drops = || guarded(|| this.code.set(None));
                    match chain::polled(&mut this.running.asks_as, drops) {
                        Ok(()) => Err(Fault::TimedOut(limit)),
                        Err(panic) => Err(Fault::Panicked(panic)),
                    }
                });
            }
        };
        let late = match this.began {
            Some(began) => began.elapsed() > limit,
            None => pulse::since(*this.first) > limit,
        };
        Poll::Ready(in_time(ended, late, limit))
    }
}

/// Refuses what came too late, which the user's code drops. That may panic, and is a panic of the code then.
fn in_time<T>(ended: Result<T, Failure>, late: bool, limit: Duration) -> Result<T, Fault> {
    if !late {
        return ended.map_err(Fault::Failed);
    }
    match dropped(ended) {
        Ok(()) => Err(Fault::TimedOut(limit)),
        Err(panic) => Err(Fault::Panicked(panic)),
    }
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
    let ended = chain::polled(&mut running.asks_as, || guarded(code));
    running.warn_if_held(began);
    match ended {
        Ok(result) => in_time(result, pulse::since(began) > limit, limit),
        Err(panic) => Err(Fault::Panicked(panic)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some seconds without waiting, and waits for a while then.
    async fn slow_and_wait(wait: Duration) -> Result<(), Failure> {
        // It moves the clock before it waits.
        tokio::time::advance(Duration::from_secs(5)).await;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_of_an_action_begins_when_it_waits_and_that_of_a_hook_with_it() {
        let second = Duration::from_secs(1);
        let running = &mut Running {
            asks_as: None,
            actor: "actor",
            name: "code",
        };
        let wait = Duration::from_millis(999);
        let action = limited_later(running, second, slow_and_wait(wait)).await;
        assert!(action.is_ok());
        let wait = Duration::from_millis(1_001);
        let action = limited_later(running, second, slow_and_wait(wait)).await;
        assert!(matches!(action, Err(Fault::TimedOut(limit)) if limit == second));
        let hook = limited(running, second, slow_and_wait(Duration::ZERO)).await;
        assert!(matches!(hook, Err(Fault::TimedOut(limit)) if limit == second));
    }

    #[tokio::test(start_paused = true)]
    async fn each_end_is_told_apart() {
        let second = Duration::from_secs(1);
        let running = &mut Running {
            asks_as: None,
            actor: "actor",
            name: "code",
        };
        assert_eq!(limited(running, second, async { Ok(7) }).await.unwrap(), 7);
        let no = async { Err::<(), _>(Failure::message("no")) };
        let failed = limited(running, second, no).await;
        assert!(matches!(failed, Err(Fault::Failed(failure)) if failure.to_string() == "no"));
        let ouch = async { panic!("ouch {}", 1) };
        let panicked: Result<(), _> = limited(running, second, ouch).await;
        assert!(matches!(panicked, Err(Fault::Panicked(text)) if text == "ouch 1"));
        let slow: Result<(), _> = limited(running, second, std::future::pending()).await;
        assert!(matches!(slow, Err(Fault::TimedOut(limit)) if limit == second));
    }
}
