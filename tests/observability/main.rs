//! What an operator sees of actors: exact trees of the spans of `tracing`, and exact values of metrics.
//!
//! A process of its own, in which one test runs at a time: what `tracing` remembers of who wants which span is the process's.

mod alone;
mod documented;
mod log_metrics;
mod meter;
mod metrics;
mod recorder;
mod shop;
mod spans;
mod store;
#[path = "../behaviour/support.rs"]
#[allow(dead_code, reason = "it is shared with the other tests")]
mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps other tests from running, until it is dropped.
fn turn() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}
