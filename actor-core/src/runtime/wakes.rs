//! [`Wakes`]: the actors that are awake only because something of theirs was due.
//!
//! # Invariants
//!
//! 1. There are at most [`limits::WOKEN`] of them, and at most [`limits::WOKEN_AT_WORK`] have just been woken and have not done what
//!    is due. An actor counts for a bounded time only, so that one that never ends holds up no other for ever.
//! 2. One is put to sleep early only when others wait for its place, when it has done what was due, and when nobody called it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use tokio::time::Instant;

use crate::limits;

/// What becomes of an actor that is asked to sleep early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doze {
    /// It sleeps already, or is about to.
    Sleeps,
    /// Others need it, or it never sleeps by itself.
    Needed,
    /// It does something still.
    Busy,
}

/// An actor that may sleep early.
pub(super) trait Dozes: Send + Sync {
    /// Puts the actor to sleep if it does nothing, and nothing was sent to it since as much was pushed.
    fn doze(self: Arc<Self>, pushed: u64) -> Doze;
}

/// What tells cells apart: their addresses, which no other has while it is referred to.
pub(super) type Place = usize;

/// An actor that was woken.
struct Woken {
    place: Place,
    cell: Weak<dyn Dozes>,
    since: Instant,
    /// How much was ever pushed into its mailbox, with the last notice.
    pushed: u64,
}

/// One that may be put to sleep early.
pub(super) struct Candidate {
    pub(super) id: u64,
    pub(super) cell: Weak<dyn Dozes>,
    pub(super) pushed: u64,
}

/// The actors that are awake only because something of theirs was due, in the order in which they were woken.
#[derive(Default)]
pub(super) struct Wakes {
    next: u64,
    ids: HashMap<Place, u64>,
    woken: BTreeMap<u64, Woken>,
    /// Those that have not done what is due, as far as is known.
    working: BTreeSet<u64>,
    /// Those that have, and were not asked to sleep.
    rested: BTreeSet<u64>,
    /// Those that were asked to sleep, and do not yet.
    told: BTreeSet<u64>,
}

impl Wakes {
    pub(super) fn len(&self) -> usize {
        self.woken.len()
    }

    /// Adds an actor that is about to be woken, unless it is here. Returns whether it was added.
    pub(super) fn enroll(&mut self, place: Place, cell: Weak<dyn Dozes>) -> bool {
        if self.ids.contains_key(&place) {
            return false;
        }
        let id = self.next;
        self.next += 1;
        self.ids.insert(place, id);
        self.working.insert(id);
        let woken = Woken {
            place,
            cell,
            since: Instant::now(),
            pushed: 0,
        };
        self.woken.insert(id, woken);
        true
    }

    /// Notes that the notice was pushed, as the last of so many; and whether it woke the actor.
    pub(super) fn notified(&mut self, place: Place, was_added: bool, wakes: bool, pushed: u64) {
        let Some(&id) = self.ids.get(&place) else {
            return;
        };
        if was_added && !wakes {
            self.remove(id);
            return;
        }
        let Some(woken) = self.woken.get_mut(&id) else {
            return;
        };
        if wakes || woken.pushed + 1 == pushed {
            woken.pushed = pushed;
        }
        if wakes && !was_added {
            // It has slept meanwhile.
            woken.since = Instant::now();
            self.rested.remove(&id);
            self.told.remove(&id);
            self.working.insert(id);
        }
    }

    /// Notes that an actor has done what was due, if it was woken for it. Returns whether it was.
    pub(super) fn rested(&mut self, place: Place) -> bool {
        let Some(&id) = self.ids.get(&place) else {
            return false;
        };
        let worked = self.working.remove(&id);
        let rests = !self.told.contains(&id) && self.rested.insert(id);
        worked || rests
    }

    /// Notes that an actor sleeps. Returns whether it was here.
    pub(super) fn gone(&mut self, place: Place) -> bool {
        let id = self.ids.get(&place).copied();
        id.is_some_and(|id| self.remove(id))
    }

    fn remove(&mut self, id: u64) -> bool {
        self.working.remove(&id);
        self.rested.remove(&id);
        self.told.remove(&id);
        let woken = self.woken.remove(&id);
        if let Some(woken) = &woken {
            self.ids.remove(&woken.place);
        }
        woken.is_some()
    }

    /// INVARIANT 1: returns how many may be woken now.
    pub(super) fn room(&mut self, now: Instant) -> usize {
        let since = |wakes: &Self, id: &u64| wakes.woken.get(id).map(|woken| woken.since);
        while let Some(&id) = self.working.first()
            && since(self, &id).is_none_or(|since| now >= since + limits::WOKEN_WORKS)
        {
            self.working.remove(&id);
        }
        if self.len() >= limits::WOKEN {
            let expired = |(_, woken): &(&u64, &Woken)| now >= woken.since + limits::WOKEN_COUNTS;
            let expired: Vec<_> = self.unrested().filter(expired).map(|(id, _)| *id).collect();
            for id in expired {
                self.remove(id);
            }
        }
        let at_work = limits::WOKEN_AT_WORK.saturating_sub(self.working.len());
        at_work.min(limits::WOKEN.saturating_sub(self.len()))
    }

    /// Returns those that are awake for a reason that is not over, as far as is known.
    fn unrested(&self) -> impl Iterator<Item = (&u64, &Woken)> {
        let woken = self.woken.iter();
        woken.filter(|(id, _)| !self.rested.contains(id))
    }

    /// Takes those who may sleep early so that as many others may be woken as are `wanted`: the oldest first.
    pub(super) fn candidates(&mut self, wanted: usize) -> Vec<Candidate> {
        if self.len() < limits::WOKEN {
            return Vec::new();
        }
        let at_work = limits::WOKEN_AT_WORK.saturating_sub(self.working.len());
        let wanted = wanted.min(at_work).saturating_sub(self.told.len());
        let mut candidates = Vec::new();
        while candidates.len() < wanted
            && let Some(id) = self.rested.pop_first()
        {
            candidates.extend(self.woken.get(&id).map(|woken| Candidate {
                id,
                cell: Weak::clone(&woken.cell),
                pushed: woken.pushed,
            }));
        }
        candidates
    }

    /// Notes what became of one that was asked to sleep, if it is still there. It counts until it does.
    pub(super) fn dozes(&mut self, id: u64, doze: Option<Doze>) {
        match doze {
            None | Some(Doze::Needed) => {
                self.remove(id);
            }
            Some(Doze::Sleeps) => {
                // It may sleep already.
                if let Some(woken) = self.woken.get_mut(&id) {
                    woken.since = Instant::now();
                    self.told.insert(id);
                }
            }
            Some(Doze::Busy) => {
                let since = self.woken.get(&id).map(|woken| woken.since);
                match since.map(|since| since + limits::WOKEN_COUNTS) {
                    // It was about to wait for mail.
                    Some(counts) if Instant::now() < counts => {
                        self.rested.insert(id);
                    }
                    _ => {
                        self.remove(id);
                    }
                }
            }
        }
    }

    /// Returns when there may be room, if nobody says so before.
    pub(super) fn look_at(&self) -> Option<Instant> {
        let since = |id: &u64| self.woken.get(id).map(|woken| woken.since);
        let works = self.working.first().and_then(since);
        let works = works.map(|since| since + limits::WOKEN_WORKS);
        let counts = self.unrested().map(|(_, woken)| woken.since).min();
        let counts = counts.map(|since| since + limits::WOKEN_COUNTS);
        works.into_iter().chain(counts).min()
    }
}
