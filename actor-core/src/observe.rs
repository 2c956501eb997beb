//! What an operator sees of a system: the spans and events of `tracing`.
//!
//! `docs/OBSERVABILITY.md` lists all of them; every name of a span is written down in [`trace`], and nowhere else.

pub(crate) mod trace;
