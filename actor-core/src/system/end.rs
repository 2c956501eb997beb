//! The end of a system: the actors sleep, and the data directory is given up.

use std::sync::Arc;

use super::Inner;
use crate::error::SystemError;
use crate::store;
use std::sync::atomic::Ordering;

impl Inner {
    /// Puts all actors to sleep; no call is taken any more.
    pub(super) fn begin_to_end(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.scheduler.stop();
        // Whoever registers behind this looks at the flag.
        self.waiting.end_takers();
        for registered in self.kinds.values() {
            (registered.sleep_all)(&*registered.kind);
        }
    }

    /// Waits until all actors sleep, and gives the data directory up.
    pub(super) async fn end(&self) -> Result<(), SystemError> {
        self.tasks.none().await;
        self.waiting.end_replies();
        for registered in self.kinds.values() {
            (registered.end_observers)(&*registered.kind);
        }
        let mut closed = self.closed.lock().await;
        if !*closed {
            let store = Arc::clone(&self.store);
            store::blocking(move || store.close()).await?;
            *closed = true;
        }
        Ok(())
    }

    /// Ends the system for a program that has dropped it, unless it has ended.
    pub(super) fn end_in_background(self: Arc<Self>) {
        if self.closed.try_lock().is_ok_and(|closed| *closed) {
            return;
        }
        self.begin_to_end();
        // When the runtime has ended, so have the actors, and whoever drops the store last gives the data directory up.
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            if let Err(error) = self.end().await {
                tracing::error!(%error, "a system that was dropped was not closed in order");
            }
        });
    }
}
