//! What a handle can do with the timers and the dead letters of its actor.

use std::time::Duration;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::dead_letter::{DeadLetter, DeadLetterId};
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::limits;
use crate::runtime::{Inside, cancel_timer, retry_dead_letter, set_timer};
use crate::store::{StoredKind, calls};
use crate::timer::{NewTimer, Timer, TimerError, TimerId, TimerRun, WhichTimer};

impl<A: Handlers> ActorRef<A> {
    /// Returns the timers that are set, in the order in which they run.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn timers(&self) -> Result<Vec<Timer>, CallError> {
        let timers = self.read("timers", |connection| {
            calls::list(connection, StoredKind::Timer)
        });
        Ok(timers.await?.into_iter().map(Timer::of).collect())
    }

    /// Returns the last runs of timers that are over, the oldest first.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn timer_runs(&self) -> Result<Vec<TimerRun>, CallError> {
        let runs = self.read("timer_runs", |connection| {
            calls::list(connection, StoredKind::Run)
        });
        Ok(runs.await?.into_iter().map(TimerRun::of).collect())
    }

    /// Cancels a timer, by its id or its name. Returns whether it was set.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the timer may be cancelled or not.
    pub async fn cancel_timer(&self, which: impl Into<WhichTimer>) -> Result<bool, CallError> {
        let which = which.into();
        self.change("cancel_timer", move |connection| {
            cancel_timer(connection, &which)
        })
        .await
    }

    /// Returns the stored calls that failed for good, in the order in which they did.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn dead_letters(&self) -> Result<Vec<DeadLetter>, CallError> {
        let letters = self.read("dead_letters", calls::dead).await?;
        Ok(letters.into_iter().filter_map(DeadLetter::of).collect())
    }

    /// Makes a dead letter what it was before, due now, as if it was never tried. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, it may be done or not.
    pub async fn retry_dead_letter(&self, id: DeadLetterId) -> Result<bool, CallError> {
        let now = self.cell()?.system().clock().now_ms();
        self.change("retry_dead_letter", move |connection| {
            retry_dead_letter(connection, id.0, now)
        })
        .await
    }

    /// Throws a dead letter away. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// What an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, it may be gone or not.
    pub async fn discard_dead_letter(&self, id: DeadLetterId) -> Result<bool, CallError> {
        self.change("discard_dead_letter", move |connection| {
            for kind in StoredKind::DEAD {
                if calls::remove(connection, kind, id.0)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// Sets a timer.
    pub(crate) async fn set_timer(
        &self,
        timer: NewTimer,
        limit: Duration,
    ) -> Result<Result<TimerId, TimerError>, CallError> {
        let set = Inside::change("set_timer", move |connection: &mut SqliteConnection| {
            set_timer(connection, &timer)
        });
        self.inside(set, limit).await
    }

    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let read = Inside::read(name, work);
        self.inside(read, limits::ASK_TIMEOUT).await
    }

    async fn change<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let change = Inside::change(name, work);
        self.inside(change, limits::ASK_TIMEOUT).await
    }
}
