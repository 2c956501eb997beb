//! Timers of an awake actor: how they are set, and what becomes of them when they run.
//!
//! # Invariants
//!
//! 1. A timer goes, or is set to its next tick, in the transaction of the action that it ran; a try that failed is counted in
//!    the transaction in which its action was undone. So an action that ran twice has its effect once.
//! 2. One that cannot be made holds up no other.
//! 3. An attempt is noted before the code runs. One that did not come back, by a panic or with the process, is counted when the timer
//!    is due again.

use std::sync::Arc;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::caught::error_text;
use crate::clock::duration_ms;
use crate::error::CallError;
use crate::error_report::ErrorOrigin;
use crate::limits;
use crate::observe::metrics::Letter;
use crate::observe::trace;
use crate::runtime::guarded::dispose;
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::letters::{bury, has_room, retry_delay, stay};
use crate::runtime::stint::Stint;
use crate::store::calls;
use crate::store::{Attempt, Attempts, CallMark, NewCall, StoredCall, StoredKind};
use crate::timer::{NewTimer, Repeats, TimerError, TimerId, WhichTimer};

impl<A: Handlers> Instance<A> {
    /// Runs the stored calls that are due, in the order in which they are.
    pub(super) async fn run_due(&mut self) -> Flow {
        if let Some(error) = self.not_written("timers") {
            let (actor, key) = (A::NAME, self.turn.cell().key());
            tracing::warn!(actor, %key, %error, "timers wait: what they came to could not be written");
            // The scheduler, which has no answer, sends another notice after a while.
            return Flow::GoOn;
        }
        // The scheduler waits for the next wake-up in any case.
        self.turn.agenda.answer();
        let clock = self.turn.cell().system().clock();
        let mut stint = Stint::begin();
        for ran in 0..limits::CALLS_PER_COMMIT {
            if ran > 0 && stint.is_over() {
                break;
            }
            let now = clock.now_ms();
            let first = |connection: &mut SqliteConnection| {
                calls::first_due(connection, StoredKind::Timer, now)
            };
            let timer = match self.turn.database().db().internal(first) {
                Ok(Some(timer)) => timer,
                Ok(None) => return Flow::GoOn,
                Err(cause) => {
                    self.batch.break_with(cause);
                    return Flow::Crash;
                }
            };
            let key = self.turn.cell().key();
            let late = now.saturating_sub(timer.due);
            let traced = trace::timer(A::NAME, key, timer.id, late);
            if traced.around(self.run_timer(timer, late)).await == Flow::Crash {
                return Flow::Crash;
            }
        }
        // The scheduler sends another notice for the rest, behind what waits meanwhile.
        Flow::GoOn
    }

    /// Runs one timer.
    async fn run_timer(&mut self, timer: StoredCall, late: i64) -> Flow {
        let message = match A::__decode(&timer.action, &timer.arguments) {
            Ok(message) => message,
            Err(fault) => {
                let (actor, key, action) = (A::NAME, self.turn.cell().key(), &timer.action);
                tracing::error!(actor, %key, action, error = %fault, "a timer cannot run");
                let reason = error_text(&fault);
                let settled = self.settle(|connection, now| {
                    record(connection, &timer, timer.tries, Some(&reason), now)?;
                    // Every tick of it would end like this one.
                    bury(connection, timer, &reason, now)
                });
                let settled = self.count_timer(false, late, settled);
                self.batch.count(self.turn.cell().durability());
                return self.after_stored(false, settled).await;
            }
        };
        let info = A::__action(&message);
        let (attempts, mark) = self.attempt("", timer.id);
        if let Some(reason) = attempts.take_suspect(mark) {
            // INVARIANT 3
            dispose(message);
            let (actor, key, action) = (A::NAME, self.turn.cell().key(), info.name);
            tracing::error!(actor, %key, action, error = reason, "a timer did not come back the last time");
            let settled = self.settle(|connection, now| failed(connection, timer, reason, now));
            let settled = self.count_timer(false, late, settled);
            self.batch.count(self.turn.cell().durability());
            return self.after_stored(false, settled).await;
        }
        let attempt = attempts.begin(mark);
        let Some((result, flow)) = self.act_stored(message, info, ErrorOrigin::Timer).await else {
            return Flow::Crash;
        };
        self.end_attempt(attempt, result.as_ref().err());
        let failure = result.as_ref().err().map(error_text);
        if let Some(error) = &failure {
            let (actor, key, action) = (A::NAME, self.turn.cell().key(), info.name);
            tracing::error!(actor, %key, action, error, "a timer failed");
        }
        let well = failure.is_none();
        let settled = self.settle(|connection, now| match failure {
            None => ran(connection, timer, now),
            Some(error) => failed(connection, timer, error, now),
        });
        let settled = self.count_timer(well, late, settled);
        let durability = info.durability;
        let durability = durability.unwrap_or_else(|| self.turn.cell().durability());
        self.batch.push(None, result, durability);
        let flow = if settled == Flow::Crash {
            settled
        } else {
            flow
        };
        self.after_stored(info.is_async, flow).await
    }

