//! [`Gate`]: replies that wait until what they saw is durable.
//!
//! # Invariants
//!
//! 1. A reply leaves when its ticket is durable, and replies of one actor leave in the order of their calls.
//! 2. When the store fails, a held reply is replaced by the failure: what it says may not come true.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::slots::SlotId;
use crate::store::{Gatekeeper, StoreError, Ticket, Volume};

/// One reply, and where it goes.
pub(super) type Answer<A> = (SlotId, Result<<A as Handlers>::Reply, CallError>);

/// Replies of calls that committed together.
struct Held<A: Handlers> {
    volume: Arc<Volume>,
    ticket: Ticket,
    answers: Vec<Answer<A>>,
    /// Since when, if anybody wants to know.
    since: Option<Instant>,
}

/// Replies that wait until what they saw is durable.
pub(crate) struct Gate<A: Handlers> {
    /// Nothing at all until something is held.
    #[allow(
        clippy::box_collection,
        reason = "most actors hold nothing, and are smaller by it"
    )]
    held: Mutex<Option<Box<VecDeque<Held<A>>>>>,
}

impl<A: Handlers> Gate<A> {
    pub(super) fn new() -> Self {
        Self {
            held: Mutex::new(None),
        }
    }

    /// Drops what is held; its callers are answered by other means.
    pub(super) fn clear(&self) {
        let held = std::mem::take(&mut *self.held.lock());
        drop(held);
    }
}

impl<A: Handlers> Cell<A> {
    /// Returns whether a reply may leave at once: what it saw is durable, and no reply waits that came before it.
    pub(super) fn is_out(&self, volume: &Volume, ticket: Ticket) -> bool {
        let held = self.gate().held.lock();
        let is_empty = held.as_ref().is_none_or(|held| held.is_empty());
        is_empty && volume.log().check(ticket).is_ok_and(|durable| durable)
    }

    /// Lets replies out when the ticket is durable, at once if it is already.
    pub(super) fn answer_after(
        &self,
        volume: &Arc<Volume>,
        ticket: Ticket,
        answers: Vec<Answer<A>>,
    ) {
        if answers.is_empty() {
            return;
        }
        let mut held = self.gate().held.lock();
        // A sync that ends after this look finds what is pushed here, because it takes the same lock.
        let is_empty = held.as_ref().is_none_or(|held| held.is_empty());
        if is_empty && volume.log().check(ticket).is_ok_and(|durable| durable) {
            // The lock is kept meanwhile, so that no later reply overtakes these.
            let finished = self.mailbox().complete_all(answers);
            drop(held);
            finished.tell();
            return;
        }
        held.get_or_insert_default().push_back(Held {
            volume: Arc::clone(volume),
            ticket,
            answers,
            since: trace::held_since(),
        });
        drop(held);
        // The store may have failed before, in which case no sync comes any more.
        if volume.log().check(ticket).is_err() {
            self.advanced();
        }
    }
}

impl<A: Handlers> Gatekeeper for Cell<A> {
    fn advanced(&self) {
        let mut finished = Vec::new();
        let mut gate = self.gate().held.lock();
        let Some(held) = &mut *gate else { return };
        while let Some(first) = held.front() {
            let durable = match first.volume.log().check(first.ticket) {
                Ok(false) => break,
                Ok(true) => Ok(()),
                Err(error) => Err(error),
            };
            let Some(first) = held.pop_front() else {
                break;
            };
            let (replies, held) = (first.answers.len(), first.since.map(|at| at.elapsed()));
            let answers = match durable {
                Ok(()) => first.answers,
                Err(source) => self.replace(first.answers, &source),
            };
            finished.push((self.mailbox().complete_all(answers), replies, held));
        }
        // An actor that is idle keeps no room for replies.
        held.shrink_to(4);
        drop(gate);
        for (finished, replies, held) in finished {
            finished.tell();
            if let Some(held) = held {
                trace::left_gate(A::NAME, self.key(), replies, held);
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
