//! [`Meter`]: a recorder of metrics that keeps every value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use actor_core::testing::Lab;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, LocalRecorderGuard,
    Metadata, Recorder, SharedString, Unit,
};

use crate::shop::open;
use crate::turn;

/// Makes a meter the recorder of this thread. It is never dropped, because it must outlive that. Other tests wait meanwhile.
pub(crate) fn meter() -> (
    &'static Meter,
    (LocalRecorderGuard<'static>, MutexGuard<'static, ()>),
) {
    let turn = turn();
    let meter: &'static Meter = Box::leak(Box::default());
    (meter, (metrics::set_default_local_recorder(meter), turn))
}

/// Shops that are open, and nothing is counted of that.
pub(crate) async fn opened(meter: &Meter, names: &[&str]) -> Lab {
    let lab = open(names).await;
    meter.take(&[""]);
    lab
}

/// A recorder that keeps every value.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    described: BTreeMap<String, Described>,
    series: BTreeMap<String, Series>,
}

/// What the framework says of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) kind: &'static str,
    pub(crate) unit: Option<Unit>,
    /// The labels with which it was registered.
    pub(crate) labels: Vec<String>,
}

/// The values of one metric with one set of labels.
#[derive(Clone, Debug)]
enum Series {
    Counter { total: u64, taken: u64 },
    Gauge { value: f64, taken: f64 },
    Histogram { values: Vec<f64>, taken: usize },
}

/// A handle to a series.
struct Handle {
    meter: Meter,
    name: String,
}

impl Meter {
    /// Takes what changed since the last time in series whose names begin with one of these: the increase of a counter, the value
    /// of a gauge, and the values in a histogram. How long something takes is another time each time, so of those only the number
    /// is told, unless they follow the clock of a test.
    pub(crate) fn take(&self, names: &[&str]) -> Vec<String> {
        let mut kept = self.0.lock().unwrap();
        let mut lines = Vec::new();
        for (name, series) in &mut kept.series {
            if !names.iter().any(|wanted| name.starts_with(wanted)) {
                continue;
            }
            let is_measured = name.contains("_seconds") && !name.starts_with("actor_timer_late");
            if let Some(shown) = series.take(is_measured) {
                lines.push(format!("{name} {shown}"));
            }
        }
        lines
    }

    /// Returns what a counter has counted, or a gauge shows.
    pub(crate) fn total(&self, name: &str) -> u64 {
        match &self.0.lock().unwrap().series[name] {
            Series::Counter { total, .. } => *total,
            Series::Gauge { value, .. } => value.to_string().parse().unwrap(),
            other @ Series::Histogram { .. } => panic!("{other:?} is not one number"),
        }
    }

    /// Returns what was described and registered.
    pub(crate) fn described(&self) -> BTreeMap<String, Described> {
        self.0.lock().unwrap().described.clone()
    }

    /// Returns the names of all series.
    pub(crate) fn series(&self) -> Vec<String> {
        self.0.lock().unwrap().series.keys().cloned().collect()
    }

    fn describe(&self, name: &KeyName, kind: &'static str, unit: Option<Unit>) {
        let described = Described {
            kind,
            unit,
            labels: Vec::new(),
        };
        let mut kept = self.0.lock().unwrap();
        kept.described.insert(name.as_str().to_owned(), described);
    }

    fn register(&self, key: &Key, series: Series) -> Arc<Handle> {
        let labels = key.labels().map(|label| label.key().to_owned());
        let shown = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let shown = shown.collect::<Vec<_>>().join(",");
        let name = if shown.is_empty() {
            key.name().to_owned()
        } else {
            format!("{}{{{shown}}}", key.name())
        };
        let mut kept = self.0.lock().unwrap();
        let described = kept.described.get_mut(key.name());
        described.expect("it is described before").labels = labels.collect();
        kept.series.entry(name.clone()).or_insert(series);
        Arc::new(Handle {
            meter: self.clone(),
            name,
        })
    }
}

impl Series {
    fn take(&mut self, is_measured: bool) -> Option<String> {
        match self {
            Self::Counter { total, taken } => {
                let increase = *total - *taken;
                *taken = *total;
                (increase > 0).then(|| increase.to_string())
            }
            Self::Gauge { value, taken } => {
                let changed = (*value - *taken).abs() > 0.5;
                *taken = *value;
                changed.then(|| value.to_string())
            }
            Self::Histogram { values, taken } => {
                let new = values[*taken..].to_vec();
                *taken = values.len();
                if new.is_empty() {
                    None
                } else if is_measured {
                    assert!(
                        new.iter().all(|time| (0.0..600.0).contains(time)),
                        "{new:?}"
                    );
                    Some(format!("x{}", new.len()))
                } else {
                    Some(format!("{new:?}"))
                }
            }
        }
    }
}

impl Recorder for Meter {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _meaning: SharedString) {
        self.describe(&name, "counter", unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _meaning: SharedString) {
        self.describe(&name, "gauge", unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _meaning: SharedString) {
        self.describe(&name, "histogram", unit);
    }

    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        let (total, taken) = (0, 0);
        self.register(key, Series::Counter { total, taken }).into()
    }

    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        let (value, taken) = (0.0, 0.0);
        self.register(key, Series::Gauge { value, taken }).into()
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> Histogram {
        let (values, taken) = (Vec::new(), 0);
        self.register(key, Series::Histogram { values, taken })
            .into()
    }
}

impl Handle {
    fn change(&self, change: impl FnOnce(&mut Series)) {
        let mut kept = self.meter.0.lock().unwrap();
        change(kept.series.get_mut(&self.name).unwrap());
    }
}

impl CounterFn for Handle {
    fn increment(&self, count: u64) {
        self.change(|series| match series {
            Series::Counter { total, .. } => *total += count,
            other => panic!("{other:?} is no counter"),
        });
    }

    fn absolute(&self, _value: u64) {
        panic!("counters only count");
    }
}

impl GaugeFn for Handle {
    fn increment(&self, more: f64) {
        self.change(|series| match series {
            Series::Gauge { value, .. } => *value += more,
            other => panic!("{other:?} is no gauge"),
        });
    }

    fn decrement(&self, less: f64) {
        GaugeFn::increment(self, -less);
    }

    fn set(&self, new: f64) {
        self.change(|series| match series {
            Series::Gauge { value, .. } => *value = new,
            other => panic!("{other:?} is no gauge"),
        });
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        self.change(|series| match series {
            Series::Histogram { values, .. } => values.push(value),
            other => panic!("{other:?} is no histogram"),
        });
    }
}
