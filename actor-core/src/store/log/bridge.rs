//! What the rest of the store asks of the log besides appending and waiting.

use std::sync::Arc;

use super::{Entry, Log, Lsn, Ticket};
use crate::store::StoreError;

impl Lsn {
    /// Behind every record.
    pub(crate) const LAST: Self = Self(u64::MAX);

    /// Returns the number after this one.
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number before this one; the first has none, and stays what it is.
    pub(crate) const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl Ticket {
    /// Returns the ticket of what must be synced up to a record.
    pub(crate) const fn synced_to(lsn: Lsn) -> Self {
        Self {
            written: lsn,
            synced: lsn,
        }
    }
}

impl<E: Entry> Log<E> {
    /// Waits until everything up to a record is synced.
    pub(crate) fn sync_to(&self, lsn: Lsn) -> Result<(), Arc<StoreError>> {
        self.demand(lsn);
        if !self.has_threads() {
            // No more than that, so that a test can have commits that are not written.
            while matches!(self.check(Ticket::synced_to(lsn)), Ok(false)) && self.flush_once() {}
        }
        self.wait_blocking(Ticket::synced_to(lsn))
    }

    /// Returns whether threads of its own write the log.
    pub(crate) fn has_threads(&self) -> bool {
        let own = self.threads.lock();
        self.engine.hire.get().is_some() || own.as_ref().is_some_and(|own| !own.is_empty())
    }

    /// Ends the log because a sync failed that is not its own: what was acknowledged may not be on disk. As after a failed sync of the
    /// log, nothing is acknowledged until the system is started anew.
    pub(crate) fn poison(&self, error: StoreError) {
        self.engine.fail(error);
    }
}
