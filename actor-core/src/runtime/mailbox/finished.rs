//! [`Finished`]: who is told, when no lock is held, that a reply is there.

use std::cell::Cell;
use std::task::Waker;

use crate::error::CallError;
use crate::runtime::guarded::{dispose, wake_all};
use crate::runtime::slots::{Completed, Slot};

thread_local! {
    /// Memory for those who are to be woken, so that an answer allocates nothing.
    static WAKERS: Cell<Vec<Waker>> = const { Cell::new(Vec::new()) };
}

/// Whom to wake, and what nobody takes, once no lock is held: both may run code of the user's.
#[must_use]
pub(in crate::runtime) struct Finished<R> {
    wakers: Vec<Waker>,
    unclaimed: Vec<R>,
}

impl<R> Default for Finished<R> {
    fn default() -> Self {
        Self {
            wakers: WAKERS.take(),
            unclaimed: Vec::new(),
        }
    }
}

impl<R> Finished<Result<R, Box<CallError>>> {
    /// Answers asks in their order.
    pub(in crate::runtime) fn answer(
        answers: impl IntoIterator<Item = (Slot<Result<R, Box<CallError>>>, Result<R, CallError>)>,
    ) -> Self {
        let mut finished = Self::default();
        for (slot, result) in answers {
            finished.add(&slot, result);
        }
        finished
    }

    pub(super) fn add(
        &mut self,
        slot: &Slot<Result<R, Box<CallError>>>,
        result: Result<R, CallError>,
    ) {
        match slot.complete(result.map_err(Box::new)) {
            Completed::Wake(waker) => self.wakers.push(waker),
            Completed::Unclaimed(reply) => self.unclaimed.push(reply),
        }
    }
}

impl<R> Finished<R> {
    /// Wakes who waits.
    pub(in crate::runtime) fn tell(mut self) {
        wake_all(self.wakers.drain(..));
        WAKERS.set(self.wakers);
        if !self.unclaimed.is_empty() {
            // Also on the threads of the log, which must not end by it.
            dispose(self.unclaimed);
        }
    }
}
