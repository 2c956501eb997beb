//! [`Hold`]: keeps tokio's paused clock where it is, and knows when the runtime has nothing to do.
//!
//! tokio moves a paused clock to the next timer when its runtime has nothing to do, unless a thread is at work that was asked for
//! with `spawn_blocking`. The hold is such a thread. While it is there time stands still; it is let go to have tokio move the clock,
//! timer by timer, which is exact.
//!
//! # Invariants
//!
//! 1. The runtime has nothing to do when it went to sleep, with no task ready, after it was woken while no work was under way, and
//!    none has begun since.

use std::io::Write as _;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};

use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::limits;
use super::work::Work;

/// What is told to who waits for ten seconds.
const HINT: &str = "\nThis test has waited for 10 seconds with nothing left to do. In a `Lab` time stands still: \
    `Lab::advance` moves it, and `Lab::run_until` lets it run while something waits for it.\n";

/// Who wants to know when the runtime has nothing to do.
type Asker = oneshot::Sender<()>;

/// Keeps the clock where it is, until it is dropped.
pub(super) struct Hold {
    asks: Sender<Asker>,
    thread: JoinHandle<()>,
}

/// What looks at the runtime.
struct Watch {
    runtime: Handle,
    metrics: RuntimeMetrics,
    work: Work,
}

impl Hold {
    /// Stops the clock of this runtime.
    pub(super) fn take(work: &Work) -> Self {
        let runtime = Handle::current();
        let watch = Watch {
            metrics: runtime.metrics(),
            runtime: runtime.clone(),
            work: work.clone(),
        };
        let (asks, askers) = mpsc::channel();
        let thread = runtime.spawn_blocking(move || watch.serve(&askers));
        Self { asks, thread }
    }

    /// Waits until the runtime has nothing to do.
    pub(super) async fn idle(&self) {
        let (asker, answer) = oneshot::channel();
        let sent = self.asks.send(asker);
        sent.expect("the thread looks until this is dropped");
        answer.await.expect("the thread answers before it ends");
    }

    /// Lets the clock go.
    pub(super) async fn release(self) {
        drop(self.asks);
        // It does not panic, and nobody aborts it.
        let _ = self.thread.await;
    }
}

impl Watch {
    fn serve(&self, askers: &Receiver<Asker>) {
        let mut hinted = false;
        loop {
            match askers.recv_timeout(limits::HINT_AFTER) {
                Ok(asker) => {
                    self.wait(&asker);
                    // Who is gone wants to know nothing.
                    let _ = asker.send(());
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if hinted => {}
                Err(RecvTimeoutError::Timeout) => {
                    hinted = self.is_asleep(0) && self.work.at_rest().is_some();
                    if hinted {
                        // Past what the harness captures, which nobody sees while the test waits.
                        let _ = std::io::stderr().write_all(HINT.as_bytes());
                    }
                }
            }
        }
    }

    /// Waits until the runtime has nothing to do, or nobody wants to know any more.
    fn wait(&self, asker: &Asker) {
        let mut looks = 0;
        while !asker.is_closed() {
            let slept = self.sleeps();
            if let (Some(begun), true) = (self.work.at_rest(), self.is_asleep(0)) {
                // INVARIANT 1: work that ended may have woken a task that has not run yet, so it goes round once more.
                drop(self.runtime.spawn(async {}));
                while !self.is_asleep(slept) && !asker.is_closed() {
                    pause(&mut looks);
                }
                if self.work.at_rest() == Some(begun) {
                    return;
                }
            }
            pause(&mut looks);
        }
    }

    /// Returns how often the runtime's thread fell asleep and woke; it sleeps when that is odd.
    fn sleeps(&self) -> u64 {
        self.metrics.worker_park_unpark_count(0)
    }

    /// Returns whether the runtime's thread sleeps, and has woken since it did so for the given time.
    fn is_asleep(&self, since: u64) -> bool {
        let sleeps = self.sleeps();
        sleeps > since && !sleeps.is_multiple_of(2)
    }
}

/// Gives the runtime time.
fn pause(looks: &mut u32) {
    *looks += 1;
    if *looks < limits::LOOKS {
        std::thread::yield_now();
    } else {
        std::thread::sleep(limits::LOOK_PAUSE);
    }
}
