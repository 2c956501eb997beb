//! [`ErrorReport`]: what an `#[on_error]` hook is told.

use std::fmt;

use crate::error::CallError;
use crate::hooks::Step;

/// What failed in an actor, as its [`#[on_error]`](macro@crate::on_error) hook is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorReport {
    /// What it was.
    pub origin: ErrorOrigin,
    /// The action or the hook that was undone. The [error](Self::error) may name another one: that which ran as a part of it.
    pub name: &'static str,
    /// The error. Whoever waited for what failed gets the same.
    pub error: CallError,
}

/// What it was that failed in an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// An action that was asked or told.
    Action,
    /// An action that a timer called; it is tried again, or is a dead letter.
    Timer,
    /// An action that another actor sent; it is tried again, or is a dead letter of the sender.
    Message,
    /// A hook: `#[run]`, `#[on_sleep]` or `#[on_destroy]`.
    Hook(Step),
}

impl ErrorOrigin {
    /// Returns it in one word: `action`, `timer`, `message`, or the name of the hook's attribute.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Timer => "timer",
            Self::Message => "message",
            Self::Hook(step) => step.name(),
        }
    }
}

impl fmt::Display for ErrorOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
