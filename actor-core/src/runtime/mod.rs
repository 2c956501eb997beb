//! Tasks and lifecycle: how an actor starts, answers, sleeps and ends.

mod actions;
mod agenda;
mod batch;
mod cell;
mod chain;
mod creation;
mod ending;
mod failed;
mod gate;
mod inside;
mod instance;
mod limited;
mod mailbox;
mod migrate;
mod preamble;
mod runs;
mod saved;
mod scheduler;
mod slots;
mod task;
mod tasks;
mod timers;
mod turn;

pub(crate) use cell::{Cell, Kind};
pub(crate) use chain::{Chain, asking};
pub(crate) use inside::Inside;
pub use mailbox::Status;
pub(crate) use mailbox::{Ending, Mail};
pub(crate) use scheduler::Scheduler;
pub(crate) use slots::SlotId;
pub(crate) use tasks::Tasks;
pub(crate) use timers::{cancel_timer, retry_dead_letter, set_timer};
pub(crate) use turn::Turn;
