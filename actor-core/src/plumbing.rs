//! What the macros call. Generic code, so that it is type-checked once, here.

mod state_steps;
mod stored;
mod tables;

use std::future::Future;

use crate::failure::Failure;

pub use crate::codec::{EqualByTrace, EqualByValue, Same};
pub use state_steps::{OlderState, StateFault, StateStep, StateSteps};
pub use stored::{Borrowed, NotStored, Storable, Stored, StoredFault};
pub use tables::{InSchema, NotInSchema, Probe, RowProbe, Sees, Shape};

/// What a hook or an action may return.
#[diagnostic::on_unimplemented(
    message = "a hook or an action returns `Result<_>`, not `{Self}`",
    label = "must be a `Result`",
    note = "return `actor_core::Result<T>`, or a `Result<T, E>` whose `E` is a `std::error::Error + Send + Sync`"
)]
pub trait Outcome {
    /// What it is when it is well.
    type Value;
    /// Turns the user's error into a [`Failure`].
    ///
    /// # Errors
    ///
    /// The user's error.
    fn into_outcome(self) -> Result<Self::Value, Failure>;
}

impl<T, E: Into<Failure>> Outcome for Result<T, E> {
    type Value = T;
    fn into_outcome(self) -> Result<T, Failure> {
        self.map_err(Into::into)
    }
}

/// The state or the vars of an actor without a hook that makes them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default, and no hook creates it",
    label = "nothing creates this",
    note = "write a `#[create_state]` (or `#[create_vars]`) hook that returns `Result<{Self}>`, or derive `Default` for `{Self}`"
)]
pub trait OrDefault {
    /// Returns the value.
    fn or_default() -> Self;
}

impl<T: Default> OrDefault for T {
    fn or_default() -> Self {
        T::default()
    }
}

/// An actor with a `#[state]` field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `#[state]` field, so nothing in it can change",
    label = "no state changes here",
    note = "mark the field of what must be saved: `#[state] settings: State<Settings>`"
)]
pub trait HasState {}

/// Holds an actor against [`HasState`].
pub const fn has_state<A: HasState>() {}

/// Returns the value that no hook creates.
#[must_use]
pub fn or_default<T: OrDefault>() -> T {
    T::or_default()
}

/// Holds a handler's future against `Send`, at the handler's own place in the source.
pub fn handler<F>(future: F) -> F
where
    F: Future + Send,
{
    future
}

/// Turns what a handler returned into the runtime's result.
///
/// # Errors
///
/// The user's error.
pub fn outcome<R: Outcome>(returned: R) -> Result<R::Value, Failure> {
    returned.into_outcome()
}
