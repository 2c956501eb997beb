//! [`Observers`]: who is told what an actor does. What is told is any type of value; each has a channel of its own.
//!
//! # Invariants
//!
//! 1. There is a channel for a type while somebody observes it, and none after the last observer is gone.
//! 2. An observer gets what is sent in its order. What it does not take in time is counted, oldest first, and it is told of that
//!    before it gets what is kept.
//! 3. No code of the user's runs under a lock, and no waker is woken there.
//! 4. What is sent can be taken before the sender goes on. Who sends wakes a few of those who wait; a task wakes the others, and
//!    lets other tasks run in between.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::limits;
use crate::runtime::guarded::wake_all;
use crate::runtime::ring::{Ring, steps};

/// Until when somebody observes an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The actor is destroyed, or the system ends.
    Destroyed,
    /// The system ends.
    Shutdown,
}

/// Who observes one actor.
#[derive(Default)]
pub(crate) struct Observers(Vec<Observed>);

/// One type of value that somebody observes.
struct Observed {
    of: TypeId,
    until: Until,
    /// A `Channel` of the type.
    channel: Arc<dyn Any + Send + Sync>,
    has_observers: fn(&(dyn Any + Send + Sync)) -> bool,
}

impl Observers {
    /// Returns the channel of a type, if somebody observes it.
    pub(crate) fn channel<T: Send + Sync + 'static>(&self) -> Option<Arc<Channel<T>>> {
        let of = TypeId::of::<T>();
        let observed = self.0.iter().find(|observed| observed.of == of)?;
        Arc::clone(&observed.channel).downcast().ok()
    }

    /// Adds an observer of a place, who gets what is sent from now on. Where many wait, tasks of the runtime wake them.
    pub(crate) fn add<T: Send + Sync + 'static>(
        &mut self,
        capacity: usize,
        until: Until,
        place: Arc<dyn Place>,
        runtime: &Handle,
    ) -> Observer<T> {
        let channel = self.channel::<T>().unwrap_or_else(|| {
            let channel = Arc::new(Channel::new(runtime.clone()));
            self.0.push(Observed {
                of: TypeId::of::<T>(),
                until,
                channel: Arc::clone(&channel) as Arc<dyn Any + Send + Sync>,
                has_observers: |channel| {
                    let channel = channel.downcast_ref::<Channel<T>>();
                    channel.is_some_and(Channel::has_observers)
                },
            });
            channel
        });
        channel.add(capacity, place)
    }

    /// INVARIANT 1: takes the channels out that nobody observes any more.
    pub(crate) fn tidy(&mut self) {
        let has_observers = |observed: &Observed| (observed.has_observers)(&*observed.channel);
        self.0.retain(has_observers);
        self.0.shrink_to(self.0.len());
    }

    /// Takes the channels out that are over. Their observers learn of it when what is returned is dropped, and what still goes
    /// through them is sent.
    #[must_use = "who holds a lock drops it later"]
    pub(crate) fn end(&mut self, now: Until) -> impl Sized + use<> {
        let over = |observed: &mut Observed| now == Until::Shutdown || observed.until == now;
        self.0.extract_if(.., over).collect::<Vec<_>>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// All who observe one type of value of one actor. They learn that it is over when it is dropped.
pub(crate) struct Channel<T: Send + Sync + 'static>(Arc<Shared<T>>);

/// What a channel and its observers share.
struct Shared<T> {
    state: Mutex<State<T>>,
    /// Where the task runs that wakes many.
    runtime: Handle,
}

struct State<T> {
    /// The values, for readers of about the same capacity: a reader that keeps few does not keep more than twice as many alive. By the
    /// logarithm of the capacity, so that there are few.
    rings: BTreeMap<u32, Ring<T>>,
    /// How many values were sent.
    sent: u64,
    readers: usize,
    /// Those who wait, in the order in which they began to. They had taken everything then, so those whom a value is for come first.
    waiting: BTreeMap<u64, Waits>,
    /// How many have ever waited.
    tickets: u64,
    is_over: bool,
    /// Whether a task wakes those who wait.
    is_waking: bool,
}

/// One who waits.
struct Waits {
    /// How many values were sent when it began to.
    since: u64,
    waker: Waker,
}

impl<T> State<T> {
    /// Takes out some of those who wait for what is there. Returns whether there are more.
    fn take_due(&mut self, due: &mut Vec<Waker>) -> bool {
        let is_due = |state: &Self, waits: &Waits| state.is_over || waits.since < state.sent;
        while let Some((&ticket, first)) = self.waiting.first_key_value()
            && is_due(self, first)
        {
            if due.len() >= limits::WAKES_AT_ONCE {
                return true;
            }
            steps::count();
            due.extend(self.waiting.remove(&ticket).map(|waits| waits.waker));
        }
        false
    }

    /// Waits for the next value, anew or with a ticket. Returns the ticket.
    fn wait(&mut self, ticket: Option<u64>, waker: &Waker) -> u64 {
        let since = self.sent;
        let mut before = None;
        if let Some(ticket) = ticket
            && let Some(waits) = self.waiting.get_mut(&ticket)
        {
            if waits.since == since {
                waits.waker.clone_from(waker);
                return ticket;
            }
            // It took what it was to be woken for before it was woken, and goes behind those who have waited since.
            before = self.waiting.remove(&ticket);
        }
        self.tickets += 1;
        let waker = match before {
            Some(Waits { waker: mut old, .. }) => {
                old.clone_from(waker);
                old
            }
            None => waker.clone(),
        };
        self.waiting.insert(self.tickets, Waits { since, waker });
        self.tickets
    }

    /// Begins to wake: returns those whom the caller wakes, and whether a task is to wake the others.
    fn begin_waking(&mut self) -> (Vec<Waker>, bool) {
        let mut due = Vec::new();
        let begins = self.take_due(&mut due) && !self.is_waking;
        self.is_waking |= begins;
        (due, begins)
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// INVARIANT 4: wakes those whom [`State::begin_waking`] has named.
    fn wake(self: &Arc<Self>, (due, begins): (Vec<Waker>, bool)) {
        wake_all(due);
        if begins {
            let waking = Waking {
                shared: Arc::clone(self),
                is_done: false,
            };
            self.runtime.spawn(waking.run());
        }
    }
}

/// Wakes all who wait for what is there. It does so when it is dropped, too: the runtime may have ended.
struct Waking<T: Send + Sync + 'static> {
    shared: Arc<Shared<T>>,
    is_done: bool,
}

impl<T: Send + Sync + 'static> Waking<T> {
    async fn run(mut self) {
        while self.some() {
            tokio::task::yield_now().await;
        }
        self.is_done = true;
    }

    /// Wakes some. Returns whether there are more.
    fn some(&self) -> bool {
        let mut due = Vec::new();
        let mut state = self.shared.state.lock();
        let more = state.take_due(&mut due);
        state.is_waking = more;
        drop(state);
        wake_all(due);
        more
    }
}

