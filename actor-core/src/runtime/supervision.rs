//! When an actor that crashed starts again, and when it is given up for a while.
//!
//! # Invariants
//!
//! 1. What waits is kept as long as the budget lasts. With the budget everybody who waits is answered, and the last life ends; but a
//!    wish that the actor be destroyed is carried out, and what was sent behind it waits for what comes then.
//! 2. Only panics of the user's code count: a commit that the disk lost, and a crash that a test asks for, do not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::limits;
use crate::runtime::cell::Cell;
use crate::runtime::chain::asking;
use crate::runtime::failed::turn_away_before_destruction;
use crate::runtime::inside::{Work, Working};
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::life::Life;
use crate::runtime::limited::Fault;
use crate::runtime::mail::Mail;
use crate::runtime::mailbox::{Refusal, Status};
use crate::runtime::memory;
use crate::watch::Change;

/// What stands for the name of code that is no hook and no action, such as a `Drop`.
pub(super) const OTHER_CODE: &str = "drop";

/// What comes after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The actor starts again at once.
    Start,
    /// It starts again after a pause.
    Pause(Duration),
    /// Calls are refused for this long.
    Fail(Duration),
}

/// How often an actor panicked lately, and was given up in a row.
#[derive(Clone, Default)]
pub(super) struct Budget {
    /// When it panicked since the window began, or since it was given up; at most one more than the budget.
    recent: Vec<Instant>,
    /// Whether the last panic was not looked at yet.
    fresh: bool,
    /// How often it was given up in a row, and until when the last time.
    failures: u32,
    until: Option<Instant>,
}

impl Budget {
    /// Notes a panic. Those are counted that are not older than the window.
    pub(super) fn note(&mut self, now: Instant, window: Duration) {
        self.recent.retain(|at| now.duration_since(*at) < window);
        self.recent.push(now);
        self.fresh = true;
        if self.until.is_some_and(|until| until + window < now) {
            (self.failures, self.until) = (0, None);
        }
    }

    /// Decides what comes after a crash of an actor that is started again so often.
    fn next(&mut self, now: Instant, restarts: u32) -> Next {
        // INVARIANT 2
        if !std::mem::take(&mut self.fresh) {
            return Next::Start;
        }
        let crashes = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if crashes > restarts {
            let pause = doubled(limits::FAILED_MIN, self.failures).min(limits::FAILED_MAX);
            self.recent = Vec::new();
            self.failures = self.failures.saturating_add(1);
            self.until = Some(now + pause);
            return Next::Fail(pause);
        }
        match crashes.checked_sub(2) {
            None => Next::Start,
            Some(times) => {
                Next::Pause(doubled(limits::CRASH_PAUSE, times).min(limits::CRASH_PAUSE_MAX))
            }
        }
    }
}

/// Doubles a pause some times.
pub(super) fn doubled(pause: Duration, times: u32) -> Duration {
    pause.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
}

impl<A: Handlers> Cell<A> {
    /// Begins the next life of an actor that crashed, unless it crashed too often.
    pub(super) fn after_crash(self: &Arc<Self>) -> Option<Life<A>> {
        let now = Instant::now();
        match self.next_after_crash(now) {
            Next::Start => Some(Life::start(self, true)),
            Next::Pause(pause) => Some(Life::start_after(self, pause)),
            Next::Fail(pause) => self.fail(now + pause),
        }
    }

    fn next_after_crash(&self, now: Instant) -> Next {
        let mut inner = self.mailbox().lock();
        let health = inner.health.as_mut();
        let restarts = A::OPTIONS.restarts;
        health.map_or(Next::Start, |health| health.budget.next(now, restarts))
    }

    /// Ends a life that is gone by a panic of code that is no hook and no action, and tells everybody who waits. Who calls this has
    /// the baton.
    pub(super) fn end_panicked(self: &Arc<Self>, panic: String) -> CallError {
        self.note_crash(OTHER_CODE, &panic);
        let error = Fault::Panicked(panic).into_error(self.subject(), OTHER_CODE);
        tracing::error!(actor = A::NAME, key = %self.key(), %error, "an actor ended by a panic that no hook and no action had");
        self.tell_change(Change::Crashed);
        let now = Instant::now();
        if let Next::Fail(pause) = self.next_after_crash(now) {
            self.refuse_until(now + pause);
        }
        let waiting = self.give_up_unheld(&error);
        self.end_with(waiting, &error);
        error
    }

    /// Ends the last life of an actor that crashed too often, unless it is to be destroyed: then it starts for that.
    fn fail(self: &Arc<Self>, until: Instant) -> Option<Life<A>> {
        let error = self.refuse_until(until);
        // INVARIANT 1: what comes between the two is answered, too.
        loop {
            if turn_away_before_destruction(self, &error) {
                return Some(Life::start(self, true));
            }
            self.uncount();
            if self.mailbox().retire() {
                break;
            }
        }
        self.system().tasks().end();
        None
    }