    /// Returns where attempts are noted, and the mark of a stored call: a timer, or a message of the sender that is named.
    pub(super) fn attempt(&self, sender: &str, id: i64) -> (Arc<Attempts>, CallMark) {
        let cell = self.turn.cell();
        let attempts = Arc::clone(cell.system().store().attempts());
        let mark = CallMark::of(A::NAME, cell.key().as_str(), sender, id);
        (attempts, mark)
    }

    /// Notes that a stored call came back. One that failed and broke the transaction, in which that is counted, is counted when it
    /// comes again.
    pub(super) fn end_attempt(&self, attempt: Attempt, error: Option<&CallError>) {
        if let Some(error) = error
            && self.batch.is_broken()
        {
            attempt.suspect(error_text(error));
        }
    }

    /// Counts a run, and what came of it: whether a dead letter did.
    fn count_timer(&self, well: bool, late: i64, settled: Result<bool, Flow>) -> Flow {
        let metrics = self.turn.cell().metrics();
        metrics.timer_ran(well, late);
        match settled {
            Ok(dead) => {
                metrics.dead_letters(Letter::Timer, u64::from(dead));
                Flow::GoOn
            }
            Err(flow) => flow,
        }
    }

    /// Writes what became of a timer, in the transaction of its action. Returns whether it is a dead letter.
    fn settle(
        &mut self,
        write: impl FnOnce(&mut SqliteConnection, i64) -> QueryResult<bool>,
    ) -> Result<bool, Flow> {
        let now = self.turn.cell().system().clock().now_ms();
        self.turn.agenda.touch();
        let database = self.turn.database();
        match database.db().internal(|connection| write(connection, now)) {
            Ok(dead) => Ok(dead),
            Err(cause) => {
                // INVARIANT 1: neither is there without the other.
                self.batch.break_with(cause);
                Err(Flow::Crash)
            }
        }
    }
}

/// A timer's action is well.
fn ran(connection: &mut SqliteConnection, timer: StoredCall, now: i64) -> QueryResult<bool> {
    record(connection, &timer, timer.tries + 1, None, now)?;
    go_on(connection, timer, now)
}

