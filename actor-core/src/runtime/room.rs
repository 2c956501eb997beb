//! [`Room`]: who waits until there is room in a mailbox.
//!
//! # Invariants
//!
//! 1. First come, first served: nobody gets room while somebody who came earlier waits.
//! 2. Room that was granted is taken by a push or given back by a drop.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

/// Who waits until there is room in a mailbox.
#[derive(Default)]
pub(super) struct Room(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// In the order in which they came.
    line: VecDeque<(u64, Waker)>,
    /// How many were granted room and have not used it yet.
    granted: usize,
    next: u64,
}

/// A place in the line. One that is not in it any more was granted room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

impl Waiting {
    /// Returns where a place is in the line. There may be a hundred thousand; they are in the order of their numbers.
    fn find(&self, Place(id): Place) -> Option<usize> {
        self.line.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}

impl Room {
    /// Returns whether there is room for one more that does not wait in the line.
    pub(super) fn is_free(&self, used: usize, capacity: usize) -> bool {
        match &self.0 {
            None => used < capacity,
            Some(waiting) => waiting.line.is_empty() && used + waiting.granted < capacity,
        }
    }

    /// Waits for room in the line; joins it if there is no place in it yet.
    pub(super) fn poll(&mut self, place: &mut Option<Place>, waker: &Waker) -> Poll<()> {
        let waiting = self.0.get_or_insert_default();
        match *place {
            None => {
                waiting.next += 1;
                waiting.line.push_back((waiting.next, waker.clone()));
                *place = Some(Place(waiting.next));
                Poll::Pending
            }
            Some(place) => match waiting.find(place) {
                Some(index) => {
                    waiting.line[index].1.clone_from(waker);
                    Poll::Pending
                }
                None => Poll::Ready(()),
            },
        }
    }

    /// Notes that granted room is used, or not needed any more.
    pub(super) fn settle(&mut self) {
        if let Some(waiting) = &mut self.0 {
            waiting.granted -= 1;
        }
    }

    /// Leaves the line.
    pub(super) fn leave(&mut self, place: Place) {
        let Some(waiting) = &mut self.0 else { return };
        match waiting.find(place) {
            Some(index) => {
                waiting.line.remove(index);
            }
            None => self.settle(),
        }
    }

    /// Grants what room there is. Who is granted some has to be woken when no lock is held.
    pub(super) fn grant(&mut self, used: usize, capacity: usize) -> Vec<Waker> {
        let Some(waiting) = &mut self.0 else {
            return Vec::new();
        };
        let mut woken = Vec::new();
        while used + waiting.granted < capacity
            && let Some((_, waker)) = waiting.line.pop_front()
        {
            waiting.granted += 1;
            woken.push(waker);
        }
        if waiting.line.is_empty() && waiting.granted == 0 {
            self.0 = None;
        }
        woken
    }
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_granted_in_the_order_in_which_it_was_asked_for() {
        let mut room = Room::default();
        assert!(room.is_free(1, 2));
        assert!(!room.is_free(2, 2));
        let (mut first, mut second, mut third) = (None, None, None);
        for place in [&mut first, &mut second, &mut third] {
            assert!(room.poll(place, Waker::noop()).is_pending());
        }
        assert!(!room.is_free(0, 2), "three are before");
        room.leave(second.unwrap());
        assert_eq!(room.grant(1, 2).len(), 1);
        assert!(room.poll(&mut first, Waker::noop()).is_ready());
        assert!(room.poll(&mut third, Waker::noop()).is_pending());
        // The first is dropped before it used its room: the third gets it.
        room.leave(first.unwrap());
        assert_eq!(room.grant(1, 2).len(), 1);
        assert!(room.poll(&mut third, Waker::noop()).is_ready());
        room.settle();
        assert_eq!(room.grant(2, 2).len(), 0);
        assert!(room.is_free(1, 2));
    }
}
