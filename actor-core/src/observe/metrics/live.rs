//! Handles of the recorder's, as they are with the feature `metrics`.

use std::cell::Cell;
use std::time::{Duration, Instant};

use metrics::{IntoF64, Key, Label, Level, Metadata};

use super::catalogue::{Kind, Metric};

/// What a metric has besides its name.
pub(super) type Labels<'l> = &'l [(&'static str, &'static str)];

/// Where all of them come from.
const METADATA: Metadata<'static> = Metadata::new("actor_core", Level::INFO, None);

/// Counts.
#[derive(Clone)]
pub(crate) struct Counter(metrics::Counter);

/// Shows what is so now.
#[derive(Clone)]
pub(crate) struct Gauge(metrics::Gauge);

/// Keeps how values are distributed.
#[derive(Clone)]
pub(crate) struct Histogram {
    inner: metrics::Histogram,
    /// Whether anybody keeps them.
    is_live: bool,
}

/// When something began, if anybody keeps how long it takes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Began(Option<Instant>);

impl Default for Counter {
    fn default() -> Self {
        Self(metrics::Counter::noop())
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self(metrics::Gauge::noop())
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            inner: metrics::Histogram::noop(),
            is_live: false,
        }
    }
}

fn key(metric: &Metric, kind: Kind, labels: Labels<'_>) -> Key {
    let given = labels.iter().map(|(name, _)| name);
    debug_assert!(
        metric.kind == kind && given.eq(metric.labels),
        "as it is described"
    );
    let labels = labels
        .iter()
        .map(|(name, value)| Label::from_static_parts(name, value));
    Key::from_parts(metric.name, labels.collect::<Vec<_>>())
}

impl Counter {
    pub(super) fn register(metric: &Metric, labels: Labels<'_>) -> Self {
        let key = key(metric, Kind::Counter, labels);
        Self(metrics::with_recorder(|recorder| {
            recorder.register_counter(&key, &METADATA)
        }))
    }

    #[inline]
    pub(super) fn add(&self, count: u64) {
        self.0.increment(count);
    }
}

impl Gauge {
    pub(super) fn register(metric: &Metric, labels: Labels<'_>) -> Self {
        let key = key(metric, Kind::Gauge, labels);
        Self(metrics::with_recorder(|recorder| {
            recorder.register_gauge(&key, &METADATA)
        }))
    }

    #[inline]
    pub(super) fn rise(&self) {
        self.0.increment(1.0);
    }

    #[inline]
    pub(super) fn fall(&self) {
        self.0.decrement(1.0);
    }

    /// Shows a number that is only found out if somebody keeps it.
    pub(super) fn set(&self, find: impl FnOnce() -> usize) {
        self.0.set(Lazy(find));
    }
}

impl Histogram {
    pub(super) fn register(metric: &Metric, labels: Labels<'_>) -> Self {
        let key = key(metric, Kind::Histogram, labels);
        let inner = metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA));
        let is_live = Cell::new(false);
        // What is recorded no times is only looked at if somebody keeps what is recorded.
        inner.record_many(Lazy(|| usize::from(!is_live.replace(true))), 0);
        let is_live = is_live.get();
        Self { inner, is_live }
    }

    /// Begins to measure.
    #[inline]
    pub(super) fn begin(&self) -> Began {
        Began(self.now())
    }

    /// INVARIANT 3: reads the clock if somebody wants it.
    #[inline]
    pub(super) fn now(&self) -> Option<Instant> {
        self.is_live.then(Instant::now)
    }

    /// Records how long what began then took.
    #[inline]
    pub(super) fn end(&self, began: Began) {
        if let Some(began) = began.0 {
            self.inner.record(began.elapsed().as_secs_f64());
        }
    }

    #[inline]
    pub(super) fn record(&self, value: u32) {
        self.inner.record(value);
    }

    /// Records a time that is that of so many.
    #[inline]
    pub(super) fn record_time(&self, time: Duration, times: usize) {
        self.inner.record_many(time.as_secs_f64(), times);
    }
}

/// A number that is found out when somebody asks for it.
struct Lazy<F>(F);

impl<F: FnOnce() -> usize> IntoF64 for Lazy<F> {
    fn into_f64(self) -> f64 {
        let found = u32::try_from((self.0)());
        f64::from(found.unwrap_or(u32::MAX))
    }
}

/// A handle for each action of a type.
#[derive(Default)]
pub(super) struct PerAction<T>(Box<[T]>);

impl<T: Default> PerAction<T> {
    /// Makes a handle for each of the ids, of which some may be missing.
    pub(super) fn new(ids: impl Iterator<Item = (u32, T)>) -> Self {
        let mut all = Vec::new();
        for (id, handle) in ids {
            let index = id as usize;
            if all.len() <= index {
                all.resize_with(index + 1, T::default);
            }
            all[index] = handle;
        }
        Self(all.into())
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.0.get(id as usize)
    }
}

/// A handle for each of a few names.
#[derive(Default)]
pub(super) struct PerName<T>(Vec<(&'static str, T)>);

impl<T> PerName<T> {
    pub(super) fn new(all: impl Iterator<Item = (&'static str, T)>) -> Self {
        Self(all.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&T> {
        let mut all = self.0.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, handle)| handle)
    }
}
