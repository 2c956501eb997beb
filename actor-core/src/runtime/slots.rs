//! [`Slots`]: reusable places for replies, so that an ask allocates nothing.
//!
//! # Invariants
//!
//! 1. A place that is free is taken by [`Slots::insert`] only, which whoever holds the mailbox calls.
//! 2. There are at most about twice as many places as were ever needed at once.
//!
//! Each place has a lock of its own: who answers and who waits meet there, and not in the mailbox, for which others wait.

use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::actor::Handlers;
use crate::error::CallError;

/// A reply in its place. An error is large, rare, and so apart.
pub(crate) type Kept<A> = Result<<A as Handlers>::Reply, Box<CallError>>;

/// The place of a reply of an actor of this type.
pub(crate) type ReplySlot<A> = Slot<Kept<A>>;

/// One place, held by who waits for the reply, by who will give it, and by those who use it again.
#[derive(Debug)]
pub(crate) struct Slot<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
enum State<T> {
    /// Nobody's.
    Free,
    /// The reply has not come.
    Waiting(Waker),
    /// The reply is there.
    Done(T),
    /// Nobody waits any more, and the reply has not come.
    Abandoned,
}

/// What became of a reply that was put in.
#[must_use]
pub(super) enum Completed<T> {
    /// It waits to be taken by this one.
    Wake(Waker),
    /// Nobody waits for it.
    Unclaimed(T),
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Slot<T> {
    fn new(waker: Waker) -> Self {
        Self(Arc::new(Mutex::new(State::Waiting(waker))))
    }

    /// Takes the place, if it is free.
    fn claim(&self, waker: &Waker) -> bool {
        let mut state = self.0.lock();
        let is_free = matches!(*state, State::Free);
        if is_free {
            *state = State::Waiting(waker.clone());
        }
        is_free
    }

    /// Returns whether it is the same place.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Puts the reply in, if anybody waits for it.
    pub(super) fn complete(&self, reply: T) -> Completed<T> {
        let mut state = self.0.lock();
        match &*state {
            State::Waiting(_) => {
                let State::Waiting(waker) = std::mem::replace(&mut *state, State::Done(reply))
                else {
                    unreachable!("it was just looked at")
                };
                Completed::Wake(waker)
            }
            State::Abandoned => {
                *state = State::Free;
                Completed::Unclaimed(reply)
            }
            State::Free | State::Done(_) => unreachable!("an ask is answered once"),
        }
    }

    /// Takes the reply out if it is there, and gives the place back.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<T> {
        let mut state = self.0.lock();
        match &mut *state {
            State::Waiting(known) => {
                known.clone_from(waker);
                Poll::Pending
            }
            State::Done(_) => {
                let State::Done(reply) = std::mem::replace(&mut *state, State::Free) else {
                    unreachable!("it was just looked at")
                };
                Poll::Ready(reply)
            }
            State::Free | State::Abandoned => unreachable!("a reply is taken once"),
        }
    }

    /// Gives the place back, now or when the reply comes. Returns a reply that nobody took: it may run code of the user's when it
    /// is dropped.
    pub(crate) fn abandon(&self) -> Option<T> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Abandoned) {
            State::Waiting(_) => None,
            State::Done(reply) => {
                *state = State::Free;
                Some(reply)
            }
            State::Free | State::Abandoned => unreachable!("an ask is dropped once"),
        }
    }

    /// Returns whether the reply has not come.
    fn is_open(&self) -> bool {
        matches!(*self.0.lock(), State::Waiting(_) | State::Abandoned)
    }

    fn waker(&self) -> Option<Waker> {
        match &*self.0.lock() {
            State::Waiting(waker) => Some(waker.clone()),
            _ => None,
        }
    }
}

/// All places of a mailbox.
#[derive(Debug)]
pub(super) struct Slots<T> {
    all: Vec<Slot<T>>,
    /// Which is looked at next: the one that was used the longest ago.
    next: u32,
    /// How many may be found in use before another one is made. It grows with each ask, so that looking costs little, and what is
    /// free is found.
    patience: u32,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            next: 0,
            patience: 0,
        }
    }

    /// Takes a place for who is woken by `waker`.
    pub(super) fn insert(&mut self, waker: &Waker) -> Slot<T> {
        let count = u32::try_from(self.all.len()).expect("a mailbox is bounded below 2^32");
        self.patience = count.min(self.patience + 2);
        while self.patience > 0 {
            let slot = &self.all[self.next as usize];
            self.next = (self.next + 1) % count;
            // INVARIANT 1
            if slot.claim(waker) {
                return slot.clone();
            }
            self.patience -= 1;
        }
        if count == 0 {
            // Most actors are asked by one at a time.
            self.all.reserve_exact(1);
        }
        let slot = Slot::new(waker.clone());
        self.all.push(slot.clone());
        slot
    }

    /// Returns the places without a reply.
    pub(super) fn open(&self) -> impl Iterator<Item = &Slot<T>> {
        self.all.iter().filter(|slot| slot.is_open())
    }

    /// Returns whom to wake so that everybody who waits looks at the time.
    pub(super) fn waiting(&self) -> Vec<Waker> {
        self.all.iter().filter_map(Slot::waker).collect()
    }

    /// Lets the memory go that no place needs, if it is much.
    pub(super) fn shrink(&mut self, keep: usize) {
        let is_free = |slot: &Slot<T>| matches!(*slot.0.lock(), State::Free);
        if self.all.len() > keep && self.all.iter().all(is_free) {
            *self = Self::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert<T>(slots: &mut Slots<T>) -> Slot<T> {
        slots.insert(Waker::noop())
    }

    #[test]
    fn places_are_used_again() {
        let mut slots = Slots::new();
        let first = insert(&mut slots);
        let second = insert(&mut slots);
        assert!(!second.is(&first));
        assert!(first.poll(Waker::noop()).is_pending());
        assert!(matches!(first.complete(1), Completed::Wake(_)));
        assert_eq!(first.poll(Waker::noop()), Poll::Ready(1));
        assert!(insert(&mut slots).is(&first));
        assert_eq!(second.abandon(), None);
        assert!(matches!(second.complete(2), Completed::Unclaimed(2)));
        assert!(insert(&mut slots).is(&second));
        assert_eq!(slots.all.len(), 2);
    }

    #[test]
    fn a_reply_that_nobody_took_comes_back() {
        let mut slots = Slots::new();
        let only = insert(&mut slots);
        let _ = only.complete("late");
        assert_eq!(only.abandon(), Some("late"));
        assert!(insert(&mut slots).is(&only));
    }

    #[test]
    fn places_that_stay_in_use_do_not_make_ever_more_of_them() {
        let mut slots = Slots::new();
        let slow: Vec<_> = (0..100).map(|_| insert(&mut slots)).collect();
        for _ in 0..100_000 {
            let quick = insert(&mut slots);
            let _ = quick.complete(());
            assert_eq!(quick.poll(Waker::noop()), Poll::Ready(()));
        }
        assert!(slots.all.len() <= 200, "{}", slots.all.len());
        assert_eq!(slots.open().count(), slow.len());
        for slot in slow {
            assert_eq!(slot.abandon(), None);
            let _ = slot.complete(());
        }
        slots.shrink(32);
        assert_eq!(slots.all.len(), 0);
    }
}
