//! What `tracing` shows of actors, with exact trees of spans.
//!
//! A process of its own, in which one test runs at a time: what `tracing` remembers of who wants which span is the process's.

mod recorder;
mod spans;
#[path = "../behaviour/support.rs"]
#[allow(dead_code, reason = "it is shared with the other tests")]
mod support;
