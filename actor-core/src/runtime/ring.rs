//! [`Ring`]: the values of one channel that some of its readers have not taken yet, kept once for all of them.
//!
//! Sending, taking and leaving cost the same however many readers there are: a reader is a position, and a value counts the readers
//! that take it next.
//!
//! # Invariants
//!
//! 1. Each slot counts the readers at it, and `at_end` counts those that have taken everything. Readers whose position was pushed
//!    out of a full ring count as being at the first slot.
//! 2. The first slot has a reader, unless there is no slot: what nobody takes any more is not kept.

use std::collections::VecDeque;
use std::sync::Arc;

/// Below how many slots a ring keeps its memory.
const KEPT_SLOTS: usize = 32;

/// The values that some readers have not taken yet. A position is the number of the value that its reader takes next.
pub(super) struct Ring<T> {
    slots: VecDeque<Slot<T>>,
    /// The number of the first slot.
    first: u64,
    /// How many readers have taken everything.
    at_end: usize,
    /// How many readers there are.
    readers: usize,
    /// How many slots are kept at most.
    most: usize,
}

struct Slot<T> {
    value: Arc<T>,
    /// How many readers take it next.
    readers: usize,
}

impl<T> Ring<T> {
    /// Makes the ring of readers that keep up to `most` values; the next value has the number `next`.
    pub(super) fn new(next: u64, most: usize) -> Self {
        Self {
            slots: VecDeque::new(),
            first: next,
            at_end: 0,
            readers: 0,
            most,
        }
    }

    /// Adds a reader, which takes what is pushed from now on, and returns its position.
    pub(super) fn enter(&mut self) -> u64 {
        self.readers += 1;
        self.at_end += 1;
        self.end()
    }

    /// Takes a reader out. What is returned is to be dropped without a lock.
    #[must_use = "who holds a lock drops it later"]
    pub(super) fn leave(&mut self, position: u64) -> Vec<Arc<T>> {
        self.readers -= 1;
        *self.readers_at(position) -= 1;
        self.tidy()
    }

    pub(super) fn is_unread(&self) -> bool {
        self.readers == 0
    }

    /// Returns the number of the value that is pushed next.
    fn end(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn index(&self, position: u64) -> usize {
        let index = position.saturating_sub(self.first);
        usize::try_from(index).expect("a position is in memory or just behind it")
    }

    fn readers_at(&mut self, position: u64) -> &mut usize {
        let index = self.index(position);
        match self.slots.get_mut(index) {
            Some(slot) => &mut slot.readers,
            None => &mut self.at_end,
        }
    }

    /// Adds a value. What there is no room for is returned, to be dropped without a lock.
    #[must_use = "who holds a lock drops it later"]
    pub(super) fn push(&mut self, value: Arc<T>) -> Option<Arc<T>> {
        let readers = std::mem::take(&mut self.at_end);
        self.slots.push_back(Slot { value, readers });
        if self.slots.len() <= self.most {
            // INVARIANT 2: where nobody had anything to take, all readers are at this one.
            return None;
        }
        let oldest = self.slots.pop_front()?;
        self.first += 1;
        // INVARIANT 1
        *self.readers_at(self.first) += oldest.readers;
        Some(oldest.value)
    }

    /// Moves a reader forward over values that it does not take.
    #[must_use = "who holds a lock drops it later"]
    pub(super) fn skip(&mut self, from: u64, to: u64) -> Vec<Arc<T>> {
        *self.readers_at(from) -= 1;
        *self.readers_at(to) += 1;
        self.tidy()
    }

    /// Takes the value at the position of a reader, which is not at the end, and moves the reader on. What nobody takes any more comes
    /// with it, to be dropped without a lock.
    pub(super) fn take(&mut self, position: u64) -> (Arc<T>, Vec<Arc<T>>) {
        let index = self.index(position);
        *self.readers_at(position + 1) += 1;
        let slot = &mut self.slots[index];
        slot.readers -= 1;
        if index > 0 || slot.readers > 0 {
            return (Arc::clone(&slot.value), Vec::new());
        }
        // The last reader of it gets the value itself.
        let slot = self.slots.pop_front().expect("it was just there");
        self.first += 1;
        (slot.value, self.tidy())
    }

    /// INVARIANT 2: takes out what nobody takes any more.
    fn tidy(&mut self) -> Vec<Arc<T>> {
        let mut passed = Vec::new();
        while let Some(slot) = self.slots.pop_front_if(|slot| slot.readers == 0) {
            steps::count();
            self.first += 1;
            passed.push(slot.value);
        }
        if self.slots.capacity() > KEPT_SLOTS && self.slots.len() < self.slots.capacity() / 4 {
            self.slots.shrink_to(2 * self.slots.len());
        }
        passed
    }

    /// Returns for how many values there is memory.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.slots.capacity()
    }
}

/// Counts what is not done once for each call, so that tests see that it is bounded.
pub(super) mod steps {
    #[cfg(test)]
    thread_local! {
        static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    /// Counts a step.
    #[inline]
    pub(in crate::runtime) fn count() {
        #[cfg(test)]
        STEPS.set(STEPS.get() + 1);
    }

    /// Returns how many steps this thread made meanwhile.
    #[cfg(test)]
    pub(in crate::runtime) fn of(work: impl FnOnce()) -> usize {
        let before = STEPS.get();
        work();
        STEPS.get() - before
    }
}
