//! [`ActorInfo`]: what is known of an actor without asking it.

use std::time::SystemTime;

use crate::runtime::Status;

/// What is known of an actor without asking it: how it is, what waits for it, and what went wrong.
///
/// It comes from [`ActorRef::info`](crate::ActorRef::info), and is in memory only. Crashes are forgotten when the actor sleeps
/// and nobody holds a handle to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActorInfo {
    /// Whether the actor is awake.
    pub status: Status,
    /// Since when this instance is awake, by the system's clock; `None` while it is not.
    pub awake_since: Option<SystemTime>,
    /// When the actor starts again that pauses after a panic, or from when on a call starts one that is given up or did not start.
    /// [`ActorRef::restart`](crate::ActorRef::restart) waits for neither.
    pub next_try: Option<SystemTime>,
    /// How many calls are in its mailbox.
    pub waiting: usize,
    /// How often it was started again because an action, or the hook of a destruction, panicked.
    pub crashes: u32,
    /// The last of these panics.
    pub last_crash: Option<Crash>,
    /// Its `#[run]` hooks, in their order; none while it is not awake.
    pub runs: Vec<RunInfo>,
}

/// A panic after which an actor was started again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crash {
    /// When it was, by the system's clock.
    pub at: SystemTime,
    /// The user's function.
    pub name: &'static str,
    /// The text of the panic.
    pub message: String,
}

/// How one `#[run]` hook of an awake actor is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInfo {
    /// The user's function.
    pub hook: &'static str,
    /// Whether it runs.
    pub state: RunState,
    /// How often it was started again since the actor is awake.
    pub restarts: u32,
    /// How it failed the last time since the actor is awake: its error, or the text of its panic.
    pub last_error: Option<String>,
}

/// Whether a `#[run]` hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// It runs.
    Running,
    /// It failed, and is started again in a while.
    Pausing,
    /// It returned `Ok(())`, or the actor stops.
    Ended,
}
