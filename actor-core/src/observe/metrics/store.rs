//! [`StoreMetrics`]: what is counted for the log that all actors share, and for checkpoints.

use super::handles::{Began, Counter, Gauge, Histogram};

/// What is counted for the store of a system.
#[derive(Clone, Default)]
pub(crate) struct StoreMetrics {
    pub(crate) log: LogMetrics,
    pub(crate) checkpoints: CheckpointMetrics,
}

/// What is counted for the log.
#[derive(Clone, Default)]
pub(crate) struct LogMetrics {
    batches: Counter,
    records: Counter,
    bytes: Counter,
    write: Histogram,
    sync: Histogram,
    failures: [Counter; 2],
    in_use: Gauge,
    free: Gauge,
    stalls: Counter,
    wait: Histogram,
}

/// What is counted for checkpoints.
#[derive(Clone, Default)]
pub(crate) struct CheckpointMetrics {
    ok: Counter,
    failed: Counter,
    duration: Histogram,
    actors: Counter,
    bytes: Counter,
}

/// What of the log failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    Write,
    Sync,
}

impl std::fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreMetrics").finish_non_exhaustive()
    }
}

impl LogMetrics {
    /// Begins to measure a write.
    pub(crate) fn write_begins(&self) -> Began {
        self.write.begin()
    }

    /// Counts a batch that was written.
    pub(crate) fn written(&self, records: u32, bytes: usize, began: Began) {
        self.write.end(began);
        self.batches.add(1);
        self.records.add(u64::from(records));
        self.bytes.add(bytes as u64);
    }

    /// Begins to measure a sync.
    pub(crate) fn sync_begins(&self) -> Began {
        self.sync.begin()
    }

    /// Notes a sync that ended.
    pub(crate) fn synced(&self, began: Began) {
        self.sync.end(began);
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, what: Failed) {
        self.failures[what as usize].add(1);
    }

    /// Shows how many segments hold what a recovery would need, and how many do not.
    pub(crate) fn segments(&self, count: impl Fn() -> (usize, usize)) {
        self.in_use.set(|| count().0);
        self.free.set(|| count().1);
    }

    /// Counts that the log is full, if it is and was not before.
    pub(crate) fn stalled(&self, stalls: bool) {
        if stalls {
            self.stalls.add(1);
        }
    }

    /// Begins to measure how long somebody waits for room.
    pub(crate) fn wait_begins(&self) -> Began {
        self.wait.begin()
    }

    /// Notes that there is room.
    pub(crate) fn waited(&self, began: Began) {
        self.wait.end(began);
    }
}

impl CheckpointMetrics {
    /// Begins to measure one.
    pub(crate) fn begins(&self) -> Began {
        self.duration.begin()
    }

    /// Counts one that ended: how many actors and bytes of pages it wrote, if it ended well.
    pub(crate) fn ended(&self, began: Began, written: Option<(usize, u64)>) {
        let Some((actors, bytes)) = written else {
            self.failed.add(1);
            return;
        };
        self.ok.add(1);
        self.duration.end(began);
        self.actors.add(actors as u64);
        self.bytes.add(bytes);
    }
}

#[cfg(not(feature = "metrics"))]
impl StoreMetrics {
    /// Registers nothing.
    pub(crate) fn register() -> Self {
        Self::default()
    }
}

#[cfg(feature = "metrics")]
mod registering {
    use super::super::catalogue::{self, Metric};
    use super::super::handles::{Counter, Gauge, Histogram};
    use super::{CheckpointMetrics, LogMetrics, StoreMetrics};

    impl StoreMetrics {
        /// INVARIANT 1: registers what is counted for the store of a system.
        pub(crate) fn register() -> Self {
            let (log, checkpoints) = (log(), checkpoints());
            Self { log, checkpoints }
        }
    }

    fn counter(metric: &Metric) -> Counter {
        Counter::register(metric, &[])
    }

    fn log() -> LogMetrics {
        let failures = ["write", "sync"];
        let segments = |state| Gauge::register(&catalogue::LOG_SEGMENTS, &[("state", state)]);
        LogMetrics {
            batches: counter(&catalogue::LOG_BATCHES),
            records: counter(&catalogue::LOG_RECORDS),
            bytes: counter(&catalogue::LOG_BYTES),
            write: Histogram::register(&catalogue::LOG_WRITE_DURATION, &[]),
            sync: Histogram::register(&catalogue::LOG_SYNC_DURATION, &[]),
            failures: failures.map(|operation| {
                Counter::register(&catalogue::LOG_FAILURES, &[("operation", operation)])
            }),
            in_use: segments("in_use"),
            free: segments("free"),
            stalls: counter(&catalogue::LOG_STALLS),
            wait: Histogram::register(&catalogue::LOG_WAIT_DURATION, &[]),
        }
    }

    fn checkpoints() -> CheckpointMetrics {
        let outcomes = ["ok", "failed"];
        let [ok, failed] = outcomes
            .map(|outcome| Counter::register(&catalogue::CHECKPOINTS, &[("outcome", outcome)]));
        CheckpointMetrics {
            ok,
            failed,
            duration: Histogram::register(&catalogue::CHECKPOINT_DURATION, &[]),
            actors: counter(&catalogue::CHECKPOINT_ACTORS),
            bytes: counter(&catalogue::CHECKPOINT_BYTES),
        }
    }
}
