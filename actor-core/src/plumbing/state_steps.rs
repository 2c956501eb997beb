//! The steps that bring a saved state from an older version to the current one.

use serde::de::DeserializeOwned;

use super::Outcome;
use crate::caught::caught;
use crate::codec::{self, Root};
use crate::failure::Failure;

/// There is a step from a version of this actor's state to the next one. Implemented by `#[actor]`.
#[diagnostic::on_unimplemented(
    message = "no step leads from version {FROM} of the state of `{Self}` to the next one",
    label = "actors with version {FROM} could not wake",
    note = "write `#[migrate_state(from = {FROM})] fn name(old: OldState) -> Result<NewState>` in the `#[actor]` block"
)]
pub trait StateStep<const FROM: i32> {}

/// A version is older than that of this actor's state. Implemented by `#[derive(Actor)]`.
#[diagnostic::on_unimplemented(
    message = "version {VERSION} of the state of `{Self}` is not an older one, so no step can lead on from it",
    label = "this is the current version, or a later one",
    note = "raise the version on the field, `#[state(version = …)]`; without one it is 1"
)]
pub trait OlderState<const VERSION: i32> {}

/// A type that an older version of the state had.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an older state of an actor",
    label = "cannot be read from saved state",
    note = "the old state is read from its JSON: `#[derive(serde::Deserialize)]`"
)]
pub trait OldState: DeserializeOwned {}

impl<T: DeserializeOwned> OldState for T {}

/// What the steps of the state end with: the state `S` of the actor.
#[diagnostic::on_unimplemented(
    message = "the steps of the state end with `{Self}`, but the state of the actor is `{S}`",
    label = "this does not make the state of the actor",
    note = "the step from the version before the current one makes the type of the `#[state]` field"
)]
pub trait IsState<S> {
    /// Returns the same value.
    fn into_state(self) -> S;
}

impl<S> IsState<S> for S {
    fn into_state(self) -> S {
        self
    }
}

/// Why a saved state could not be brought to the current version.
#[derive(Debug)]
pub enum StateFault {
    /// No step begins at its version.
    NoStep {
        /// The version.
        from: i32,
    },
    /// A step failed, or the state does not fit the type that the step takes.
    Failed {
        /// The version from which the step leads.
        from: i32,
        /// The user's function.
        hook: &'static str,
        /// What is wrong.
        source: Failure,
    },
    /// A step panicked.
    Panicked {
        /// The user's function.
        hook: &'static str,
        /// The text of the panic.
        text: String,
    },
}

/// A saved state on its way to the current version, as far as it has come: a `T`.
#[derive(Debug)]
pub struct StateSteps<'j, T> {
    version: i32,
    json: &'j str,
    /// Nothing until the step that begins at the saved version.
    reached: Option<T>,
}

impl<'j, T> StateSteps<'j, T> {
    /// Begins with what is saved.
    #[must_use]
    pub fn begin(version: i32, json: &'j str) -> Self {
        Self {
            version,
            json,
            reached: None,
        }
    }

    /// Goes one step, unless the state begins later.
    ///
    /// # Errors
    ///
    /// What the step returned, its panic, or that the saved state does not fit its type.
    pub fn step<R: Outcome>(
        self,
        from: i32,
        hook: &'static str,
        step: fn(T) -> R,
    ) -> Result<StateSteps<'j, R::Value>, StateFault>
    where
        T: OldState,
    {
        let failed = |source| StateFault::Failed { from, hook, source };
        let old = match self.reached {
            Some(old) => Some(old),
            None if self.version == from => Some(
                codec::decode(Root::named("state"), self.json)
                    .map_err(|error| failed(error.into()))?,
            ),
            None => None,
        };
        // The step has the value to itself, so that a panic leaves nothing half done.
        let run = |old| caught(|| step(old).into_outcome());
        let reached = match old.map(run).transpose() {
            Ok(outcome) => outcome.transpose().map_err(failed)?,
            Err(text) => return Err(StateFault::Panicked { hook, text }),
        };
        Ok(StateSteps {
            version: self.version,
            json: self.json,
            reached,
        })
    }

    /// Returns the state of the current version.
    ///
    /// # Errors
    ///
    /// That no step begins at the saved version.
    pub fn finish<S>(self) -> Result<S, StateFault>
    where
        T: IsState<S>,
    {
        let reached = self.reached.map(IsState::into_state);
        reached.ok_or(StateFault::NoStep { from: self.version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Result;

    // The steps take what they are given, as a user's do.
    #[allow(clippy::needless_pass_by_value)]
    fn shout(old: String) -> Result<Vec<String>> {
        match old.as_str() {
            "fail" => Err(Failure::message("no voice")),
            "panic" => panic!("hoarse"),
            old => Ok(vec![old.to_uppercase()]),
        }
    }

    #[allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)]
    fn count(old: Vec<String>) -> Result<usize> {
        Ok(old.len())
    }

    fn run(version: i32, json: &str) -> Result<usize, StateFault> {
        let steps = StateSteps::begin(version, json);
        steps
            .step(1, "shout", shout)?
            .step(2, "count", count)?
            .finish()
    }

    #[test]
    fn a_state_enters_at_its_version() {
        assert_eq!(run(1, r#""a""#).unwrap(), 1);
        assert_eq!(run(2, r#"["A", "B"]"#).unwrap(), 2);
    }

    #[test]
    fn each_fault_names_its_step() {
        let said = |version, json| format!("{:?}", run(version, json).unwrap_err());
        assert_eq!(said(0, "null"), "NoStep { from: 0 }");
        assert_eq!(
            said(1, r#""fail""#),
            r#"Failed { from: 1, hook: "shout", source: Message("no voice") }"#
        );
        assert_eq!(
            said(1, r#""panic""#),
            r#"Panicked { hook: "shout", text: "hoarse" }"#
        );
        assert!(
            said(2, r#""a""#).starts_with(
                r#"Failed { from: 2, hook: "count", source: ValueError { path: "state""#
            )
        );
    }
}
