//! [`Background`]: what a `#[run]` hook has.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::actor::Handlers;
use crate::keep_awake::KeepAwake;
use crate::key::Key;
use crate::runtime::Cell;
use crate::system::System;

/// What a `#[run]` hook has: a handle to its own actor, and the signal to stop.
///
/// The hook runs beside the actor, not in it: it changes things by calling actions. It does not keep the actor awake, unless it
/// says so with [`keep_awake`](Background::keep_awake).
/// When the actor stops, [`aborted`](Background::aborted) resolves, calls are answered for up to 15 seconds more, and then the
/// hook is dropped.
///
/// A hook that returns `Ok(())` has ended until the actor starts again. One that panics or returns an error is started again
/// after a pause of 100 ms, which doubles up to 30 s; [`ActorRef::info`](crate::ActorRef::info) tells of it.
pub struct Background<A: Handlers> {
    cell: Arc<Cell<A>>,
    abort: watch::Receiver<bool>,
}

impl<A: Handlers> Background<A> {
    pub(crate) fn new(cell: Arc<Cell<A>>, abort: watch::Receiver<bool>) -> Self {
        Self { cell, abort }
    }

    /// Returns a handle to the actor.
    #[must_use]
    pub fn handle(&self) -> A::Handle {
        self.cell.handle().into()
    }

    /// Returns the key of the actor.
    #[must_use]
    pub fn key(&self) -> &Key {
        self.cell.key()
    }

    /// Returns the system, to reach other actors.
    #[must_use]
    pub fn system(&self) -> &System {
        self.cell.system()
    }

    /// Holds off the sleep of the idle actor until what this returns is dropped.
    ///
    /// For a loop that calls its actor seldom, or not at all for a while. What it does not hold off is the subject of [`KeepAwake`].
    pub fn keep_awake(&self) -> KeepAwake {
        self.cell.keep_awake()
    }

    /// Returns whether the actor stops.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        *self.abort.borrow()
    }

    /// Waits until the actor stops.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it may stand in a `select!`, again and again.
    pub async fn aborted(&mut self) {
        // The sender is dropped with the actor only, which is a stop as well.
        let _ = self.abort.wait_for(|aborted| *aborted).await;
    }
}

impl<A: Handlers> fmt::Debug for Background<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background")
            .field("actor", &A::NAME)
            .field("key", self.key())
            .field("aborted", &self.is_aborted())
            .finish()
    }
}
