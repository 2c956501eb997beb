//! [`Repeats`]: how a timer repeats.
//!
//! # Invariants
//!
//! 1. Ticks lie where the first one says, whatever happened between: a run that was late moves none.
//! 2. The next tick lies behind `now`: what was missed is one run, not many.

use std::fmt;
use std::time::Duration;

use crate::clock::duration_ms;
use crate::timer::TimerError;

/// How a timer repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeats {
    /// With the same time between two ticks.
    Every(Duration),
    /// At the moments that a cron expression names in a time zone.
    Cron {
        /// The expression.
        expression: String,
        /// The name of the time zone.
        zone: String,
    },
}

impl fmt::Display for Repeats {
    /// Writes it as it is stored.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {}", duration_ms(*period)),
            Self::Cron { expression, zone } => write!(f, "cron {zone} {expression}"),
        }
    }
}

impl From<Duration> for Repeats {
    fn from(period: Duration) -> Self {
        Self::Every(period)
    }
}

impl Repeats {
    /// Reads what is stored.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(' ')?;
        match kind {
            "every" => Some(Self::Every(Duration::from_millis(rest.parse().ok()?))),
            "cron" => {
                let (zone, expression) = rest.split_once(' ')?;
                Some(Self::Cron {
                    expression: expression.to_owned(),
                    zone: zone.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// Returns the first tick behind `now`, in milliseconds since 1970, where `tick` is an earlier one; `None` if there is none.
    pub(crate) fn next(&self, tick: i64, now: i64) -> Result<Option<i64>, TimerError> {
        match self {
            Self::Every(period) => {
                let period = duration_ms(*period).max(1);
                // INVARIANT 1: whole periods from the tick on.
                let passed = (now - tick).max(0) / period;
                Ok(Some(tick + (passed + 1) * period))
            }
            Self::Cron { expression, zone } => crate::cron::next(expression, zone, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_do_not_drift_and_missed_ones_are_one() {
        let every = Repeats::Every(Duration::from_secs(10));
        assert_eq!(every.next(5_000, 5_000).unwrap(), Some(15_000));
        assert_eq!(every.next(5_000, 5_003).unwrap(), Some(15_000));
        assert_eq!(every.next(5_000, 14_999).unwrap(), Some(15_000));
        assert_eq!(every.next(5_000, 15_000).unwrap(), Some(25_000));
        assert_eq!(every.next(5_000, 47_000).unwrap(), Some(55_000));
        // The clock was set back.
        assert_eq!(every.next(5_000, 1_000).unwrap(), Some(15_000));
    }

    #[test]
    fn what_is_stored_reads_back() {
        let cron = Repeats::Cron {
            expression: String::from("0 9 * * 1-5"),
            zone: String::from("Europe/Berlin"),
        };
        for repeats in [Repeats::Every(Duration::from_millis(1_500)), cron] {
            assert_eq!(Repeats::parse(&repeats.to_string()), Some(repeats));
        }
        assert_eq!(Repeats::parse("sometimes 3"), None);
    }
}