    /// Refuses calls to an actor that crashed too often, and returns what they are told.
    fn refuse_until(&self, until: Instant) -> CallError {
        let health = self.mailbox().lock().health.as_deref().cloned();
        let health = health.unwrap_or_default();
        let last = health.last();
        let (subject, name) = (self.subject(), last.map_or("", |crash| crash.name));
        let panic = last.map_or_else(String::new, |crash| crash.message.clone());
        let error = CallError::FailedTooOften {
            subject: subject.clone(),
            crashes: A::OPTIONS.restarts.saturating_add(1),
            window: A::OPTIONS.restart_window,
            name,
            panic: panic.clone(),
            retry_after: until.saturating_duration_since(Instant::now()),
            source: Arc::new(Fault::Panicked(panic).into_error(subject, name)),
        };
        tracing::error!(actor = A::NAME, key = %self.key(), %error, "an actor is given up for a while");
        self.refuse(Refusal {
            error: error.clone(),
            until,
            failures: 1,
            crashed: Some(Box::new(health)),
        });
        self.tell_change(Change::Failed(error.clone()));
        error
    }

    /// Starts the actor at once, whatever went wrong before, and waits until it is awake.
    pub(crate) async fn restart(
        self: &Arc<Self>,
        input: Option<Arc<A::Input>>,
    ) -> Result<(), CallError> {
        if let Err(path) = asking(|| self.place()) {
            // The actor waits for this code. If it is awake there is nothing to do, and otherwise it cannot come up before this ends.
            if self.mailbox().status() != Status::Awake {
                return Err(CallError::Cycle { path });
            }
            self.forget_refusal();
            return Ok(());
        }
        self.forget_refusal();
        // Who wants it now does not want it to pause.
        let ended = self.mailbox().end_pause();
        self.follow(ended, false);
        let input = input.or_else(memory::input::<A>);
        let (done, awake) = oneshot::channel();
        let wake = Box::new(Wake::<A> { input, done });
        self.send_mail(Mail::Work(wake)).await?;
        awake.await.unwrap_or_else(|_| Err(self.shut_down()))
    }
}

/// Work that is done when the actor is awake.
struct Wake<A: Handlers> {
    input: Option<Arc<A::Input>>,
    done: oneshot::Sender<Result<(), CallError>>,
}

impl<A: Handlers> Work<A> for Wake<A> {
    fn may_wait(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, instance: &mut Instance<A>) -> Working<'_> {
        if A::__STORED {
            // What came due while calls were refused is looked for now, and not when they would have been refused no more.
            instance.turn.touch();
        }
        // Who does not wait any more does not need the answer.
        let _ = self.done.send(Ok(()));
        Box::pin(std::future::ready(Flow::GoOn))
    }

    fn reject(self: Box<Self>, error: CallError) {
        let _ = self.done.send(Err(error));
    }

    fn input(&self) -> Option<Arc<A::Input>> {
        self.input.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics at a time, in milliseconds from the first one.
    fn crash(budget: &mut Budget, start: Instant, at: u64) -> Next {
        let now = start + Duration::from_millis(at);
        budget.note(now, limits::CRASH_WINDOW);
        budget.next(now, limits::CRASHES)
    }

    #[test]
    fn the_pause_doubles_until_the_budget_is_spent() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let pause = |ms| Next::Pause(Duration::from_millis(ms));
        let nexts = [0, 1, 2, 3, 4, 5].map(|at| crash(&mut budget, start, at));
        let failed = Next::Fail(Duration::from_secs(30));
        let pauses = [pause(100), pause(200), pause(400), pause(800)];
        assert_eq!(nexts[0], Next::Start);
        assert_eq!(nexts[1..5], pauses);
        assert_eq!(nexts[5], failed);
    }

    #[test]
    fn only_what_was_in_the_last_30_seconds_counts() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        assert_eq!(crash(&mut budget, start, 0), Next::Start);
        let pause = Next::Pause(Duration::from_millis(100));
        assert_eq!(crash(&mut budget, start, 29_999), pause);
        assert_eq!(crash(&mut budget, start, 30_000), pause);
        assert_eq!(crash(&mut budget, start, 60_000), Next::Start);
        // A commit that was lost is no panic.
        assert_eq!(budget.next(start, limits::CRASHES), Next::Start);
    }

    #[test]
    fn a_large_budget_has_pauses_that_end() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let hour = Duration::from_hours(1);
        let mut crash = || {
            budget.note(start, hour);
            budget.next(start, 100)
        };
        let nexts: Vec<_> = (0..101).map(|_| crash()).collect();
        let pause = |seconds| Next::Pause(Duration::from_secs_f64(seconds));
        assert_eq!(
            nexts[8..12],
            [pause(12.8), pause(25.6), pause(30.0), pause(30.0)]
        );
        assert_eq!(nexts[99], pause(30.0));
        assert_eq!(nexts[100], Next::Fail(Duration::from_secs(30)));
    }

    #[test]
    fn without_a_budget_the_first_panic_is_the_last() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        budget.note(start, limits::CRASH_WINDOW);
        assert_eq!(budget.next(start, 0), Next::Fail(Duration::from_secs(30)));
    }

    #[test]
    fn failures_in_a_row_double_up_to_ten_minutes_and_a_quiet_time_ends_the_row() {
        let (mut budget, start) = (Budget::default(), Instant::now());
        let mut at = 0;
        let mut fail = |budget: &mut Budget, quiet: u64| {
            at += quiet;
            let next = (0..6).map(|_| crash(budget, start, at)).last();
            let Some(Next::Fail(pause)) = next else {
                panic!("it is not given up: {next:?}");
            };
            at += u64::try_from(pause.as_millis()).unwrap();
            pause.as_secs()
        };
        let pauses = [0; 7].map(|quiet| fail(&mut budget, quiet));
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(fail(&mut budget, 30_000), 600);
        assert_eq!(fail(&mut budget, 30_001), 30);
    }
}
