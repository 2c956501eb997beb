//! [`Line`]: the place of a call that waits for room.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::actor::Handlers;
use crate::observe::trace::Caller;
use crate::runtime::cell::Cell;
use crate::runtime::room::Place as InLine;

/// A place in the line for room in a mailbox, which is left when this is dropped.
pub(crate) struct Line<'c, A: Handlers> {
    pub(super) cell: &'c Arc<Cell<A>>,
    pub(super) place: Option<InLine>,
    /// Where the call is made, if somebody wants to know.
    pub(super) caller: Caller,
}

impl<'c, A: Handlers> Line<'c, A> {
    /// Stands nowhere yet.
    pub(crate) fn new(cell: &'c Arc<Cell<A>>) -> Self {
        let caller = Caller::default();
        Self {
            cell,
            place: None,
            caller,
        }
    }

    pub(super) fn poll(&mut self, task: &Context<'_>) -> Poll<()> {
        let is_new = self.place.is_none();
        let polled = self.cell.mailbox().poll_room(&mut self.place, task.waker());
        if is_new && self.place.is_some() {
            self.cell.metrics().call_waits();
        }
        polled
    }
}

impl<A: Handlers> Drop for Line<'_, A> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.cell.mailbox().leave_room(place);
        }
    }
}
