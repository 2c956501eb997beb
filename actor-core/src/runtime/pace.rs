//! How often calls that are done at once let other tasks of their worker run.
//!
//! tokio lets a task do 128 things before it has to yield. A call of an actor in memory takes about as long as taking a message
//! out of a channel, so the yield would cost more than what is between two of them: a wake-up of another worker, which takes the task away from
//! what it has in its cache. So quick calls count once for all of a stretch. Slow ones count each.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::coop::consume_budget;

use crate::limits;

thread_local! {
    static PACE: Cell<Pace> = const { Cell::new(Pace::new()) };
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

/// Notes a call that is about to be made, and lets other tasks run if it counts and this one has done much in a row.
#[inline]
pub(crate) fn poll(task: &mut Context<'_>) -> Poll<()> {
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
