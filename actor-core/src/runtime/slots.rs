//! [`Slots`]: reusable places for replies, so that an ask allocates nothing.

use std::task::{Poll, Waker};

/// Which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotId(u32);

enum Slot<T> {
    /// Nobody's; the next free one, if any.
    Free(Option<u32>),
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

/// Reusable places for replies.
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Option<u32>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: None,
        }
    }

    /// Takes a place for who is woken by `waker`.
    pub(super) fn insert(&mut self, waker: Waker) -> SlotId {
        if let Some(index) = self.free {
            let slot = &mut self.slots[index as usize];
            let Slot::Free(next) = *slot else {
                unreachable!("the free list holds free slots")
            };
            self.free = next;
            *slot = Slot::Waiting(waker);
            return SlotId(index);
        }
        let index = u32::try_from(self.slots.len()).expect("a mailbox is bounded below 2^32");
        if self.slots.capacity() == 0 {
            // Most actors are asked by one at a time.
            self.slots.reserve_exact(1);
        }
        self.slots.push(Slot::Waiting(waker));
        SlotId(index)
    }

    /// Puts the reply in, if anybody waits for it.
    pub(super) fn complete(&mut self, id: SlotId, reply: T) -> Completed<T> {
        let slot = &mut self.slots[id.0 as usize];
        match slot {
            Slot::Waiting(_) => {
                let Slot::Waiting(waker) = std::mem::replace(slot, Slot::Done(reply)) else {
                    unreachable!("it was just looked at")
                };
                Completed::Wake(waker)
            }
            Slot::Abandoned => {
                self.release(id);
                Completed::Unclaimed(reply)
            }
            Slot::Free(_) | Slot::Done(_) => unreachable!("an ask is answered once"),
        }
    }

    /// Returns the places without a reply, but for those that are named by mail.
    pub(super) fn waiting_except<M>(
        &self,
        mail: &[M],
        place: impl Fn(&M) -> Option<SlotId>,
    ) -> Vec<SlotId> {
        let named: Vec<SlotId> = mail.iter().filter_map(place).collect();
        let ids = (0_u32..).zip(&self.slots);
        let waiting = ids.filter(|(_, slot)| matches!(slot, Slot::Waiting(_) | Slot::Abandoned));
        waiting
            .map(|(id, _)| SlotId(id))
            .filter(|id| !named.contains(id))
            .collect()
    }

    /// Takes the reply out if it is there, and gives the place back.
    pub(super) fn poll(&mut self, id: SlotId, waker: &Waker) -> Poll<T> {
        let slot = &mut self.slots[id.0 as usize];
        match slot {
            Slot::Waiting(known) => {
                known.clone_from(waker);
                Poll::Pending
            }
            Slot::Done(_) => {
                let Slot::Done(reply) = std::mem::replace(slot, Slot::Free(self.free)) else {
                    unreachable!("it was just looked at")
                };
                self.free = Some(id.0);
                Poll::Ready(reply)
            }
            Slot::Free(_) | Slot::Abandoned => unreachable!("a reply is taken once"),
        }
    }

    /// Gives the place back, now or when the reply comes. Returns a reply that nobody took.
    pub(super) fn abandon(&mut self, id: SlotId) -> Option<T> {
        let slot = &mut self.slots[id.0 as usize];
        match std::mem::replace(slot, Slot::Abandoned) {
            Slot::Waiting(_) => None,
            Slot::Done(reply) => {
                self.release(id);
                Some(reply)
            }
            Slot::Free(_) | Slot::Abandoned => unreachable!("an ask is dropped once"),
        }
    }

    /// Returns whom to wake so that everybody who waits looks at the time.
    pub(super) fn waiting(&self) -> Vec<Waker> {
        let waiting = self.slots.iter().filter_map(|slot| match slot {
            Slot::Waiting(waker) => Some(waker.clone()),
            _ => None,
        });
        waiting.collect()
    }

    /// Lets the memory go that no place needs, if it is much.
    pub(super) fn shrink(&mut self, keep: usize) {
        let free = |slot: &Slot<T>| matches!(slot, Slot::Free(_));
        if self.slots.capacity() > keep && self.slots.iter().all(free) {
            self.slots = Vec::new();
            self.free = None;
        }
    }

    fn release(&mut self, id: SlotId) {
        self.slots[id.0 as usize] = Slot::Free(self.free);
        self.free = Some(id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut slots = Slots::new();
        let first = slots.insert(Waker::noop().clone());
        let second = slots.insert(Waker::noop().clone());
        assert!(slots.poll(first, Waker::noop()).is_pending());
        assert!(matches!(slots.complete(first, 1), Completed::Wake(_)));
        assert_eq!(slots.poll(first, Waker::noop()), Poll::Ready(1));
        assert_eq!(slots.insert(Waker::noop().clone()), first);
        assert_eq!(slots.abandon(second), None);
        assert!(matches!(slots.complete(second, 2), Completed::Unclaimed(2)));
        assert_eq!(slots.insert(Waker::noop().clone()), second);
    }

    #[test]
    fn a_reply_that_nobody_took_comes_back() {
        let mut slots = Slots::new();
        let only = slots.insert(Waker::noop().clone());
        let _ = slots.complete(only, "late");
        assert_eq!(slots.abandon(only), Some("late"));
        assert_eq!(slots.insert(Waker::noop().clone()), only);
    }
}
