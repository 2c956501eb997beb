//! What a context can do with the timers of its own actor, in the transaction of the running hook or action.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::context::Context;
use crate::other_system::same_system;
use crate::runtime::{cancel_timer, set_timer};
use crate::stage::Keyed;
use crate::store::{StoredKind, calls};
use crate::timer::{NewTimer, Repeats, Timed, Timer, TimerError, TimerId, When, WhichTimer};

impl<A: Handlers, S: Keyed> Context<'_, A, S> {
    /// Makes a call of this actor so long from now. The timer is set with this hook or action: it is not there if that fails.
    ///
    /// It survives the end of the process, and wakes the actor. It runs at least once, and once in effect: the timer goes in the
    /// transaction of the action that it runs. When it fails it is tried again, and in the end it is a
    /// [dead letter](crate::ActorRef::dead_letters).
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # use std::time::Duration;
    /// # #[derive(Actor)]
    /// # struct Cart { #[state] articles: State<Vec<String>> }
    /// #[actor]
    /// impl Cart {
    ///     #[action]
    ///     fn put(&mut self, cx: &mut Context<'_, Self>, article: String) -> Result<()> {
    ///         // A later article sets the clock back: the name replaces the earlier timer.
    ///         cx.after(Duration::from_hours(24), cx.handle().expire().named("expire"))?;
    ///         self.articles.push(article);
    ///         Ok(())
    ///     }
    ///
    ///     #[action]
    ///     fn expire(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
    /// # let _ = cx;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TimerError`] as its variants say. In an action that takes `&self` setting a timer fails.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn after(&mut self, delay: Duration, call: impl Timed<A>) -> Result<TimerId, TimerError> {
        self.set_timer(When::After(delay), &call)
    }

    /// Makes a call of this actor at a moment; one that has passed is now.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn at(&mut self, time: SystemTime, call: impl Timed<A>) -> Result<TimerId, TimerError> {
        self.set_timer(When::At(time), &call)
    }

    /// Makes a call of this actor again and again, for the first time when `period` has passed.
    ///
    /// Ticks stay where they are, however late a run is. Those that pass while a run is under way, is tried again, or while the
    /// process is down, are one run.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn every(&mut self, period: Duration, call: impl Timed<A>) -> Result<TimerId, TimerError> {
        self.set_timer(When::Repeats(Repeats::Every(period)), &call)
    }

    /// Makes a call of this actor at the moments that a cron expression names in a time zone, such as `"0 9 * * 1-5"` and
    /// `"Europe/Berlin"`.
    ///
    /// The five fields are minute, hour, day of the month, month and day of the week. Where clocks change the answers are those of
    /// Vixie's cron: an expression whose hour begins with `*` follows the time that passes; any other names times of the day, of
    /// which one that is left out is as much later as the clock jumps, and one that comes twice is the first.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after); [`TimerError::Cron`] when it is not an expression or not a time zone.
    #[cfg(feature = "cron")]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn cron(
        &mut self,
        expression: &str,
        zone: &str,
        call: impl Timed<A>,
    ) -> Result<TimerId, TimerError> {
        let repeats = Repeats::Cron {
            expression: expression.to_owned(),
            zone: zone.to_owned(),
        };
        self.set_timer(When::Repeats(repeats), &call)
    }

    /// Makes a call of this actor repeatedly: at the moments of a [`Cron`](crate::Cron), such as one of [`cron!`](crate::cron!),
    /// which was checked while compiling, or every so often, by a [`Duration`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use actor_core::prelude::*;
    /// # #[derive(Actor)]
    /// # struct Report { #[state] sent: State<u32> }
    /// #[actor]
    /// impl Report {
    ///     #[action]
    ///     fn plan(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
    ///         let weekdays = actor_core::cron!("0 9 * * 1-5", "Europe/Berlin");
    ///         cx.repeat(weekdays, cx.handle().send().named("report"))?;
    ///         Ok(())
    ///     }
    ///
    ///     #[action]
    ///     fn send(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
    ///         *self.sent += 1;
    ///         Ok(())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a call is used up when it is made"
    )]
    pub fn repeat(
        &mut self,
        repeats: impl Into<Repeats>,
        call: impl Timed<A>,
    ) -> Result<TimerId, TimerError> {
        self.set_timer(When::Repeats(repeats.into()), &call)
    }

    /// Cancels a timer of this actor, by its id or its name, with this hook or action. Returns whether it was set.
    ///
    /// A timer whose action runs now is not set any more, unless it repeats.
    ///
    /// # Errors
    ///
    /// [`TimerError::Database`].
    pub fn cancel_timer(&mut self, which: impl Into<WhichTimer>) -> Result<bool, TimerError> {
        let which = which.into();
        self.stored(|connection| cancel_timer(connection, &which))
    }

    /// Returns the timers of this actor, in the order in which they run.
    ///
    /// # Errors
    ///
    /// [`TimerError::Database`].
    pub fn timers(&mut self) -> Result<Vec<Timer>, TimerError> {
        let timers = self.stored(|connection| calls::list(connection, StoredKind::Timer))?;
        Ok(timers.into_iter().map(Timer::of).collect())
    }

    fn set_timer(&mut self, when: When, call: &impl Timed<A>) -> Result<TimerId, TimerError> {
        let (actor, message, name) = call.__parts();
        let own = self.turn().cell();
        match actor.cell() {
            Ok(target) if Arc::ptr_eq(target, own) => {}
            Ok(target) => {
                same_system(own.system(), target)?;
                let subject = target.subject();
                return Err(TimerError::OtherActor { subject });
            }
            Err(error) => {
                let reason = error.to_string();
                return Err(TimerError::Database { reason });
            }
        }
        let plan = when.plan(own.system().clock())?;
        let timer = NewTimer::of::<A>(message, name.map(str::to_owned), plan)?;
        self.stored(|connection| set_timer(connection, &timer))?
    }

    /// Runs statements on the stored calls, as a part of the running hook or action.
    fn stored<T>(
        &mut self,
        run: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
    ) -> Result<T, TimerError> {
        if !A::__STORED {
            let subject = self.turn().cell().subject();
            return Err(TimerError::InMemory { subject });
        }
        let turn = self.turn_mut();
        turn.touch();
        turn.database()
            .db()
            .for_call(run)
            .map_err(|error| TimerError::Database {
                reason: error.to_string(),
            })
    }
}
