//! The one place that turns a user's value into what is stored, and back.
//!
//! Values are stored as JSON. JSON keeps less than serde's data model: it has no infinity, one kind
//! of absence and no width of an integer, and a type may read less than it writes. So each value is
//! read back before it is accepted, and the two are compared as serde sees them.
//!
//! # Invariants
//!
//! 1. A value that was accepted reads back equal: the same events of serde's data model, with the
//!    entries of maps and sets in any order, and equal by `PartialEq` where the type has it.
//! 2. What was accepted is never nested deeper than the reader follows.
//! 3. A refusal names the place in the value.

mod path;
mod same;
#[cfg(test)]
mod tests;
mod trace;
mod tree;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use path::Root;
pub use same::{EqualByTrace, EqualByValue, Same};

use crate::caught::{caught, dropped};
use path::Segment;
use trace::Bytes;
use tree::Tree;

/// Why a value of the user's cannot be stored, or what is stored is not a value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
#[non_exhaustive]
pub struct ValueError {
    /// The place in the value: `state.readings[3].mean`.
    pub path: String,
    /// What is wrong there.
    pub problem: ValueProblem,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// It is NaN or infinite, which JSON does not have.
    #[error("not a finite number")]
    NotFinite,
    /// It is nested too deeply to be read back.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// How many levels are read back.
        limit: usize,
    },
    /// The key of a map is not a text, a number, a bool or a variant without fields.
    #[error("the key of a map must be a text, a number, a bool or a unit variant")]
    Key,
    /// Its own `Serialize` refuses.
    #[error("{reason}")]
    NotWritten {
        /// What it says.
        reason: String,
    },
    /// Its type cannot read what it writes.
    #[error("it would not be read back: {reason}")]
    NotReadBack {
        /// What its `Deserialize` says.
        reason: String,
    },
    /// Its type reads another value than it writes.
    #[error(
        "it would be read back as another value (`Some(None)`, an untagged variant that another one \
         matches, or a skipped field)"
    )]
    Different,
    /// What is stored does not fit its type.
    #[error("{reason}")]
    Unreadable {
        /// What the type's `Deserialize` says.
        reason: String,
    },
}

impl ValueError {
    /// Returns the stable name of this error: `not_storable` or `unreadable`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.problem {
            ValueProblem::Unreadable { .. } => "unreadable",
            _ => "not_storable",
        }
    }
}

/// Writes a value as a `T` reads it, and makes sure that it does. `same` compares the two where it can.
pub(crate) fn encode<T: Serialize + DeserializeOwned>(
    root: Root<'_>,
    value: &impl Serialize,
    same: impl FnOnce(&T) -> bool,
) -> Result<String, ValueError> {
    let mut written = Vec::new();
    trace::trace(root, value, &mut Bytes(&mut written))?;
    let json = serde_json::to_string(value).map_err(|error| {
        let reason = error.to_string();
        error_at(root, ValueProblem::NotWritten { reason })
    })?;
    let panicked = |panic: String| {
        let reason = format!("its own code panicked: {panic}");
        error_at(root, ValueProblem::NotReadBack { reason })
    };
    let read: T = caught(|| read(&json))
        .map_err(panicked)?
        .map_err(|(path, reason)| {
            let path = root.render(&path);
            let problem = ValueProblem::NotReadBack { reason };
            ValueError { path, problem }
        })?;
    let compared = caught(|| compare((root, value, &written), &read, same));
    // What was read back is not the user's value: that it cannot be dropped harms nobody.
    if let Err(panic) = dropped(read) {
        tracing::error!(panic, "the `Drop` of a value that was read back panicked");
    }
    // INVARIANT 1
    compared.map_err(panicked)??;
    Ok(json)
}

/// Compares a value with what is read back for it.
fn compare<T: Serialize>(
    (root, value, written): (Root<'_>, &impl Serialize, &[u8]),
    read: &T,
    same: impl FnOnce(&T) -> bool,
) -> Result<(), ValueError> {
    let mut found = Vec::with_capacity(written.len());
    trace::trace(root, read, &mut Bytes(&mut found))?;
    if found != written
        && let Some(path) = difference(root, value, read)?
    {
        let path = root.render(&path);
        let problem = ValueProblem::Different;
        return Err(ValueError { path, problem });
    }
    if !same(read) {
        return Err(error_at(root, ValueProblem::Different));
    }
    Ok(())
}

/// Reads what is stored.
pub(crate) fn decode<T: DeserializeOwned>(root: Root<'_>, json: &str) -> Result<T, ValueError> {
    read(json).map_err(|(path, reason)| ValueError {
        path: root.render(&path),
        problem: ValueProblem::Unreadable { reason },
    })
}

/// Returns where two values differ, with the order of maps and sets left out of account.
fn difference(
    root: Root<'_>,
    value: &impl Serialize,
    read: &impl Serialize,
) -> Result<Option<Vec<Segment>>, ValueError> {
    let mut trees = (Tree::default(), Tree::default());
    trace::trace(root, value, &mut trees.0)?;
    trace::trace(root, read, &mut trees.1)?;
    Ok(trees.0.difference(&trees.1))
}

fn error_at(root: Root<'_>, problem: ValueProblem) -> ValueError {
    let path = root.render(&[]);
    ValueError { path, problem }
}

/// Reads a text. The place of an error is looked for only when there is one.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, (Vec<Segment>, String)> {
    serde_json::from_str(json)
        .map_err(|error| (path::place(json, error.column()), error.to_string()))
}
