//! [`elsewhere`]: code that may take long without waiting, such as a migration, away from the workers of the runtime.
//!
//! # Invariants
//!
//! 1. The code has a thread while it is polled, and none while it waits: what it waits for may need the thread, and paused time goes on.
//! 2. It is not polled again before it was woken.
//! 3. No other actor runs on the thread: it is bounded how many there are.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::{Notify, Semaphore};
use tracing::{Span, dispatcher};

use crate::away;
use crate::runtime::runner;
use crate::store::StoreError;

thread_local! {
    /// Whether this thread polls such code.
    static IS_ELSEWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread is none of the runtime's workers, so that code may hold it.
pub(super) fn is_here() -> bool {
    IS_ELSEWHERE.get()
}

/// Remembers that the code was woken.
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

/// Runs code to its end, on threads for which there are so many places. Its panic is that of this future.
///
/// # Cancel safety
///
/// What is being polled goes on until it waits. Then it is dropped, on that thread.
pub(super) async fn elsewhere<T: Send + 'static>(
    places: &Arc<Semaphore>,
    code: impl Future<Output = T> + Send + 'static,
) -> Result<T, StoreError> {
    let mut code = Box::pin(code);
    let woken = Arc::new(Woken(Notify::new()));
    let waker = Waker::from(Arc::clone(&woken));
    let away = away::here();
    loop {
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.expect("it is never closed");
        let traced = (dispatcher::get_default(Clone::clone), Span::current());
        let waker = waker.clone();
        let polling = away.run(move || {
            let task = &mut Context::from_waker(&waker);
            let (dispatch, span) = traced;
            let polled = dispatcher::with_default(&dispatch, || {
                span.in_scope(|| polled(|| code.as_mut().poll(task)))
            });
            drop(place);
            (code, polled)
        });
        let polled = polling.await.map_err(|error| StoreError::Interrupted {
            message: error.to_string(),
        })?;
        match polled.1 {
            Ok(Poll::Ready(result)) => return Ok(result),
            Ok(Poll::Pending) => code = polled.0,
            Err(panic) => resume_unwind(panic),
        }
        // INVARIANT 2
        woken.0.notified().await;
    }
}

/// Polls code on this thread.
fn polled<T>(poll: impl FnOnce() -> T) -> std::thread::Result<T> {
    IS_ELSEWHERE.set(true);
    // INVARIANT 3
    let polled = runner::alone(|| catch_unwind(AssertUnwindSafe(poll)));
    IS_ELSEWHERE.set(false);
    polled
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn code_that_waits_has_no_thread_and_time_goes_on() {
        let places = Arc::new(Semaphore::new(1));
        let free = Arc::clone(&places);
        let code = async move {
            let first = (is_here(), thread::current().id(), free.available_permits());
            tokio::time::sleep(Duration::from_secs(5)).await;
            (first, is_here(), free.available_permits())
        };
        let watch = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            places.available_permits()
        };
        let began = tokio::time::Instant::now();
        let (ran, waited) = tokio::join!(elsewhere(&places, code), watch);
        let (first, last, free) = ran.unwrap();
        assert_eq!((first.0, first.2, last, free), (true, 0, true, 0));
        assert_ne!(first.1, thread::current().id());
        assert_eq!(waited, 1);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert!(!is_here());
    }

    #[tokio::test]
    async fn no_more_run_than_there_are_places() {
        let places = Arc::new(Semaphore::new(2));
        // Both places are needed for anybody to go on.
        let both = Arc::new(Barrier::new(2));
        let ran: Vec<_> = (0..6)
            .map(|_| {
                let (places, both) = (Arc::clone(&places), Arc::clone(&both));
                tokio::spawn(async move {
                    let free = Arc::clone(&places);
                    let code = async move {
                        both.wait();
                        let free = free.available_permits();
                        both.wait();
                        free
                    };
                    elsewhere(&places, code).await
                })
            })
            .collect();
        for ran in ran {
            assert_eq!(ran.await.unwrap().unwrap(), 0);
        }
        assert_eq!(places.available_permits(), 2);
    }

    #[tokio::test]
    async fn a_panic_comes_back_and_gives_the_place_up() {
        let places = Arc::new(Semaphore::new(1));
        let there = Arc::clone(&places);
        let panics = tokio::spawn(async move {
            let code = async { panic!("ouch") };
            elsewhere::<()>(&there, code).await
        });
        let panic = panics.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"ouch"));
        assert_eq!(places.available_permits(), 1);
    }
}
