//! [`Finished`]: who is told, when no lock is held, that a reply is there.

use std::cell::Cell;
use std::task::Waker;

use crate::runtime::guarded::dispose;
use crate::runtime::slots::Completed;

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

impl<R> Finished<R> {
    pub(super) fn add(&mut self, completed: Completed<R>) {
        match completed {
            Completed::Wake(waker) => self.wakers.push(waker),
            Completed::Unclaimed(reply) => self.unclaimed.push(reply),
        }
    }

    /// Wakes who waits.
    pub(in crate::runtime) fn tell(mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        WAKERS.set(self.wakers);
        if !self.unclaimed.is_empty() {
            // Also on the threads of the log, which must not end by it.
            dispose(self.unclaimed);
        }
    }
}
