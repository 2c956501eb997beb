//! [`Hired`]: a thread of somebody else's that writes the log while there is something to write, or that only stays as long.
//!
//! Whoever hires from a runtime keeps its paused time from running on by itself: the runtime is not idle while a hired thread is at work.
//! A log with threads of its own hires one for that alone, and does not depend on it: it may never come, because others have taken
//! all places.

use std::cell::Cell;
use std::sync::Arc;

use super::engine::{Buffer, Engine};
use super::sync::thread_local;
use crate::store::log::Entry;

/// One hired thread writes and syncs while the other tells those whose records are settled.
const HIRED_MAX: usize = 2;

/// What a thread does that finds nothing to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idle {
    /// It returns.
    Return,
    /// It waits for work until the log is closed.
    Wait,
    /// It returns, and is no longer among the hired.
    Leave,
}

thread_local! {
    /// Whether this thread is at work for a log, and may drop the last that holds it.
    static IS_HIRED: Cell<bool> = const { Cell::new(false) };
}

/// A thread that was hired, counted until it has left.
pub(super) struct Hired<E: Entry>(Option<Arc<Engine<E>>>);

impl<E: Entry> Hired<E> {
    pub(super) fn new(engine: Arc<Engine<E>>) -> Self {
        Self(Some(engine))
    }

    /// Writes until there is nothing to do.
    pub(super) fn work(mut self) {
        if let Some(engine) = self.0.take() {
            IS_HIRED.with(|is_hired| is_hired.set(true));
            if engine.begin_work() {
                if engine.hold.get().is_some() {
                    engine.stay();
                } else {
                    engine.work(Idle::Leave);
                }
            }
            // It is counted out already, and may be the last that has the log.
            drop(engine);
            IS_HIRED.with(|is_hired| is_hired.set(false));
        }
    }
}

impl<E: Entry> Drop for Hired<E> {
    fn drop(&mut self) {
        // It never came to work: the runtime that it was hired from has ended.
        if let Some(engine) = self.0.take() {
            engine.buffer.lock().hired -= 1;
        }
    }
}

impl<E: Entry> Engine<E> {
    /// Wakes the thread that waits for work. Returns whether one has to be hired, once the lock is given up.
    #[must_use]
    pub(super) fn rouse(&self, buffer: &mut Buffer<E>) -> bool {
        if buffer.is_idle {
            self.work.notify_one();
        }
        let hire = self.hire.get().is_some() && buffer.hired < HIRED_MAX
            || self.hold.get().is_some() && buffer.hired == 0;
        buffer.hired += usize::from(hire);
        hire
    }

    /// Hires a thread that [`rouse`](Self::rouse) has counted.
    pub(super) fn hire_if(&self, hire: bool) {
        if hire && let Some(hire) = self.hire.get().or(self.hold.get()) {
            hire();
        }
    }

    /// Stays until nothing is to be written, and nobody to be told of what is, or until nothing ever will be.
    fn stay(&self) {
        let mut buffer = self.buffer.lock();
        while buffer.is_open && self.poison.get().is_none() && !self.is_settled(&buffer) {
            buffer = self.rested.wait(buffer);
        }
        self.leave(&mut buffer, Idle::Leave);
    }

    fn is_settled(&self, buffer: &Buffer<E>) -> bool {
        let nothing = buffer.entries.is_empty() && buffer.under_way == 0;
        nothing && buffer.sync_to <= self.durable()
    }

    /// Counts a batch that was taken out, with those who are told of it.
    pub(super) fn batch_ended(&self) {
        if self.hold.get().is_some() {
            self.buffer.lock().under_way -= 1;
            self.rested.notify_all();
        }
    }

    /// Counts a hired thread among those at work. Returns whether it may be: whoever closes the log does the rest, and does not wait
    /// for those who come later.
    fn begin_work(&self) -> bool {
        let mut buffer = self.buffer.lock();
        if buffer.is_open {
            buffer.at_work += 1;
        } else {
            buffer.hired -= 1;
        }
        buffer.is_open
    }

    /// INVARIANT 7: counts a hired thread out, in the same step in which it saw that there is nothing to do.
    pub(super) fn leave(&self, buffer: &mut Buffer<E>, idle: Idle) {
        if idle == Idle::Leave {
            buffer.hired -= 1;
            buffer.at_work -= 1;
            self.work.notify_all();
        }
    }

    /// Waits until no hired thread is at work; a hired thread does not wait for itself.
    ///
    /// One that has not come yet does nothing: it may come only when this thread has ended, which may have the last place.
    pub(super) fn wait_for_hired(&self) {
        if IS_HIRED.with(Cell::get) {
            return;
        }
        let mut buffer = self.buffer.lock();
        while buffer.at_work > 0 {
            buffer = self.work.wait(buffer);
        }
    }
}
