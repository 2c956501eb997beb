//! The table that is printed, and the medians in it.

use std::time::{Duration, Instant};

/// How often each figure is measured.
pub(crate) const RUNS: usize = 5;

/// Prints one row for each figure.
pub(crate) struct Report {
    began: Instant,
}

impl Report {
    pub(crate) fn begin() -> Self {
        println!("| | measured | floor | times the floor | the floor |");
        println!("| --- | --- | --- | --- | --- |");
        Self {
            began: Instant::now(),
        }
    }

    /// Prints how long one operation takes.
    pub(crate) fn time(&mut self, name: &str, ours: f64, floor: f64, what: &str) {
        let ratio = ours / floor;
        let (ours, floor) = (duration(ours), duration(floor));
        println!("| {name} | {ours} | {floor} | {ratio:.2} | {what} |");
    }

    /// Prints how many operations a second there are.
    pub(crate) fn rate(&mut self, name: &str, ours: f64, floor: f64, what: &str) {
        let (rate, floor_rate, ratio) = (1.0 / ours, 1.0 / floor, ours / floor);
        println!("| {name} | {rate:.0}/s | {floor_rate:.0}/s | {ratio:.2} | {what} |");
    }

    /// Prints how many bytes something takes.
    pub(crate) fn bytes(&mut self, name: &str, ours: f64, floor: f64, what: &str) {
        let ratio = ours / floor;
        println!("| {name} | {ours:.0} B | {floor:.0} B | {ratio:.2} | {what} |");
    }

    pub(crate) fn end(self) {
        println!(
            "\n{RUNS} runs each, medians; {:.0} s in all.",
            self.began.elapsed().as_secs_f64()
        );
    }
}

fn duration(seconds: f64) -> String {
    if seconds < 10e-6 {
        format!("{:.0} ns", seconds * 1e9)
    } else if seconds < 10e-3 {
        format!("{:.0} µs", seconds * 1e6)
    } else {
        format!("{:.1} ms", seconds * 1e3)
    }
}

/// Returns the seconds for one of `count` operations.
#[allow(clippy::cast_precision_loss, reason = "the counts are small")]
pub(crate) fn each(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_secs_f64() / count as f64
}

/// Returns the value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
