//! [`Away`]: where work goes that may wait for the disk, away from the workers of the runtime.

use std::fmt;
use std::future::Future;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinError;

#[cfg(feature = "testing")]
use crate::testing::Work;

/// Where work goes that may wait for the disk.
#[derive(Clone)]
pub(crate) struct Away {
    runtime: Handle,
    /// Counts it for a test.
    #[cfg(feature = "testing")]
    work: Option<Work>,
}

/// Returns where work of this thread goes, which is in a runtime.
pub(crate) fn here() -> Away {
    Away::of(Handle::current())
}

impl Away {
    /// Returns where work of this thread goes, which has entered a runtime.
    pub(crate) fn of(runtime: Handle) -> Self {
        Self {
            runtime,
            #[cfg(feature = "testing")]
            work: Work::here(),
        }
    }

    /// Returns whether a test may have paused the time of the runtime.
    pub(crate) fn may_pause(&self) -> bool {
        self.runtime.runtime_flavor() == RuntimeFlavor::CurrentThread
    }

    /// Begins work; nobody waits for it.
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        #[cfg(feature = "testing")]
        let begun = self.work.as_ref().map(Work::begin);
        self.runtime.spawn_blocking(move || {
            work();
            #[cfg(feature = "testing")]
            drop(begun);
        });
    }

    /// Does work, and returns what it comes to.
    ///
    /// # Cancel safety
    ///
    /// The work goes on when the future is dropped.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, JoinError>> + Send + 'static {
        // It counts until both are through: the work, and who waits for it.
        #[cfg(feature = "testing")]
        let begun = self.work.as_ref().map(Work::begin);
        #[cfg(feature = "testing")]
        let (waits, counts) = (begun.clone(), self.work.clone());
        let working = self.runtime.spawn_blocking(move || {
            #[cfg(feature = "testing")]
            let _lent = counts.as_ref().map(Work::lend);
            let result = work();
            #[cfg(feature = "testing")]
            drop(begun);
            result
        });
        async move {
            let worked = working.await;
            #[cfg(feature = "testing")]
            drop(waits);
            worked
        }
    }

    /// Runs a task that does not wait for the disk itself.
    #[cfg(feature = "testing")]
    pub(crate) fn tend(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }
}

impl fmt::Debug for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Away").finish_non_exhaustive()
    }
}
