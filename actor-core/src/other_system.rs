//! [`OtherSystem`]: why nothing is stored for an actor of another system.

use crate::actor::Handlers;
use crate::error::Subject;
use crate::runtime::Cell;
use crate::system::System;

/// A handle of another system was given where something is stored, which names an actor by its type and its key: here that would
/// be another actor.
///
/// A handle of a system that was shut down is one of another system, also when the next system has the same data directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{subject} is an actor of {theirs}, and this is {ours}: what is stored reaches actors of its own system only"
)]
#[non_exhaustive]
pub struct OtherSystem {
    /// The actor of the handle.
    pub subject: Subject,
    /// The system of the handle: its number in this process, and its data directory.
    pub theirs: String,
    /// The system that was to store something.
    pub ours: String,
}

/// Refuses an actor of another system.
pub(crate) fn same_system<A: Handlers>(own: &System, target: &Cell<A>) -> Result<(), OtherSystem> {
    if target.system().is(own) {
        return Ok(());
    }
    Err(OtherSystem {
        subject: target.subject(),
        theirs: target.system().label(),
        ours: own.label(),
    })
}
