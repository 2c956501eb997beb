//! What an operator sees: a line for each span and event of `tracing` as it ends, and at the end what the metrics have counted.
//!
//! The subscriber is `tracing-subscriber`; the recorder of metrics is written here, in place of an exporter.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor_core::prelude::*;
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use tracing::{Instrument as _, Level, info, info_span};
use tracing_subscriber::fmt::format::FmtSpan;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // With `Level::DEBUG` it shows commits, the log and the gate, too.
    tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_span_events(FmtSpan::CLOSE)
        .with_target(false)
        .with_ansi(false)
        .init();
    // Before the system is started, which takes its handles then.
    let board = Board::default();
    metrics::set_global_recorder(board.clone())?;
    let directory = tempfile::tempdir()?;
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Till>()
        .start()
        .await?;

    let till = system.get_or_create::<Till>("front", ());
    // An ask is a part of what its caller does: the span of the action is in that of the request, and so is the start.
    let request = info_span!("request", customer = "ann");
    let bread = till.sell("bread", 3).into_future();
    assert_eq!(bread.instrument(request).await?, 3);
    let request = info_span!("request", customer = "bob");
    let free = till.sell("air", 0).into_future();
    free.instrument(request).await.expect_err("air is free");
    till.sell("salt", 1)
        .after(Duration::from_millis(10))
        .await?;
    while till.total().await? < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    system.shutdown().await?;

    println!("\n{board}");
    let sold = "actor_actions_total{actor=till,action=sell,outcome=ok}";
    let failed = "actor_actions_total{actor=till,action=sell,outcome=failed}";
    assert_eq!([board.sum(sold), board.sum(failed)], ["2", "1"]);
    assert_eq!(board.sum("actor_timers_total{actor=till,outcome=ok}"), "1");
    assert_eq!(board.sum("actor_awake{actor=till}"), "0");
    Ok(())
}

/// Why nothing is sold for nothing.
#[derive(Debug)]
struct Free;

impl fmt::Display for Free {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it costs nothing")
    }
}

impl std::error::Error for Free {}

/// Counts what is sold.
#[derive(Actor)]
#[actor(name = "till")]
struct Till {
    #[state]
    total: State<u32>,
}

#[actor]
impl Till {
    #[action]
    fn sell(&mut self, _cx: &mut Context<'_, Self>, what: String, price: u32) -> Result<u32> {
        if price == 0 {
            return Err(Free.into());
        }
        *self.total += price;
        // An event of our own is in the span of the action.
        info!(what, total = *self.total, "sold");
        Ok(*self.total)
    }

    #[action]
    fn total(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.total)
    }
}

/// A recorder of metrics that keeps the sum of each series, and how often something was recorded.
#[derive(Clone, Default)]
struct Board(Arc<Mutex<BTreeMap<String, (f64, u64)>>>);

/// One series on the board.
struct Series {
    board: Board,
    name: String,
}

impl Board {
    fn sum(&self, name: &str) -> String {
        let series = self.0.lock().expect("nobody panics here");
        series[name].0.to_string()
    }

    fn series(&self, key: &Key) -> Arc<Series> {
        let labels = key.labels();
        let labels = labels.map(|label| format!("{}={}", label.key(), label.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        let name = match &*labels {
            "" => key.name().to_owned(),
            labels => format!("{}{{{labels}}}", key.name()),
        };
        let mut series = self.0.lock().expect("nobody panics here");
        series.entry(name.clone()).or_default();
        let board = self.clone();
        Arc::new(Series { board, name })
    }
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = self.0.lock().expect("nobody panics here");
        for (name, (sum, times)) in series.iter().filter(|(_, (_, times))| *times > 0) {
            if name.contains("_seconds") {
                writeln!(f, "{name} {sum:.6} in {times}")?;
            } else {
                writeln!(f, "{name} {sum}")?;
            }
        }
        Ok(())
    }
}

impl Series {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        let mut series = self.board.0.lock().expect("nobody panics here");
        let (sum, times) = series.get_mut(&self.name).expect("it was registered");
        change(sum);
        *times += 1;
    }
}

impl Recorder for Board {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.series(key).into()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.series(key).into()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.series(key).into()
    }
}

impl CounterFn for Series {
    fn increment(&self, count: u64) {
        #[allow(clippy::cast_precision_loss, reason = "it is shown, and no more")]
        self.change(|sum| *sum += count as f64);
    }

    fn absolute(&self, _: u64) {}
}

impl GaugeFn for Series {
    fn increment(&self, more: f64) {
        self.change(|value| *value += more);
    }

    fn decrement(&self, less: f64) {
        self.change(|value| *value -= less);
    }

    fn set(&self, new: f64) {
        self.change(|value| *value = new);
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.change(|sum| *sum += value);
    }
}
