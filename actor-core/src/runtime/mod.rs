//! Tasks and lifecycle: how an actor starts, answers, sleeps and ends.

mod actions;
mod batch;
mod cell;
mod chain;
mod creation;
mod ending;
mod failed;
mod gate;
mod instance;
mod limited;
mod mailbox;
mod migrate;
mod preamble;
mod runs;
mod saved;
mod slots;
mod task;
mod tasks;
mod turn;

pub(crate) use cell::{Cell, Kind};
pub(crate) use chain::{Chain, asking};
pub use mailbox::Status;
pub(crate) use mailbox::{Ending, Mail};
pub(crate) use slots::SlotId;
pub(crate) use tasks::Tasks;
pub(crate) use turn::Turn;
