//! [`Alarms`]: the times of all cells of a system, behind one timer of tokio's.
//!
//! A hundred thousand idle actors would be as many timers otherwise. An alarm that rings too early is not a mistake: who is
//! rung looks for itself what it is time for.
//!
//! # Invariants
//!
//! 1. The task sleeps until the first alarm at most: one that is set before that wakes it.
//! 2. An entry is in the list of one bucket, or in the free list.

use std::collections::BTreeMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

use crate::limits;
use crate::runtime::pulse;

/// Who can be rung.
pub(crate) trait Rung: Send + Sync {
    /// It is time, or was set once and is not any more.
    fn ring(self: Arc<Self>, why: Why, now: u64);
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The actor may have been idle for long enough.
    Idle,
    /// Somebody may have waited for long enough.
    Limit,
}

/// One alarm. It stays good for [`Alarms::cancel`] when it has rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlarmId {
    entry: u32,
    /// Tells apart the alarms that use an entry one after the other. Never 0, so that no alarm takes no room.
    stamp: NonZeroU32,
}

/// Stands for no entry.
const NONE: u32 = u32::MAX;

/// All alarms of a system.
pub(crate) struct Alarms {
    wheel: Mutex<Wheel>,
    /// Times are milliseconds from here, as those of tokio are.
    epoch: Instant,
    /// What was seen of the time in a beat of the coarse clock, if it may be used for all of that beat.
    seen: Option<AtomicU64>,
}

/// How many bits of [`Alarms::seen`] are a time: 34 years of milliseconds. The others are those of the beat.
const TIME_BITS: u32 = 40;

struct Wheel {
    entries: Vec<Entry>,
    free: u32,
    stamp: NonZeroU32,
    /// The first entry of each millisecond.
    buckets: BTreeMap<u64, u32>,
    /// Until when the task sleeps.
    sleeps_until: u64,
    sleeper: Option<Waker>,
    closed: bool,
}

enum Entry {
    Free(u32),
    Set {
        at: u64,
        who: Weak<dyn Rung>,
        stamp: NonZeroU32,
        previous: u32,
        next: u32,
        why: Why,
    },
}

impl Alarms {
    pub(crate) fn new(runtime: &Handle) -> Arc<Self> {
        // Only a runtime of one thread can have a clock that a test moves, and that jumps within a beat.
        let is_real = runtime.runtime_flavor() != RuntimeFlavor::CurrentThread;
        Arc::new(Self {
            seen: (is_real && pulse::is_beating()).then(|| AtomicU64::new(u64::MAX)),
            wheel: Mutex::new(Wheel {
                entries: Vec::new(),
                free: NONE,
                stamp: NonZeroU32::MIN,
                buckets: BTreeMap::new(),
                sleeps_until: 0,
                sleeper: None,
                closed: false,
            }),
            epoch: Instant::now(),
        })
    }

