//! What an operator sees of a system: spans and events of `tracing`, and metrics.
//!
//! `docs/OBSERVABILITY.md` lists all of them; every name is written down in [`trace`] or in [`meters`], and nowhere else.

pub(crate) mod trace;