/// A timer's action failed. Returns whether there is a dead letter of it.
fn failed(
    connection: &mut SqliteConnection,
    timer: StoredCall,
    error: String,
    now: i64,
) -> QueryResult<bool> {
    let tries = timer.tries + 1;
    if u32::try_from(tries).unwrap_or(u32::MAX) < limits::STORED_TRIES {
        let due = now + duration_ms(retry_delay(timer.id, tries));
        let again = StoredCall {
            due,
            tries,
            error: Some(error),
            ..timer
        };
        return calls::update(connection, &again).map(|()| false);
    }
    let last = StoredCall { tries, ..timer };
    if !has_room(connection)? {
        return stay(connection, last, &error, now).map(|()| false);
    }
    record(connection, &last, tries, Some(&error), now)?;
    if last.repeats.is_none() {
        return bury(connection, last, &error, now);
    }
    let letter = NewCall {
        kind: StoredKind::DeadTimer as i32,
        name: last.name.clone(),
        action: last.action.clone(),
        arguments: last.arguments.clone(),
        due: now,
        scheduled: last.scheduled,
        tries,
        error: Some(error),
        ..NewCall::default()
    };
    calls::insert(connection, &letter)?;
    go_on(connection, last, now).map(|_| true)
}

/// Sets a timer to its next tick, or removes it. Returns whether it is a dead letter, because it has no next one.
fn go_on(connection: &mut SqliteConnection, timer: StoredCall, now: i64) -> QueryResult<bool> {
    let Some(text) = &timer.repeats else {
        return calls::remove(connection, StoredKind::Timer, timer.id).map(|_| false);
    };
    let repeats = Repeats::parse(text).ok_or_else(|| format!("`{text}` is no repetition"));
    let next = repeats.and_then(|repeats| {
        repeats
            .next(timer.scheduled, now)
            .map_err(|error| error.to_string())
    });
    match next {
        Ok(Some(tick)) => {
            let next = StoredCall {
                due: tick,
                scheduled: tick,
                tries: 0,
                error: None,
                ..timer
            };
            calls::update(connection, &next).map(|()| false)
        }
        Ok(None) => calls::remove(connection, StoredKind::Timer, timer.id).map(|_| false),
        Err(reason) => bury(connection, timer, &reason, now),
    }
}

/// Remembers a run that is over.
pub(super) fn record(
    connection: &mut SqliteConnection,
    timer: &StoredCall,
    tries: i32,
    error: Option<&str>,
    now: i64,
) -> QueryResult<()> {
    let run = NewCall {
        kind: StoredKind::Run as i32,
        name: timer.name.clone(),
        action: timer.action.clone(),
        due: now,
        scheduled: timer.scheduled,
        tries,
        error: error.map(str::to_owned),
        ..NewCall::default()
    };
    calls::insert(connection, &run)?;
    let keep = i64::try_from(limits::TIMER_RUNS).unwrap_or(i64::MAX);
    calls::trim(connection, StoredKind::Run, keep)
}

/// Sets a timer. One with a name replaces the one of that name.
pub(crate) fn set_timer(
    connection: &mut SqliteConnection,
    timer: &NewTimer,
) -> QueryResult<Result<TimerId, TimerError>> {
    if let Some(name) = &timer.name
        && let Some(old) = calls::named(connection, StoredKind::Timer, name)?
    {
        calls::remove(connection, StoredKind::Timer, old)?;
    }
    let count = calls::count(connection, StoredKind::Timer)?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= limits::TIMERS {
        let limit = limits::TIMERS;
        return Ok(Err(TimerError::Full { limit }));
    }
    let call = NewCall {
        kind: StoredKind::Timer as i32,
        name: timer.name.clone(),
        action: timer.action.to_owned(),
        arguments: timer.arguments.clone(),
        due: timer.plan.first,
        scheduled: timer.plan.first,
        repeats: timer.plan.repeats.as_ref().map(ToString::to_string),
        ..NewCall::default()
    };
    Ok(Ok(TimerId(calls::insert(connection, &call)?)))
}

/// Cancels a timer. Returns whether it was set.
pub(crate) fn cancel_timer(
    connection: &mut SqliteConnection,
    which: &WhichTimer,
) -> QueryResult<bool> {
    let id = match which {
        WhichTimer::Id(id) => Some(id.0),
        WhichTimer::Name(name) => calls::named(connection, StoredKind::Timer, name)?,
    };
    match id {
        None => Ok(false),
        Some(id) => calls::remove(connection, StoredKind::Timer, id),
    }
}
