//! What an actor is at the moment, and whether it takes calls.

use super::{Budget, Handlers, Mailbox, Refusal, Status};

/// What a start that succeeded has changed.
#[derive(Clone, Copy, Debug)]
pub(in crate::runtime) struct Woke {
    /// Whether something went wrong before, so that the time of the start is noted apart.
    pub(in crate::runtime) had_trouble: bool,
    /// Whether calls were refused before, for a start that failed or for too many crashes.
    pub(in crate::runtime) was_refused: bool,
    /// Whether the actor counts as awake from now on: one that crashed and starts again at once has never ceased to.
    pub(in crate::runtime) counts_now: bool,
}

impl<A: Handlers> Mailbox<A> {
    /// Returns whether the actor is awake.
    pub(crate) fn status(&self) -> Status {
        self.inner.lock().shown_status()
    }

    /// Notes how far the instance is.
    pub(in crate::runtime) fn set_status(&self, status: Status) {
        self.inner.lock().status = status;
    }

    /// Notes that a start succeeded, and when.
    pub(in crate::runtime) fn set_awake(&self, now: Option<u64>) -> Woke {
        let mut inner = self.inner.lock();
        let counts = inner.counts();
        inner.status = Status::Awake;
        if A::__STORED {
            inner.since = 0;
        }
        if let Some(now) = now {
            inner.begin_at(now);
        }
        Woke {
            was_refused: inner.refusal.take().is_some(),
            had_trouble: inner.health.is_some(),
            counts_now: !counts,
        }
    }

    /// Returns whether the actor counts as awake.
    pub(in crate::runtime) fn counts(&self) -> bool {
        self.inner.lock().counts()
    }

    /// Returns since when an actor exists that is in memory only, and whether it answers calls; `None` if it does not exist.
    pub(crate) fn awake_since(&self) -> Option<(Status, u64)> {
        let inner = self.inner.lock();
        inner.exists_since().map(|since| (inner.status, since))
    }

    /// Refuses calls for a while, from the moment the instance ends.
    pub(in crate::runtime) fn refuse(&self, refusal: Refusal) {
        self.inner.lock().refusal = Some(Box::new(refusal));
    }

    /// Refuses calls no longer, and forgets for what it did.
    pub(in crate::runtime) fn forget_refusal(&self) {
        let mut inner = self.inner.lock();
        inner.refusal = None;
        if let Some(health) = &mut inner.health {
            health.budget = Budget::default();
        }
    }

    /// Returns how often in a row the actor failed to start.
    pub(in crate::runtime) fn failures(&self) -> u32 {
        self.inner
            .lock()
            .refusal
            .as_ref()
            .map_or(0, |refusal| refusal.failures)
    }
}