impl<T: Send + Sync + 'static> Drop for Waking<T> {
    fn drop(&mut self) {
        while !self.is_done && self.some() {}
    }
}

impl<T: Send + Sync + 'static> Channel<T> {
    fn new(runtime: Handle) -> Self {
        let state = State {
            rings: BTreeMap::new(),
            sent: 0,
            readers: 0,
            waiting: BTreeMap::new(),
            tickets: 0,
            is_over: false,
            is_waking: false,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            runtime,
        }))
    }

    fn add(&self, capacity: usize, place: Arc<dyn Place>) -> Observer<T> {
        let capacity = capacity.max(1);
        let most = capacity.checked_next_power_of_two().unwrap_or(usize::MAX);
        let class = most.ilog2();
        let mut state = self.0.state.lock();
        state.readers += 1;
        let sent = state.sent;
        let ring = state.rings.entry(class);
        let position = ring.or_insert_with(|| Ring::new(sent, most)).enter();
        drop(state);
        Observer {
            shared: Arc::clone(&self.0),
            place: Some(place),
            capacity: capacity as u64,
            class,
            position,
            ticket: None,
        }
    }

    fn has_observers(&self) -> bool {
        self.0.state.lock().readers > 0
    }

    /// Sends a value to all observers. One caller at a time keeps the order.
    pub(crate) fn send(&self, value: T) {
        let value = Arc::new(value);
        let mut state = self.0.state.lock();
        state.sent += 1;
        let mut oldest = Vec::new();
        for ring in state.rings.values_mut() {
            steps::count();
            oldest.extend(ring.push(Arc::clone(&value)));
        }
        let woken = state.begin_waking();
        drop(state);
        drop(oldest);
        self.0.wake(woken);
    }
}

impl<T: Send + Sync + 'static> Drop for Channel<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_over = true;
        let woken = state.begin_waking();
        drop(state);
        self.0.wake(woken);
    }
}

/// The place that is observed.
pub(crate) trait Place: Send + Sync {
    /// Notes that nobody observes one of its channels any more.
    fn left(&self);
}

/// One who observes an actor. It keeps the actor's place, and does not keep the actor awake.
pub(crate) struct Observer<T> {
    shared: Arc<Shared<T>>,
    /// Nothing when it is over.
    place: Option<Arc<dyn Place>>,
    capacity: u64,
    class: u32,
    /// How many values were sent before the one that it takes next.
    position: u64,
    /// Its number among those who wait, if it is still there.
    ticket: Option<u64>,
}

impl<T: Clone> Observer<T> {
    /// Takes the next value, or the number of those that were missed; `None` when it is over.
    pub(crate) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<T, u64>>> {
        if self.place.is_none() {
            return Poll::Ready(None);
        }
        let mut locked = self.shared.state.lock();
        let state = &mut *locked;
        let ring = state.rings.get_mut(&self.class).expect("it has a reader");
        // INVARIANT 2
        let oldest = state.sent.saturating_sub(self.capacity);
        if self.position < oldest {
            let passed = ring.skip(self.position, oldest);
            let missed = oldest - self.position;
            self.position = oldest;
            drop(locked);
            drop(passed);
            return Poll::Ready(Some(Err(missed)));
        }
        if self.position < state.sent {
            let (value, passed) = ring.take(self.position);
            self.position += 1;
            drop(locked);
            drop(passed);
            return Poll::Ready(Some(Ok(Arc::unwrap_or_clone(value))));
        }
        if state.is_over {
            drop(locked);
            // Nobody needs the place any more.
            self.leave();
            return Poll::Ready(None);
        }
        self.ticket = Some(state.wait(self.ticket, task.waker()));
        Poll::Pending
    }
}

impl<T> Observer<T> {
    /// Leaves the channel, and lets go of the place.
    fn leave(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let mut locked = self.shared.state.lock();
        let state = &mut *locked;
        let waits = self.ticket.and_then(|ticket| state.waiting.remove(&ticket));
        let ring = state.rings.get_mut(&self.class).expect("it has a reader");
        let passed = ring.leave(self.position);
        if ring.is_unread() {
            state.rings.remove(&self.class);
        }
        state.readers -= 1;
        let was_last = state.readers == 0;
        drop(locked);
        drop((waits, passed));
        if was_last {
            // INVARIANT 1
            place.left();
        }
    }
}

impl<T> Drop for Observer<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
