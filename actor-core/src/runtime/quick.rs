//! [`Quick`]: which code of the user's was quick lately, so that whoever asks may run it in place.
//!
//! A future that does not come back when it is polled defeats every limit around it, the caller's own and a `tokio::time::timeout`.
//! So code runs in place of a caller only when it is known to come back soon; before that, and for a while after it did not, a
//! driver runs it, which is another task. On a runtime of one thread that would change nothing, so there all code counts as quick.
//!
//! # Invariants
//!
//! 1. What runs in place of a caller was quick in each of its last runs, as many as are asked for.
//! 2. Who runs an actor in place for a call hands it to a driver before what is not known to be quick: another call, a start, an end.

use std::cell::Cell as Local;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::limits;
use crate::runtime::pulse;

thread_local! {
    /// Whether this thread runs an actor in place of a caller.
    static HERE: Local<bool> = const { Local::new(false) };
}

/// Returns whether this thread runs an actor in place of a caller.
#[inline]
pub(super) fn is_here() -> bool {
    HERE.get()
}

/// Says for the time in which this lives whether this thread runs an actor in place of a caller.
pub(super) struct Here(bool);

impl Here {
    pub(super) fn new(here: bool) -> Self {
        Self(HERE.replace(here))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}

/// What is known of the code of one type of actor.
pub(super) struct Quick {
    /// Whether another task would help a caller at all.
    helps: bool,
    starts: Known,
    actions: Box<[Known]>,
}

/// How many quick runs are still asked for; 0 is quick code.
pub(super) struct Known(AtomicU32);

impl Quick {
    /// Begins to learn, in the runtime of the system.
    pub(super) fn new(actions: usize) -> Self {
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        let helps = !matches!(flavor, Ok(RuntimeFlavor::CurrentThread));
        let asked = if helps { limits::QUICK_RUNS } else { 0 };
        let known = || Known(AtomicU32::new(asked));
        Self {
            helps,
            starts: known(),
            actions: (0..actions).map(|_| known()).collect(),
        }
    }

    /// Returns whether a driver helps a caller whose time is short.
    #[inline]
    pub(super) fn helps(&self) -> bool {
        self.helps
    }

    pub(super) fn starts(&self) -> &Known {
        &self.starts
    }

    #[inline]
    pub(super) fn action(&self, id: u32) -> &Known {
        &self.actions[id as usize]
    }

    /// Runs code that does not wait, and notes how long it takes.
    pub(super) fn run<T>(&self, known: &Known, code: impl FnOnce() -> T) -> T {
        let timing = self.begin(known);
        let ran = code();
        known.end(timing, true);
        ran
    }

    /// Notes that code begins.
    #[inline]
    pub(super) fn begin(&self, known: &Known) -> Option<Timing> {
        self.helps.then(|| known.begin())
    }
}

impl Known {
    #[inline]
    pub(super) fn is_quick(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    #[inline]
    fn begin(&self) -> Timing {
        Timing {
            began: (!self.is_quick()).then(Instant::now),
            beat: pulse::beat(),
        }
    }

    /// Notes how long code took that has ended, or that waits now.
    #[inline]
    pub(super) fn end(&self, timing: Option<Timing>, is_over: bool) {
        let Some(Timing { began, beat }) = timing else {
            return;
        };
        let took = began.map_or_else(|| pulse::since(beat), |began| began.elapsed());
        if began.is_some() || took > Duration::ZERO {
            self.note(took, is_over);
        }
    }

    #[cold]
    fn note(&self, took: Duration, is_over: bool) {
        if took >= limits::QUICK_RUN {
            self.0.store(limits::QUICK_RUNS_AGAIN, Ordering::Relaxed);
        } else if is_over {
            // That two at once count as one does no harm.
            let asked = self.0.load(Ordering::Relaxed);
            self.0.store(asked.saturating_sub(1), Ordering::Relaxed);
        }
    }
}

/// One run, or a part of it. Of code that is known to be quick only the coarse clock is looked at.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    began: Option<Instant>,
    beat: u32,
}

pin_project! {
    /// Code that may wait; how long it holds whoever polls it is noted.
    pub(super) struct Timed<'q, F> {
        // Nothing where it does not matter.
        known: Option<&'q Known>,
        #[pin]
        code: F,
    }
}

impl<'q, F> Timed<'q, F> {
    pub(super) fn new(quick: &'q Quick, known: &'q Known, code: F) -> Self {
        let known = quick.helps.then_some(known);
        Self { known, code }
    }
}

impl<F: Future> Future for Timed<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(known) = this.known else {
            return this.code.poll(task);
        };
        let timing = known.begin();
        let polled = this.code.poll(task);
        known.end(Some(timing), polled.is_ready());
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn code_is_quick_when_enough_runs_were_and_one_that_was_not_is_remembered() {
        let quick = Quick::new(2);
        let known = quick.action(1);
        let short = Duration::from_micros(999);
        for _ in 0..limits::QUICK_RUNS {
            assert!(!known.is_quick());
            // A part of a run is none.
            known.note(short, false);
            known.note(short, true);
        }
        assert!(known.is_quick() && !quick.action(0).is_quick() && !quick.starts().is_quick());
        known.note(limits::QUICK_RUN, false);
        for _ in 0..limits::QUICK_RUNS_AGAIN {
            assert!(!known.is_quick());
            known.note(short, true);
        }
        assert!(known.is_quick());
    }

    #[tokio::test]
    async fn on_one_thread_all_is_quick() {
        let quick = Quick::new(1);
        assert!(!quick.helps() && quick.action(0).is_quick() && quick.starts().is_quick());
    }
}
