//! [`Held`]: messages on their way to the one who takes them.
//!
//! # Invariants
//!
//! 1. A message that was taken and that nobody received is given back when this is dropped, wherever that is: in its place, and
//!    not counted as handed out. Nobody has its receipt.
//! 2. Only what is committed is given back: what was undone may be another's by then.

use std::sync::Arc;

use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::hooks::QueueInfo;
use crate::queue::QueueError;
use crate::runtime::{Cell, Inside};
use crate::store::queue::{TakenMessage, give_back};

/// Messages on their way to the one who takes them.
pub(super) struct Held<A: Handlers> {
    cell: Arc<Cell<A>>,
    /// Whether that they are taken is committed.
    stands: bool,
    messages: Vec<TakenMessage>,
}

impl<A: Handlers> Held<A> {
    pub(super) fn new(cell: Arc<Cell<A>>) -> Self {
        Self {
            cell,
            stands: false,
            messages: Vec::new(),
        }
    }

    /// Returns what tells the system from all others.
    pub(super) fn epoch(&self) -> String {
        self.cell.system().waiting().epoch().to_owned()
    }

    pub(super) fn add(&mut self, message: TakenMessage) {
        self.messages.push(message);
    }

    pub(super) fn settled(&mut self, stands: bool) {
        self.stands = stands;
    }

    /// Leaves the messages to the one who took them.
    pub(super) fn received(mut self) {
        self.messages = Vec::new();
    }

    /// Tells whoever waits for a reply to a message that it is a dead letter.
    pub(super) fn tell_dead(&self, info: &'static QueueInfo, address: &str, reason: String) {
        let error = QueueError::DeadLetter {
            queue: info.name,
            reason,
        };
        let waiting = self.cell.system().waiting();
        waiting.answer(address, Err(CallError::Queue(error)));
    }
}

impl<A: Handlers> Drop for Held<A> {
    fn drop(&mut self) {
        // INVARIANT 2
        if !self.stands || self.messages.is_empty() {
            return;
        }
        let messages = std::mem::take(&mut self.messages);
        let give_back = Inside {
            touches: |changed: &bool| *changed,
            ..Inside::change("give back", move |connection: &mut SqliteConnection| {
                give_back(connection, &messages)
            })
        };
        self.cell.do_inside(give_back);
    }
}
