//! Running the user's code: with a limit on its time, and with its panics caught.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::Failure;

/// How the user's code ended, if not well.
#[derive(Debug)]
pub(super) enum Fault {
    /// It returned an error.
    Failed(Failure),
    /// It panicked, with this text.
    Panicked(String),
    /// It took longer than this and was dropped.
    TimedOut(Duration),
}

/// Runs a hook or an action to its end, to its panic, or to the end of its time.
///
/// Code that never awaits cannot be dropped; it is refused when it comes back too late. What it writes to the actor in
/// memory is put right by the caller, which is why its panics may be caught.
pub(super) async fn limited<T>(
    limit: Duration,
    code: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Fault> {
    let began = Instant::now();
    let mut code = pin!(code);
    let caught = std::future::poll_fn(|task| {
        match catch_unwind(AssertUnwindSafe(|| code.as_mut().poll(task))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result.map_err(Fault::Failed)),
            Err(payload) => Poll::Ready(Err(Fault::Panicked(Failure::panic_text(&*payload)))),
        }
    });
    match tokio::time::timeout(limit, caught).await {
        Ok(_) if began.elapsed() > limit => Err(Fault::TimedOut(limit)),
        Ok(result) => result,
        Err(_) => Err(Fault::TimedOut(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_end_is_told_apart() {
        let second = Duration::from_secs(1);
        assert_eq!(limited(second, async { Ok(7) }).await.unwrap(), 7);
        let failed = limited::<()>(second, async { Err(Failure::message("no")) }).await;
        assert!(matches!(failed, Err(Fault::Failed(failure)) if failure.to_string() == "no"));
        let panicked = limited::<()>(second, async { panic!("ouch {}", 1) }).await;
        assert!(matches!(panicked, Err(Fault::Panicked(text)) if text == "ouch 1"));
        let slow = limited::<()>(second, std::future::pending()).await;
        assert!(matches!(slow, Err(Fault::TimedOut(limit)) if limit == second));
    }
}
