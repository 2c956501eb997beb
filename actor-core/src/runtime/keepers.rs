//! Holding off the sleep of an idle actor.
//!
//! # Invariants
//!
//! 1. When the last keeper is gone, and the actor is idle, its alarm is set: one that rang meanwhile was not set anew.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::keep_awake::KeepAwake;
use crate::runtime::cell::Cell;
use crate::runtime::mailbox::Status;

/// Who is kept awake.
pub(crate) trait Kept: Send + Sync {
    /// Notes that one keeper is gone.
    fn let_go(self: Arc<Self>);
}

impl<A: Handlers> Cell<A> {
    /// Holds off the sleep of the idle actor.
    pub(crate) fn keep_awake(self: &Arc<Self>) -> KeepAwake {
        self.mailbox().lock().keepers += 1;
        KeepAwake::new(Arc::clone(self) as Arc<dyn Kept>)
    }
}

impl<A: Handlers> Kept for Cell<A> {
    fn let_go(self: Arc<Self>) {
        // Looked at before the lock is taken, for which others may wait.
        let now = self.system().alarms().now();
        let mut inner = self.mailbox().lock();
        inner.keepers -= 1;
        let Some(idle) = A::OPTIONS.sleep_after else {
            return;
        };
        if inner.keepers > 0 || inner.status == Status::Asleep {
            return;
        }
        inner.idle_since = inner.idle_since.max(now);
        // INVARIANT 1. Who runs the actor sets it otherwise.
        let is_idle = inner.status == Status::Awake && inner.baton.is_listening();
        if is_idle && inner.idle_alarm.is_none() {
            inner.idle_alarm = self.set_idle(inner.idle_since, idle);
        }
    }
}