    /// Returns the millisecond of a time, not before it.
    pub(crate) fn at(&self, time: Instant) -> u64 {
        let nanos = time.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// Returns the millisecond that it is, or that begins next.
    pub(super) fn now(&self) -> u64 {
        self.at(Instant::now())
    }

    /// Returns a millisecond that was just now, and one that comes very soon: it is between them, and they are
    /// [`limits::PULSE`] apart, unless the thread of the coarse clock is held up. It costs less than a look at the clock.
    #[inline]
    pub(super) fn about_now(&self) -> (u64, u64) {
        let Some(seen) = &self.seen else {
            let now = self.now();
            return (now, now);
        };
        let was = Self::in_beat(seen, || self.now());
        (was, Self::behind(was, limits::PULSE))
    }

    /// Returns the time at the first look in this beat.
    fn in_beat(seen: &AtomicU64, now: impl FnOnce() -> u64) -> u64 {
        let tag = u64::from(pulse::beat()) << TIME_BITS;
        let known = seen.load(Ordering::Relaxed);
        if known >> TIME_BITS == tag >> TIME_BITS {
            return known & ((1 << TIME_BITS) - 1);
        }
        let time = now();
        seen.store(tag | time, Ordering::Relaxed);
        time
    }

    /// Returns the millisecond that comes a while behind another.
    pub(super) fn behind(at: u64, pause: Duration) -> u64 {
        let pause = u64::try_from(pause.as_nanos().div_ceil(1_000_000));
        at.saturating_add(pause.unwrap_or(u64::MAX))
    }

    /// Returns the millisecond that comes a while behind now.
    pub(crate) fn behind_now(&self, pause: Duration) -> u64 {
        Self::behind(self.now(), pause)
    }

    /// Returns the millisecond that is over.
    fn passed(&self) -> u64 {
        let passed = Instant::now().saturating_duration_since(self.epoch);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns whether a millisecond has come.
    pub(crate) fn is_over(&self, at: u64) -> bool {
        self.passed() >= at
    }

    /// Sets an alarm.
    pub(super) fn set(&self, at: u64, who: Weak<dyn Rung>, why: Why) -> AlarmId {
        let mut wheel = self.wheel.lock();
        let id = wheel.insert(at, who, why);
        let sleeper = if at < wheel.sleeps_until {
            // INVARIANT 1
            wheel.sleeps_until = at;
            wheel.sleeper.take()
        } else {
            None
        };
        drop(wheel);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
        id
    }

    /// Takes an alarm back, if it has not rung.
    pub(super) fn cancel(&self, id: AlarmId) {
        let mut wheel = self.wheel.lock();
        let is_set = matches!(&wheel.entries[id.entry as usize], Entry::Set { stamp, .. } if *stamp == id.stamp);
        let who = is_set.then(|| wheel.remove(id.entry));
        drop(wheel);
        drop(who);
    }

    /// Ends the task.
    pub(crate) fn close(&self) {
        let mut wheel = self.wheel.lock();
        wheel.closed = true;
        let sleeper = wheel.sleeper.take();
        drop(wheel);
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
    }

    /// Rings whoever it is time for, until the alarms are closed.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
        let mut due = Vec::new();
        loop {
            let passed = self.passed();
            self.wheel.lock().take_due(passed, &mut due);
            let many = due.len() >= limits::ALARMS_AT_ONCE;
            for (who, why) in due.drain(..) {
                if let Some(who) = who.upgrade() {
                    who.ring(why, passed);
                }
            }
            if many {
                tokio::task::yield_now().await;
                continue;
            }
            let closed = std::future::poll_fn(|task| {
                let mut wheel = self.wheel.lock();
                if wheel.closed {
                    return Poll::Ready(true);
                }
                let first = wheel.buckets.first_key_value().map(|(at, _)| *at);
                if wheel.sleeper.is_some() && wheel.sleeps_until == first.unwrap_or(u64::MAX) {
                    drop(wheel);
                    return timer.as_mut().poll(task).map(|()| false);
                }
                wheel.sleeps_until = first.unwrap_or(u64::MAX);
                wheel.sleeper = Some(task.waker().clone());
                drop(wheel);
                let Some(first) = first else {
                    return Poll::Pending;
                };
                timer
                    .as_mut()
                    .reset(self.epoch + Duration::from_millis(first));
                timer.as_mut().poll(task).map(|()| false)
            });
            let closed = closed.await;
            self.wheel.lock().sleeper = None;
            if closed {
                return;
            }
        }
    }
}

impl Wheel {
    fn insert(&mut self, at: u64, who: Weak<dyn Rung>, why: Why) -> AlarmId {
        self.stamp = self.stamp.checked_add(1).unwrap_or(NonZeroU32::MIN);
        let stamp = self.stamp;
        let entry = if self.free == NONE {
            self.entries.push(Entry::Free(NONE));
            let entry = u32::try_from(self.entries.len() - 1);
            entry.expect("a cell has two alarms at most")
        } else {
            self.free
        };
        let Entry::Free(free) = self.entries[entry as usize] else {
            unreachable!("INVARIANT 2: the free list holds free entries")
        };
        self.free = free;
        let first = self.buckets.entry(at).or_insert(NONE);
        let next = std::mem::replace(first, entry);
        self.entries[entry as usize] = Entry::Set {
            at,
            who,
            stamp,
            previous: NONE,
            next,
            why,
        };
        if let Some(Entry::Set { previous, .. }) = self.entries.get_mut(next as usize) {
            *previous = entry;
        }
        AlarmId { entry, stamp }
    }

    fn remove(&mut self, id: u32) -> Weak<dyn Rung> {
        let entry = std::mem::replace(&mut self.entries[id as usize], Entry::Free(self.free));
        self.free = id;
        let Entry::Set {
            at,
            who,
            previous,
            next,
            ..
        } = entry
        else {
            unreachable!("INVARIANT 2: the entry was just seen to be set")
        };
        if let Some(Entry::Set { previous: back, .. }) = self.entries.get_mut(next as usize) {
            *back = previous;
        }
        if let Some(Entry::Set { next: on, .. }) = self.entries.get_mut(previous as usize) {
            *on = next;
        } else if next == NONE {
            self.buckets.remove(&at);
        } else {
            self.buckets.insert(at, next);
        }
        who
    }

    /// Takes out what is due, not too much at once.
    fn take_due(&mut self, passed: u64, due: &mut Vec<(Weak<dyn Rung>, Why)>) {
        while due.len() < limits::ALARMS_AT_ONCE
            && let Some((&at, &id)) = self.buckets.first_key_value()
            && at <= passed
        {
            let Entry::Set { why, .. } = self.entries[id as usize] else {
                unreachable!("INVARIANT 2: buckets hold entries that are set")
            };
            due.push((self.remove(id), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes when it was rung.
    struct Clock(Mutex<Vec<u64>>);

    impl Rung for Clock {
        fn ring(self: Arc<Self>, _: Why, now: u64) {
            self.0.lock().push(now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_ring_at_their_time_in_any_order_and_not_when_they_were_taken_back() {
        let alarms = Alarms::new(&Handle::current());
        let task = tokio::spawn(Arc::clone(&alarms).run());
        let clock = Arc::new(Clock(Mutex::default()));
        let who = || Arc::downgrade(&clock) as Weak<dyn Rung>;
        alarms.set(300, who(), Why::Idle);
        let ids: Vec<_> = (0..3).map(|_| alarms.set(100, who(), Why::Limit)).collect();
        alarms.cancel(ids[1]);
        let only = alarms.set(200, who(), Why::Idle);
        tokio::time::sleep(Duration::from_millis(10)).await;
        // Earlier than all that the task knows.
        alarms.set(50, who(), Why::Idle);
        alarms.cancel(only);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(*clock.0.lock(), [50, 100, 100, 300]);
        alarms.close();
        task.await.unwrap();
    }
}
