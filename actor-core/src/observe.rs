//! What an operator sees of a system: the spans and events of `tracing`, and the metrics of `metrics`.
//!
//! `docs/OBSERVABILITY.md` lists all of them; every name of a span is written down in [`trace`], every name of a metric in the
//! catalogue of [`metrics`], and nowhere else.

pub(crate) mod metrics;
pub(crate) mod trace;
