//! Giving up the instance of an actor because a test wants it.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::runtime::baton::Due;
use crate::runtime::cell::Cell;
use crate::runtime::life::Life;
use crate::runtime::mail::Ending;
use crate::runtime::mailbox::{Mailbox, Pushed, Status};

/// What the panic says that is not one.
pub(super) const CRASHED: &str = "the test crashes the actor";

impl<A: Handlers> Cell<A> {
    /// Gives up the instance, as if its code panicked. Nothing may be under way that waits for nothing but a thread.
    pub(crate) async fn crash(self: &Arc<Self>) -> Result<(), CallError> {
        match self.mailbox().crash_waiting() {
            Some(pushed) => {
                self.follow(pushed, false);
                Ok(())
            }
            None => self.end(Ending::Crash).await,
        }
    }
}

impl<A: Handlers> Mailbox<A> {
    /// Has the code panic that waits in the middle of an action; `None` if none does.
    fn crash_waiting(&self) -> Option<Pushed<A>> {
        let mut inner = self.lock();
        let waits = inner.status != Status::Asleep
            && matches!(inner.life, Some(Life::Waiting(_)))
            && !inner.baton.is_listening();
        if !waits {
            return None;
        }
        inner.crashes = true;
        Some(match inner.baton.woken() {
            Due::Queue => Pushed::Queue,
            Due::Nothing => Pushed::Delivered,
        })
    }

    /// Returns whether the code that runs is to panic, once.
    pub(super) fn take_crash(&self) -> bool {
        std::mem::take(&mut self.lock().crashes)
    }
}
