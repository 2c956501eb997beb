//! [`Gate`]: replies and events that wait until what they saw is durable.
//!
//! # Invariants
//!
//! 1. A reply leaves when its ticket is durable, and replies of one actor leave in the order of their calls.
//! 2. When the store fails, a held reply is replaced by the failure: what it says may not come true. An event is dropped.
//! 3. Events leave before the replies that committed with them. Nobody holds the lock meanwhile, and one at a time sends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

use crate::actor::Handlers;
use crate::error::CallError;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::events::Events;
use crate::runtime::mailbox::Finished;
use crate::runtime::observers::{Channel, Observers};
use crate::runtime::slots::ReplySlot;
use crate::store::{Gatekeeper, StoreError, Ticket, Volume};

/// One reply, and where it goes.
pub(super) type Answer<A> = (ReplySlot<A>, Result<<A as Handlers>::Reply, CallError>);

/// Replies and events of calls that committed together.
struct Held<A: Handlers> {
    volume: Arc<Volume>,
    ticket: Ticket,
    answers: Vec<Answer<A>>,
    events: Events,
    /// Since when, if anybody wants to know.
    since: Option<Instant>,
}

/// Replies and events that wait until what they saw is durable, and who gets the events.
pub(crate) struct Gate<A: Handlers> {
    /// Nothing at all until something is held, or somebody observes.
    inner: Mutex<Option<Box<Inner<A>>>>,
}

struct Inner<A: Handlers> {
    held: VecDeque<Held<A>>,
    /// Most actors are not observed, and are smaller by it.
    observed: Option<Box<Observed>>,
}

#[derive(Default)]
struct Observed {
    observers: Observers,
    /// Whether somebody sends events, and looks again behind them.
    is_sending: bool,
}

impl<A: Handlers> Inner<A> {
    fn new() -> Self {
        Self {
            held: VecDeque::new(),
            observed: None,
        }
    }

    fn is_sending(&self) -> bool {
        self.observed
            .as_ref()
            .is_some_and(|observed| observed.is_sending)
    }

    /// Notes whether somebody sends. Who sends is done when nobody observes any more.
    fn set_sending(&mut self, sends: bool) {
        self.observed.get_or_insert_default().is_sending = sends;
        self.tidy();
    }

    fn tidy(&mut self) {
        if let Some(observed) = &mut self.observed {
            observed.observers.tidy();
            if observed.observers.is_empty() && !observed.is_sending {
                self.observed = None;
            }
        }
    }
}

impl<A: Handlers> Gate<A> {
    pub(super) fn new() -> Self {
        Self {
            inner: Mutex::new(None),
        }
    }

    /// Drops what is held; its callers are answered by other means.
    pub(super) fn clear(&self) {
        let mut inner = self.inner.lock();
        let held = inner.as_mut().map(|inner| std::mem::take(&mut inner.held));
        drop(inner);
        drop(held);
    }

    /// Returns where the replies go that are held.
    pub(super) fn held(&self) -> Vec<ReplySlot<A>> {
        let inner = self.inner.lock();
        let held = inner.iter().flat_map(|inner| &inner.held);
        let answers = held.flat_map(|held| &held.answers);
        answers.map(|(slot, _)| slot.clone()).collect()
    }

