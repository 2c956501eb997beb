//! [`Stint`]: for how long calls run one after the other before others are due.
//!
//! A bound on the number of calls alone lets 256 slow ones hold a worker for seconds. A look at the clock costs about as much as a
//! tenth of a quick call, so quick calls are measured many at once, and the coarse clock shows when they were not quick after all.

use std::time::Duration;

// Where time stands still, a turn is bounded by its calls alone: a slow machine changes nothing.
use tokio::time::Instant;

use crate::limits;
use crate::runtime::pulse;

/// How much of a stint may pass between two looks at the clock.
const BETWEEN_LOOKS: Duration = limits::TURN_TIME.checked_div(8).unwrap();

/// How many calls there are between two looks at most.
const CALLS_BETWEEN: u8 = 32;

/// Calls that run one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stint {
    /// When the clock was looked at first.
    first: Option<Instant>,
    /// How many nanoseconds later it was looked at last.
    last: u32,
    /// How many calls there are between the last look and the next.
    stride: u8,
    /// How many of them are left.
    left: u8,
    /// The beat of the coarse clock at the last look.
    beat: u32,
}

impl Stint {
    /// Begins one whose time begins with the second call: a stint of one call looks at no clock.
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            first: None,
            last: 0,
            stride: 1,
            left: 1,
            beat: pulse::current(),
        }
    }

    /// Begins one whose time begins now.
    pub(super) fn begin() -> Self {
        Self::since(Instant::now())
    }

    /// Begins one whose time began just now.
    pub(super) fn since(began: Instant) -> Self {
        Self {
            first: Some(began),
            left: 0,
            ..Self::new()
        }
    }

    /// Returns whether others are due. Asked once behind each call.
    #[inline]
    pub(super) fn is_over(&mut self) -> bool {
        let beat = pulse::current();
        if self.left > 0 && self.beat == beat {
            self.left -= 1;
            return false;
        }
        self.look(Instant::now(), beat)
    }

    #[inline(never)]
    fn look(&mut self, now: Instant, beat: u32) -> bool {
        self.beat = beat;
        let Some(first) = self.first else {
            (self.first, self.last) = (Some(now), 0);
            (self.stride, self.left) = (1, 0);
            return false;
        };
        let passed = now.saturating_duration_since(first);
        let each = passed.saturating_sub(Duration::from_nanos(self.last.into()))
            / u32::from(self.stride - self.left).max(1);
        // One that has lasted for four seconds is over anyway.
        self.last = u32::try_from(passed.as_nanos()).unwrap_or(u32::MAX);
        let stride = BETWEEN_LOOKS.as_nanos() / each.as_nanos().max(1);
        self.stride =
            u8::try_from(stride).map_or(CALLS_BETWEEN, |most| most.clamp(1, CALLS_BETWEEN));
        self.left = self.stride - 1;
        passed >= limits::TURN_TIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes calls of these lengths until the stint is over, or all are made. Returns how many that were, and how many looks.
    fn run(mut stint: Stint, calls: impl Iterator<Item = Duration>) -> (u32, u32, Duration) {
        let (mut made, mut looks) = (0, 0);
        let began = Instant::now();
        let mut passed = Duration::ZERO;
        for call in calls {
            made += 1;
            passed += call;
            let beats = passed.as_nanos() / limits::PULSE.as_nanos();
            let beat = u32::try_from(beats).unwrap();
            if stint.left > 0 && stint.beat == beat {
                stint.left -= 1;
                continue;
            }
            looks += 1;
            if stint.look(began + passed, beat) {
                break;
            }
        }
        (made, looks, passed)
    }

    fn new() -> Stint {
        Stint {
            beat: 0,
            ..Stint::new()
        }
    }

    #[test]
    fn slow_calls_end_it_and_quick_ones_are_seldom_looked_at() {
        let of = |call| std::iter::repeat_n(call, 256);
        // The first call is not measured, the second begins to be.
        let slow = Duration::from_millis(5);
        assert_eq!(run(new(), of(slow)).0, 3);
        let (made, looks, _) = run(new(), of(Duration::from_nanos(200)));
        assert_eq!(made, 256);
        assert!(looks <= 2 + 256 / u32::from(CALLS_BETWEEN), "{looks} looks");
        let (_, _, passed) = run(new(), of(Duration::from_micros(300)));
        let most = limits::TURN_TIME + BETWEEN_LOOKS + Duration::from_micros(600);
        assert!(passed <= most, "{passed:?}");
    }

    #[test]
    fn calls_that_become_slow_are_seen_within_a_beat() {
        let quick = std::iter::repeat_n(Duration::from_nanos(200), 65);
        let slow = std::iter::repeat_n(Duration::from_millis(5), 191);
        let (made, _, passed) = run(new(), quick.chain(slow));
        assert!(made < 80, "{made} calls");
        assert!(
            passed <= limits::PULSE + 2 * limits::TURN_TIME,
            "{passed:?}"
        );
    }
}
