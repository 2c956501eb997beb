//! How often calls that are done at once let other tasks of their worker run.
//!
//! tokio lets a task do 128 things before it has to yield. A call of an actor in memory takes about as long as taking a message
//! out of a channel, so the yield would cost more than what is between two of them: a wake-up of another worker, which takes the task away from
//! what it has in its cache. So quick calls count once for all of a stretch. Slow ones count each.
//!
//! 128 very slow ones would still hold the worker for long, where they are handled in place. So a task yields as well once the coarse
//! clock has beaten while one of its calls was handled.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::{self, coop::consume_budget};

use crate::limits;

thread_local! {
    static PACE: Cell<Pace> = const { Cell::new(Pace::new()) };

    /// The task that has held this thread for a beat with calls that it made.
    static HOLDS: Cell<Option<task::Id>> = const { Cell::new(None) };
}

/// What is known of the calls that a thread made lately.
#[derive(Clone, Copy)]
struct Pace {
    /// How many there were in this stretch.
    calls: u32,
    /// Whether each counts, because those of the last stretch were slow.
    each: bool,
    /// When this stretch began.
    began: Option<Instant>,
}

impl Pace {
    const fn new() -> Self {
        Self {
            calls: 0,
            each: true,
            began: None,
        }
    }

    /// Notes a call. Returns whether it counts.
    fn count(&mut self, now: impl FnOnce() -> Instant) -> bool {
        self.calls += 1;
        if self.calls < limits::QUICK_CALLS {
            return self.each;
        }
        let now = now();
        let took = self
            .began
            .map_or(Duration::MAX, |began| now.saturating_duration_since(began));
        *self = Self {
            calls: 0,
            each: took > limits::QUICK_STRETCH,
            began: Some(now),
        };
        true
    }
}

/// Notes that the running task holds its worker for long.
#[cold]
pub(crate) fn holds() {
    HOLDS.set(task::try_id());
}

/// Notes a call that is about to be made, and lets other tasks run if it counts and this one has done much in a row.
#[inline]
pub(crate) fn poll(task: &mut Context<'_>) -> Poll<()> {
    // Taken out, so that the next poll makes the call.
    if HOLDS.get().is_some() && HOLDS.take() == task::try_id() {
        task.waker().wake_by_ref();
        return Poll::Pending;
    }
    let mut pace = PACE.get();
    let counts = pace.count(Instant::now);
    PACE.set(pace);
    if counts {
        return pin!(consume_budget()).poll(task);
    }
    Poll::Ready(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes calls, and returns at which of them the task yielded.
    async fn yields(calls: usize) -> Vec<usize> {
        let mut yielded = Vec::new();
        for call in 0..calls {
            std::future::poll_fn(|task| {
                let polled = poll(task);
                yielded.extend(polled.is_pending().then_some(call));
                polled
            })
            .await;
        }
        yielded
    }

    #[tokio::test]
    async fn a_task_that_holds_its_worker_yields_once_and_no_other_does() {
        let slow = tokio::spawn(async {
            holds();
            yields(3).await
        });
        assert_eq!(slow.await.unwrap(), [0]);
        let slow = tokio::spawn(async { holds() });
        slow.await.unwrap();
        assert!(tokio::spawn(yields(3)).await.unwrap().is_empty());
    }

    /// Returns how many calls count of as many, when each takes this long.
    fn counted(calls: u32, each: Duration) -> usize {
        let (mut pace, began) = (Pace::new(), Instant::now());
        let counts = |call: &u32| pace.count(|| began + each * *call);
        (0..calls).filter(counts).count()
    }

    #[test]
    fn quick_calls_count_once_a_stretch_and_slow_ones_each() {
        let stretches = 10;
        let calls = stretches * limits::QUICK_CALLS;
        let quick = limits::QUICK_STRETCH / limits::QUICK_CALLS;
        // Nothing is known of the first stretch, nor of when it began.
        let unknown = 2 * limits::QUICK_CALLS;
        assert_eq!(counted(calls, quick), (unknown + stretches - 2) as usize);
        assert_eq!(counted(calls, quick * 2), calls as usize);
    }
}
