//! [`Failures`].

use std::sync::Arc;

use super::Lsn;
use crate::limits;
use crate::store::StoreError;

/// Which records are not in the log because they could not be written, and why.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// In order, and not adjacent.
    ranges: Vec<Failure>,
}

#[derive(Debug)]
struct Failure {
    first: u64,
    last: u64,
    error: Arc<StoreError>,
}

impl Failures {
    /// Notes that records failed. They are newer than all that failed before.
    pub(super) fn add(&mut self, first: Lsn, last: Lsn, error: &Arc<StoreError>) {
        if last < first {
            return;
        }
        match self.ranges.last_mut() {
            Some(newest) if newest.last + 1 == first.0 => {
                newest.last = last.0;
                newest.error = Arc::clone(error);
            }
            _ => self.ranges.push(Failure {
                first: first.0,
                last: last.0,
                error: Arc::clone(error),
            }),
        }
        if self.ranges.len() > limits::LOG_FAILURES {
            // What lies between the two oldest counts as failed from now on: a lost acknowledgement is allowed, a false one is
            // not. Whoever asks for one that old has long been answered.
            let second = self.ranges.remove(1);
            self.ranges[0].last = second.last;
        }
    }

    /// Returns the last record that failed, and why.
    pub(super) fn newest(&self) -> Option<(Lsn, Arc<StoreError>)> {
        let newest = self.ranges.last()?;
        Some((Lsn(newest.last), Arc::clone(&newest.error)))
    }

    /// Returns why a record failed, if it did.
    pub(super) fn find(&self, lsn: Lsn) -> Option<&Arc<StoreError>> {
        let after = self.ranges.partition_point(|range| range.first <= lsn.0);
        let range = &self.ranges[after.checked_sub(1)?];
        (lsn.0 <= range.last).then_some(&range.error)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn error(doing: &'static str) -> Arc<StoreError> {
        Arc::new(StoreError::io(doing, Path::new("log"))(
            std::io::Error::other("broken"),
        ))
    }

    fn failed(failures: &Failures) -> Vec<u64> {
        (0..1_000)
            .filter(|lsn| failures.find(Lsn(*lsn)).is_some())
            .collect()
    }

    #[test]
    fn exactly_what_failed_is_found() {
        let mut failures = Failures::default();
        assert!(failed(&failures).is_empty());
        failures.add(Lsn(3), Lsn(4), &error("write"));
        failures.add(Lsn(5), Lsn(5), &error("write"));
        failures.add(Lsn(9), Lsn(8), &error("write"));
        failures.add(Lsn(9), Lsn(9), &error("write"));
        assert_eq!(failures.ranges.len(), 2, "adjacent ones are one");
        assert_eq!(failed(&failures), [3, 4, 5, 9]);
    }

    #[test]
    fn the_list_is_bounded_and_forgets_no_failure() {
        let mut failures = Failures::default();
        let all: Vec<u64> = (1..=100).map(|number| number * 4).collect();
        for lsn in &all {
            failures.add(Lsn(*lsn), Lsn(*lsn), &error("write"));
        }
        assert_eq!(failures.ranges.len(), limits::LOG_FAILURES);
        let failed = failed(&failures);
        assert!(all.iter().all(|lsn| failed.contains(lsn)));
        let recent = 4 * (100 - limits::LOG_FAILURES as u64 + 2);
        assert!(failed.iter().all(|lsn| *lsn <= recent || lsn % 4 == 0));
    }
}
