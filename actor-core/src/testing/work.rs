//! [`Work`]: how much work is under way on threads that are none of the runtime's workers.
//!
//! # Invariants
//!
//! 1. `begun` grows before a thread is asked for, and `ended` when the work is through and whoever waits for it was told.
//! 2. A thread has one lab at most, whose work is counted for everything that this thread begins.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static HERE: RefCell<Option<Work>> = const { RefCell::new(None) };
}

/// Counts work.
#[derive(Clone, Default)]
pub(crate) struct Work(Arc<Counts>);

#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// Work that has begun; it ends with the last clone of this.
#[derive(Clone)]
pub(crate) struct Begun {
    _ends: Arc<Ends>,
}

struct Ends(Arc<Counts>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts the work of this thread until it is dropped, on the same thread.
pub(super) struct Entered(PhantomData<*const ()>);

impl Drop for Entered {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

/// Counts the work of this thread with that of another until it is dropped, on the same thread.
pub(crate) struct Lent(Option<Work>, PhantomData<*const ()>);

impl Drop for Lent {
    fn drop(&mut self) {
        HERE.set(self.0.take());
    }
}

impl Work {
    /// Returns what counts the work that this thread begins.
    pub(crate) fn here() -> Option<Self> {
        HERE.with_borrow(Clone::clone)
    }

    /// Counts the work of this thread from now on.
    pub(super) fn enter() -> (Self, Entered) {
        let work = Self::default();
        let before = HERE.replace(Some(work.clone()));
        assert!(before.is_none(), "a test has one `Lab` at a time");
        (work, Entered(PhantomData))
    }

    /// Counts what this thread begins until what is returned is dropped, on the same thread.
    pub(crate) fn lend(&self) -> Lent {
        Lent(HERE.replace(Some(self.clone())), PhantomData)
    }

    /// Counts one more.
    pub(crate) fn begin(&self) -> Begun {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        Begun {
            _ends: Arc::new(Ends(Arc::clone(&self.0))),
        }
    }

    /// Returns how much work there was so far, if none is under way.
    pub(super) fn at_rest(&self) -> Option<u64> {
        // What ends is never ahead of what began, so that both are the same only while nothing is under way.
        let ended = self.0.ended.load(Ordering::SeqCst);
        let begun = self.0.begun.load(Ordering::SeqCst);
        (begun == ended).then_some(begun)
    }
}
