//! [`Clock`]: what a system takes the time from.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// What a system takes the time from that it stores: when a timer is due, when something happened.
///
/// Waiting is always tokio's. The usual clock is the machine's; one that [starts at](Clock::starting_at) a given moment and
/// goes on with tokio's makes a test with a paused clock exact.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Option<(SystemTime, Instant)>);

impl Clock {
    /// Returns the clock of the machine.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// Returns a clock that shows `time` now, and goes on with tokio's.
    ///
    /// Two systems in one test that share a clock agree on the time.
    #[must_use]
    pub fn starting_at(time: SystemTime) -> Self {
        Self(Some((time, Instant::now())))
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match self.0 {
            None => SystemTime::now(),
            Some((time, began)) => time + began.elapsed(),
        }
    }

    /// Returns the time in milliseconds since 1970, as it is stored.
    pub(crate) fn now_ms(&self) -> i64 {
        to_ms(self.now())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Writes a moment in milliseconds since 1970; what is before counts as then, what is too late as the last.
pub(crate) fn to_ms(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, duration_ms)
}

/// Reads a moment.
pub(crate) fn from_ms(milliseconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// Writes a duration in milliseconds; what is too long is the longest.
pub(crate) fn duration_ms(duration: Duration) -> i64 {
    // Times are added to each other, so the longest is far from the end of the numbers.
    i64::try_from(duration.as_millis())
        .unwrap_or(i64::MAX)
        .min(LONGEST_MS)
}

/// About 30,000 years: every moment that anybody schedules for, with room to add.
const LONGEST_MS: i64 = 1_000_000_000_000_000;
