//! [`Chain`]: who waits for whom, so that a cycle of asks is an error and not a hang.
//!
//! # Invariants
//!
//! 1. While a hook or an action is polled, [`asking`] gives its actor, and nothing else.
//! 2. An ask that is made by an actor's code carries the chain of all that wait for it; that is what a cycle closes.

use std::cell::RefCell;
use std::sync::Arc;

use crate::error::Subject;

/// An actor, as far as a chain is concerned.
pub(crate) trait Place: Send + Sync {
    /// Returns which actor it is.
    fn subject(&self) -> Subject;
    /// Returns who waits for what the actor does at the moment.
    fn waiting(&self) -> Option<Arc<Chain>>;
    /// Returns whether a test wants its code to panic, once.
    #[cfg(feature = "testing")]
    fn take_crash(&self) -> bool;
}

/// One actor that waits for an answer, and those that wait for it.
pub(crate) struct Chain {
    place: Arc<dyn Place>,
    waiting: Option<Arc<Chain>>,
}

thread_local! {
    /// Whose code this thread polls.
    static POLLED: RefCell<Option<Arc<dyn Place>>> = const { RefCell::new(None) };
}

/// Runs a part of an actor's code.
pub(super) fn polled<T>(place: &mut Option<Arc<dyn Place>>, poll: impl FnOnce() -> T) -> T {
    /// Puts back what was there before, after a panic too.
    struct Swapped<'p>(&'p mut Option<Arc<dyn Place>>);

    impl Swapped<'_> {
        fn swap(&mut self) {
            POLLED.with(|polled| std::mem::swap(&mut *polled.borrow_mut(), self.0));
        }
    }

    impl Drop for Swapped<'_> {
        fn drop(&mut self) {
            self.swap();
        }
    }

    let mut swapped = Swapped(place);
    swapped.swap();
    poll()
}

/// Returns the chain of an ask that is made here, or the path that it would close to a cycle.
///
/// `None` is an ask from outside of all actors: nobody waits for it who could be asked.
pub(crate) fn asking(
    target: impl FnOnce() -> Arc<dyn Place>,
) -> Result<Option<Arc<Chain>>, Vec<Subject>> {
    let Some(place) = POLLED.with(|polled| polled.borrow().clone()) else {
        return Ok(None);
    };
    let target = target();
    let chain = Arc::new(Chain {
        waiting: place.waiting(),
        place,
    });
    let mut path = Vec::new();
    let mut link = Some(&chain);
    while let Some(asker) = link {
        path.push(asker.place.subject());
        if Arc::ptr_eq(&asker.place, &target) {
            path.reverse();
            path.push(target.subject());
            return Err(path);
        }
        link = asker.waiting.as_ref();
    }
    Ok(Some(chain))
}
