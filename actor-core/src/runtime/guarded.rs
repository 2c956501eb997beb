//! Code of the user's that is no hook and no action, such as a `Serialize` or a `Drop`: its panics are caught, too.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::actor::Handlers;
use crate::caught::dropped;
use crate::runtime::cell::Cell;

pub(super) use crate::caught::caught as guarded;

pin_project! {
    /// A future in which code of the user's runs. It ends with the text of its panic.
    pub(super) struct Guarded<F> {
        #[pin]
        code: F,
    }
}

impl<F> Guarded<F> {
    pub(super) fn new(code: F) -> Self {
        Self { code }
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, String>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let code = self.project().code;
        match guarded(|| code.poll(task)) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}

/// Wakes tasks. One of another executor than tokio's that panics by it harms nobody else.
pub(super) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        if let Err(panic) = guarded(|| waker.wake()) {
            tracing::error!(error = panic, "a waker panicked");
        }
    }
}

/// Drops what is the user's and that nobody takes. That it panics harms nobody.
pub(crate) fn dispose<T>(value: T) {
    if let Err(panic) = dropped(value) {
        tracing::error!(error = panic, "the `Drop` of what nobody takes panicked");
    }
}

/// Drops what is the user's and of no use any more. That it panics harms nobody.
pub(super) fn discard<A: Handlers, T>(cell: &Cell<A>, value: T) {
    if let Err(panic) = dropped(value) {
        let key = cell.key();
        tracing::error!(actor = A::NAME, %key, error = panic, "a `Drop` panicked");
    }
}
