//! What the metrics are told of a cell.

use std::time::Duration;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::observe::metrics::{self, KindMetrics};
use crate::runtime::cell::Cell;

impl<A: Handlers> Cell<A> {
    /// Returns what is counted for actors of this type.
    #[inline]
    pub(crate) fn metrics(&self) -> &KindMetrics {
        &self.kind().metrics
    }

    /// Counts a call that is refused.
    #[inline]
    pub(super) fn refused(&self, error: CallError) -> CallError {
        if metrics::ARE_ON {
            self.metrics().call_refused(&error);
        }
        error
    }

    /// Returns what a caller gets who has waited for as long as this, and counts it.
    #[cold]
    pub(crate) fn timed_out(&self, limit: Duration) -> CallError {
        self.metrics().call_timed_out();
        CallError::TimedOut {
            subject: self.subject(),
            limit,
        }
    }

    /// Counts the actor as awake no more, if it does. The caller has the life, and changes the status next: nobody else does.
    pub(super) fn uncount(&self) {
        if metrics::ARE_ON && self.mailbox().counts() {
            self.metrics().not_awake();
        }
    }
}
