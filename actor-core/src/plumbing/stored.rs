//! How a call is stored: the name of its action, and its arguments as a JSON array.
//!
//! An action whose arguments cannot be stored is an action all the same, so whether they can is found out for each: the
//! compiler prefers the functions of [`Stored`] where its bound holds, and falls back on those of [`NotStored`].

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::caught::caught;
use crate::codec::{self, Root, ValueError, ValueProblem};

/// The arguments of a call that can be stored. Implemented for all that is `Serialize` and `DeserializeOwned`.
#[diagnostic::on_unimplemented(
    message = "this call cannot be stored: not all of its arguments can be saved",
    label = "a timer or a durable message needs arguments that can be saved",
    note = "arguments are saved as JSON: `#[derive(serde::Serialize, serde::Deserialize)]` for each type among them, without references or lifetimes",
    note = "asking and telling need nothing of the kind"
)]
pub trait Storable: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Storable for T {}

/// Stands for arguments of which one is a reference or has a lifetime: they cannot come back from the disk.
#[derive(Debug)]
pub enum Borrowed {}

/// Writes and reads the arguments `M` of one action.
#[derive(Debug)]
pub struct Stored<M>(PhantomData<M>);

/// Why a stored call cannot be written or made.
#[derive(Debug)]
pub enum StoredFault {
    /// An argument's type cannot be saved.
    NotStorable,
    /// The program has no such action, or not any more.
    NoSuchAction,
    /// An argument was not written, or what is stored does not fit the action.
    Arguments(ValueError),
    /// The `Deserialize` of an argument panicked, with this text.
    Panicked(String),
}

impl fmt::Display for StoredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStorable => f.write_str("its arguments cannot be saved"),
            Self::NoSuchAction => f.write_str("the actor has no such action"),
            Self::Arguments(error) if matches!(error.problem, ValueProblem::Unreadable { .. }) => {
                write!(f, "its arguments do not fit: {error}")
            }
            Self::Arguments(error) => error.fmt(f),
            Self::Panicked(panic) => write!(f, "its arguments cannot be read: {panic}"),
        }
    }
}

impl<M: Storable> Stored<M> {
    /// Writes arguments, and makes sure that they are read back. They have these names, and `same`
    /// compares them by what their types say.
    ///
    /// # Errors
    ///
    /// The user's `Serialize` refuses, or the arguments would not be read back equal.
    pub fn encode(
        arguments: &impl Serialize,
        names: &[&str],
        same: impl FnOnce(&M) -> bool,
    ) -> Result<String, StoredFault> {
        let root = Root::arguments(names);
        codec::encode(root, arguments, same).map_err(StoredFault::Arguments)
    }

    /// Reads arguments.
    ///
    /// # Errors
    ///
    /// The text is not what the types expect, or their `Deserialize` panics.
    pub fn decode(json: &str, names: &[&str]) -> Result<M, StoredFault> {
        // One that panics would do so each time that it is tried.
        let read = caught(|| codec::decode(Root::arguments(names), json));
        let read = read.map_err(StoredFault::Panicked)?;
        read.map_err(StoredFault::Arguments)
    }
}

/// What [`Stored`] does where the arguments cannot be saved.
pub trait NotStored<M> {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always.
    fn encode<T>(
        _arguments: &T,
        _names: &[&str],
        _same: impl FnOnce(&M) -> bool,
    ) -> Result<String, StoredFault> {
        Err(StoredFault::NotStorable)
    }

    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always.
    fn decode(_json: &str, _names: &[&str]) -> Result<M, StoredFault> {
        Err(StoredFault::NotStorable)
    }
}

impl<M> NotStored<M> for Stored<M> {}
