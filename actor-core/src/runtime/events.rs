//! [`Events`]: what the running turn emits, until it is committed.
//!
//! # Invariants
//!
//! 1. What an action emitted that was undone never leaves.
//! 2. Events of one actor leave one at a time, in the order in which it emitted them.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::event::Event;
use crate::runtime::cell::Cell;
use crate::runtime::guarded::guarded;
use crate::runtime::observers::{Channel, Observer, Place, Until};
use crate::runtime::turn::Turn;
use crate::store::{StoreError, Ticket};

/// What the calls of a turn emitted. A turn in which nobody emits has none.
pub(super) type Events = Option<Box<Emitted>>;

/// Events in the order in which they were emitted.
///
/// There are as many as the actions of one commit make: like their replies, they are bounded by what the user's code does.
#[derive(Default)]
pub(super) struct Emitted {
    events: Vec<Box<dyn Leave>>,
    /// How many are of calls that ended well.
    kept: usize,
}

impl Emitted {
    /// INVARIANT 2: sends them. Who calls this holds no lock, and nobody else sends events of this actor meanwhile.
    pub(super) fn leave(self) {
        for event in self.events {
            let name = event.name();
            // What is dropped for want of room is the user's, and so are wakers.
            if let Err(panic) = guarded(|| event.leave()) {
                tracing::error!(event = name, panic, "an event panicked where it was sent");
            }
        }
    }
}

/// An event with those who get it.
trait Leave: Send {
    fn name(&self) -> &'static str;
    fn leave(self: Box<Self>);
}

struct Addressed<E: Event> {
    channel: Arc<Channel<E>>,
    event: E,
}

impl<E: Event> Leave for Addressed<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn leave(self: Box<Self>) {
        self.channel.send(self.event);
    }
}

impl<A: Handlers> Turn<A> {
    /// Keeps an event until what emits it is committed, if somebody observes the actor.
    pub(crate) fn emit<E: Event>(&mut self, event: E) {
        let Some(channel) = self.cell().observed() else {
            return;
        };
        let emitted = self.events.get_or_insert_default();
        emitted.events.push(Box::new(Addressed { channel, event }));
    }

    /// Makes what a call emitted a part of what is committed; in an actor without a database it leaves at once.
    pub(super) fn keep_events(&mut self) {
        if !A::__STORED {
            self.take_events()
                .into_iter()
                .for_each(|events| events.leave());
        } else if let Some(emitted) = &mut self.events {
            emitted.kept = emitted.events.len();
        }
    }

    /// INVARIANT 1: drops what the last call emitted.
    pub(super) fn undo_events(&mut self) {
        if let Some(emitted) = &mut self.events {
            emitted.events.truncate(emitted.kept);
        }
    }

    /// Takes out what was emitted, to be sent or dropped.
    pub(super) fn take_events(&mut self) -> Events {
        self.events.take()
    }

    /// Waits until what was just committed is durable, and lets out what was emitted with it.
    pub(super) async fn settled(&mut self, ticket: Ticket) -> Result<(), StoreError> {
        let events = self.take_events();
        let emits = events.is_some();
        if emits {
            let volume = Arc::clone(self.database().volume());
            self.cell()
                .answer_after(&volume, ticket, Vec::new(), events);
        }
        self.durable(ticket).await?;
        if emits {
            // Who waits for this commit is told before the gate is.
            self.cell().open_gate();
        }
        Ok(())
    }
}

impl<A: Handlers> Cell<A> {
    /// Begins to observe what is sent from now on.
    pub(crate) fn observe<T: Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        capacity: usize,
        until: Until,
    ) -> Observer<T> {
        let place = Arc::clone(self) as Arc<dyn Place>;
        let runtime = self.system().runtime();
        self.gate()
            .with_observers(|observers| observers.add(capacity, until, place, runtime))
    }

    /// Returns where a value is sent, if somebody observes it.
    pub(crate) fn observed<T: Send + Sync + 'static>(&self) -> Option<Arc<Channel<T>>> {
        self.gate().channel()
    }

    /// Ends what is over for those who observe, behind what was on its way.
    pub(crate) fn end_observers(&self, now: Until) {
        self.open_gate();
        let over = self.gate().with_observers(|observers| observers.end(now));
        drop(over);
    }
}

impl<A: Handlers> Place for Cell<A> {
    fn left(&self) {
        self.gate().tidy();
    }
}
