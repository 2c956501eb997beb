//! The metrics of the framework, for whatever recorder the program installs for the facade `metrics`.
//!
//! Without the feature `metrics` every type here has no size, every function of it does nothing, and nobody looks at a clock.
//!
//! # Invariants
//!
//! 1. Recorders are asked for handles while a system is started, and never again: what is counted later costs no look-up and
//!    allocates nothing.
//! 2. The value of a label is the program's, and never a key, an argument or the text of an error: there is a bounded number of them.
//! 3. The clock is read only for a histogram that somebody keeps.
//! 4. No recorder's code runs under a lock that a call or a commit takes.

#[cfg(feature = "metrics")]
mod catalogue;
mod kind;
mod store;

#[cfg(not(feature = "metrics"))]
#[path = "metrics/absent.rs"]
mod handles;
#[cfg(feature = "metrics")]
#[path = "metrics/live.rs"]
mod handles;

pub(crate) use handles::Began;
pub(crate) use kind::{KindMetrics, Letter, Sent, Start};
pub(crate) use store::{CheckpointMetrics, Failed, LogMetrics, StoreMetrics};

/// Whether there are any.
pub(crate) const ARE_ON: bool = cfg!(feature = "metrics");

/// Tells the recorder of all metrics that there are.
pub(crate) fn describe() {
    #[cfg(feature = "metrics")]
    catalogue::describe();
}

#[cfg(not(feature = "metrics"))]
const _: () = {
    assert!(size_of::<KindMetrics>() == 0, "nothing is kept");
    assert!(size_of::<StoreMetrics>() == 0, "nothing is kept");
    assert!(size_of::<Began>() == 0, "no time is kept");
};
