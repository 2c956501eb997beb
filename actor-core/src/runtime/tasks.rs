//! [`Tasks`]: how many instances run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the running tasks of a system, so that its shutdown can wait for the last one.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Inner>);

#[derive(Default)]
struct Inner {
    running: AtomicUsize,
    none: Notify,
}

/// One running task; it has ended when this is dropped.
pub(crate) struct Running(Tasks);

impl Tasks {
    /// Counts one more task.
    pub(crate) fn begin(&self) -> Running {
        self.0.running.fetch_add(1, Ordering::SeqCst);
        Running(self.clone())
    }

    /// Returns how many tasks run.
    pub(crate) fn running(&self) -> usize {
        self.0.running.load(Ordering::SeqCst)
    }

    /// Waits until no task runs.
    pub(crate) async fn none(&self) {
        loop {
            let notified = self.0.none.notified();
            let mut notified = std::pin::pin!(notified);
            // Registered before the look, so that an end between the two is not missed.
            notified.as_mut().enable();
            if self.running() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.0.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.0.none.notify_waiters();
        }
    }
}