    /// Returns where a value is sent, if somebody observes it.
    pub(super) fn channel<T: Send + Sync + 'static>(&self) -> Option<Arc<Channel<T>>> {
        let inner = self.inner.lock();
        inner.as_ref()?.observed.as_ref()?.observers.channel()
    }

    /// Changes who observes.
    pub(super) fn with_observers<R>(&self, change: impl FnOnce(&mut Observers) -> R) -> R {
        let mut inner = self.inner.lock();
        let inner = inner.get_or_insert_with(|| Box::new(Inner::new()));
        let observed = inner.observed.get_or_insert_default();
        change(&mut observed.observers)
    }

    /// Forgets the types that nobody observes any more.
    pub(super) fn tidy(&self) {
        if let Some(inner) = &mut *self.inner.lock() {
            inner.tidy();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Inner<A>>>> {
        self.inner.lock()
    }
}

impl<A: Handlers> Cell<A> {
    /// Returns whether a reply may leave at once: what it saw is durable, and no reply waits that came before it.
    pub(super) fn is_out(&self, volume: &Volume, ticket: Ticket) -> bool {
        let inner = self.gate().lock();
        let is_empty = inner.as_ref().is_none_or(|inner| inner.held.is_empty());
        is_empty && volume.log().check(ticket).is_ok_and(|durable| durable)
    }

    /// Lets replies and events out when the ticket is durable, at once if it is already.
    pub(super) fn answer_after(
        &self,
        volume: &Arc<Volume>,
        ticket: Ticket,
        answers: Vec<Answer<A>>,
        events: Events,
    ) {
        if answers.is_empty() && events.is_none() {
            return;
        }
        let emits = events.is_some();
        let mut inner = self.gate().lock();
        // A sync that ends after this look finds what is pushed here, because it takes the same lock.
        let is_empty = inner.as_ref().is_none_or(|inner| inner.held.is_empty());
        if is_empty && !emits && volume.log().check(ticket).is_ok_and(|durable| durable) {
            // The lock is kept meanwhile, so that no later reply overtakes these.
            let finished = Finished::answer(answers);
            drop(inner);
            finished.tell();
            return;
        }
        let held = &mut inner.get_or_insert_with(|| Box::new(Inner::new())).held;
        held.push_back(Held {
            volume: Arc::clone(volume),
            ticket,
            answers,
            events,
            since: trace::held_since().or_else(|| self.metrics().held_since()),
        });
        drop(inner);
        // The store may have failed before, in which case no sync comes any more; nor does one for what is durable already.
        if emits || volume.log().check(ticket).is_err() {
            self.advanced();
        }
    }

    /// Lets out what is durable. Who waits for the log itself may look before the gate does.
    pub(super) fn open_gate(&self) {
        self.advanced();
    }
}

impl<A: Handlers> Gatekeeper for Cell<A> {
    fn advanced(&self) {
        let (mut finished, mut lost) = (Vec::new(), Vec::new());
        let mut gate = self.gate().lock();
        while let Some(inner) = &mut *gate {
            // INVARIANT 3: whoever sends goes on here when that is done.
            if inner.is_sending() {
                break;
            }
            let Some(first) = inner.held.front_mut() else {
                break;
            };
            let durable = match first.volume.log().check(first.ticket) {
                Ok(false) => break,
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            };
            match first.events.take() {
                Some(events) if durable.is_ok() => {
                    inner.set_sending(true);
                    MutexGuard::unlocked(&mut gate, || events.leave());
                    if let Some(inner) = &mut *gate {
                        inner.set_sending(false);
                    }
                    continue;
                }
                events => lost.extend(events),
            }
            let Some(first) = inner.held.pop_front() else {
                break;
            };
            let (replies, held) = (first.answers.len(), first.since.map(|at| at.elapsed()));
            let answers = match durable {
                Ok(()) => first.answers,
                Err(source) => self.replace(first.answers, &source),
            };
            finished.push((Finished::answer(answers), replies, held));
        }
        if let Some(inner) = &mut *gate {
            // An actor that is idle keeps no room for replies.
            inner.held.shrink_to(4);
        }
        drop(gate);
        for (finished, replies, held) in finished {
            finished.tell();
            if let Some(held) = held {
                trace::left_gate(A::NAME, self.key(), replies, held);
                self.metrics().held(replies, held);
            }
        }
    }

    fn lost(self: Arc<Self>) {
        // The instance learns of it when it next uses its database, which may be never: then its timers would not be known either.
        let pushed = self.mailbox().push_if_awake();
        self.follow(pushed, false);
    }
}

impl<A: Handlers> Cell<A> {
    /// INVARIANT 2: puts the failure into the place of every reply.
    fn replace(&self, answers: Vec<Answer<A>>, source: &Arc<StoreError>) -> Vec<Answer<A>> {
        let error = CallError::Store {
            subject: self.subject(),
            name: "commit",
            source: Arc::new(StoreError::Lost {
                source: Arc::clone(source),
            }),
        };
        answers
            .into_iter()
            .map(|(slot, _)| (slot, Err(error.clone())))
            .collect()
    }
}
