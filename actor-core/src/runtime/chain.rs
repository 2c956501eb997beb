//! [`Chain`]: who waits for whom, so that a cycle of asks is an error and not a hang.
//!
//! # Invariants
//!
//! 1. While a hook or an action is polled, [`asking`] gives its actor, and nothing else.
//! 2. An ask that is made by an actor's code carries the chain of all that wait for it; that is what a cycle closes.
//! 3. Code that the hooks of an actor's end began, and for which that waits, is the actor's as 1 says.
//! 4. While code is polled that runs beside an actor, [`ending`] knows whose it is, unless that code runs another actor in place.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::Subject;
use crate::system::System;

/// An actor, as far as a chain is concerned.
pub(crate) trait Place: Send + Sync {
    /// Returns which actor it is.
    fn subject(&self) -> Subject;
    /// Returns whether it is one of this system.
    fn is_of(&self, system: &System) -> bool;
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

/// An actor whose code a thread polls, if it does.
type Polled = RefCell<Option<Arc<dyn Place>>>;

thread_local! {
    /// Whose code this thread polls.
    static POLLED: Polled = const { RefCell::new(None) };
    /// Beside whom the code runs that this thread polls.
    static BESIDE: Polled = const { RefCell::new(None) };
}

/// Puts back what was there before, after a panic too.
struct Swapped<'p, const ASIDE: bool>(&'p mut Option<Arc<dyn Place>>);

impl<'p, const ASIDE: bool> Swapped<'p, ASIDE> {
    fn new(place: &'p mut Option<Arc<dyn Place>>) -> Self {
        let mut swapped = Self(place);
        swapped.swap();
        swapped
    }

    fn swap(&mut self) {
        let key = if ASIDE { &BESIDE } else { &POLLED };
        key.with(|polled| std::mem::swap(&mut *polled.borrow_mut(), self.0));
    }
}

impl<const ASIDE: bool> Drop for Swapped<'_, ASIDE> {
    fn drop(&mut self) {
        self.swap();
    }
}

/// Runs a part of an actor's code.
pub(super) fn polled<T>(place: &mut Option<Arc<dyn Place>>, poll: impl FnOnce() -> T) -> T {
    let _swapped = Swapped::<false>::new(place);
    poll()
}

pin_project! {
    /// Code that runs beside an actor.
    pub(super) struct Beside<F> {
        place: Option<Arc<dyn Place>>,
        #[pin]
        code: F,
    }
}

impl<F> Beside<F> {
    pub(super) fn new(place: Arc<dyn Place>, code: F) -> Self {
        let place = Some(place);
        Self { place, code }
    }
}

impl<F: Future> Future for Beside<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _swapped = Swapped::<true>::new(this.place);
        this.code.poll(task)
    }
}

pin_project! {
    /// Code that the hooks of an actor's end began beside it. The actor waits for this code and handles no call any more, so that the
    /// code asks as the actor itself does, for as long as that is so.
    pub(super) struct Ending<F> {
        place: Option<Arc<dyn Place>>,
        ends: Arc<AtomicBool>,
        #[pin]
        code: F,
    }
}

impl<F> Ending<F> {
    /// `ends` says whether the actor still ends.
    pub(super) fn new(place: Arc<dyn Place>, ends: Arc<AtomicBool>, code: F) -> Self {
        let place = Some(place);
        Self { place, ends, code }
    }
}

impl<F: Future> Future for Ending<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.ends.load(Ordering::SeqCst) {
            return polled(this.place, || this.code.poll(task));
        }
        this.code.poll(task)
    }
}

/// Who wants an actor to end.
pub(super) enum Asker {
    /// Its own code, which has to end before it can.
    Itself,
    /// Somebody else, and those who wait for that one, if it is an actor.
    Other(Option<Arc<Chain>>),
}

/// Returns who wants here that an actor ends, or the path that waiting for it would close to a cycle.
pub(super) fn ending(target: &Arc<dyn Place>) -> Result<Asker, Vec<Subject>> {
    match asking(|| Arc::clone(target)) {
        Ok(None) if is_beside(target) => Ok(Asker::Itself),
        Ok(chain) => Ok(Asker::Other(chain)),
        Err(path) if path.len() == 2 => Ok(Asker::Itself),
        Err(path) => Err(path),
    }
}

/// Returns whose code this thread polls, in the actor or beside it, if it is one of this system.
pub(crate) fn inside(system: &System) -> Option<Subject> {
    let subject = |polled: &Polled| {
        let polled = polled.borrow();
        let place = polled.as_ref().filter(|place| place.is_of(system))?;
        Some(place.subject())
    };
    POLLED.with(subject).or_else(|| BESIDE.with(subject))
}

/// Returns whether the code that this thread polls runs beside an actor.
fn is_beside(target: &Arc<dyn Place>) -> bool {
    BESIDE.with(|beside| {
        let beside = beside.borrow();
        let same = |place: &Arc<dyn Place>| Arc::ptr_eq(place, target);
        beside.as_ref().is_some_and(same)
    })
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
