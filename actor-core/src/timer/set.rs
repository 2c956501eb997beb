//! How a timer is set: on a call from outside, and for a context's own actor.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use crate::actor::Handlers;
use crate::call::Call;
use crate::clock::{Clock, duration_ms, to_ms};
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::limits;
use crate::plumbing::Storable;
use crate::timer::{Repeats, TimerError, TimerId};

/// When a timer runs.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// Once, so long from now.
    After(Duration),
    /// Once, at a moment.
    At(SystemTime),
    /// Again and again.
    Repeats(Repeats),
}

/// When a timer runs first, and how it repeats.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The first run, in milliseconds since 1970.
    pub(crate) first: i64,
    /// How it repeats.
    pub(crate) repeats: Option<Repeats>,
}

impl When {
    /// Returns the moment of the first run.
    pub(crate) fn plan(self, clock: Clock) -> Result<Plan, TimerError> {
        let now = clock.now_ms();
        let (first, repeats) = match self {
            Self::After(delay) => (now + duration_ms(delay), None),
            Self::At(time) => (to_ms(time), None),
            Self::Repeats(repeats) => {
                if let Repeats::Every(period) = &repeats
                    && period.as_millis() == 0
                {
                    return Err(TimerError::Period { period: *period });
                }
                if let Repeats::Cron { expression, zone } = &repeats {
                    crate::cron::check(expression, zone)?;
                }
                match (repeats.next(now, now)?, &repeats) {
                    (Some(first), _) => (first, Some(repeats)),
                    (None, Repeats::Cron { expression, zone }) => {
                        return Err(TimerError::Cron {
                            expression: expression.clone(),
                            zone: zone.clone(),
                            reason: "it names no moment of the next four years".to_owned(),
                        });
                    }
                    (None, Repeats::Every(period)) => {
                        return Err(TimerError::Period { period: *period });
                    }
                }
            }
        };
        Ok(Plan { first, repeats })
    }
}

/// A timer that is to be set.
#[derive(Clone, Debug)]
pub(crate) struct NewTimer {
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    /// The action.
    pub(crate) action: &'static str,
    /// The arguments, as JSON.
    pub(crate) arguments: String,
    /// When.
    pub(crate) plan: Plan,
}

impl NewTimer {
    /// Writes a call as it is stored.
    pub(crate) fn of<A: Handlers>(
        message: &A::Message,
        name: Option<String>,
        plan: Plan,
    ) -> Result<Self, TimerError> {
        let action = A::__action(message).name;
        let arguments = A::__encode(message).map_err(|fault| TimerError::Arguments {
            action,
            reason: fault.to_string(),
        })?;
        if arguments.len() > limits::STORED_BYTES {
            return Err(TimerError::TooLarge {
                action,
                bytes: arguments.len(),
                limit: limits::STORED_BYTES,
            });
        }
        Ok(Self {
            name,
            action,
            arguments,
            plan,
        })
    }
}

/// A timer on its way to its actor. Nothing happens before it is awaited.
// A type of its own: what a future of an `async fn` asks of the arguments, the compiler says three times.
#[must_use = "a timer is set when this is awaited"]
pub struct SettingTimer<'h>(Pin<Box<dyn Future<Output = Result<TimerId, CallError>> + Send + 'h>>);

impl Future for SettingTimer<'_> {
    type Output = Result<TimerId, CallError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(task)
    }
}

impl fmt::Debug for SettingTimer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettingTimer").finish_non_exhaustive()
    }
}

/// A call with a name: a timer that is set with it replaces the one of that name.
///
/// Made by [`Call::named`].
#[must_use = "a named call does nothing until a timer is set with it"]
pub struct NamedCall<'h, A: Handlers, R, M> {
    call: Call<'h, A, R, M>,
    name: Option<String>,
}

impl<'h, A: Handlers, R, M> NamedCall<'h, A, R, M> {
    /// Makes the call so long from now.
    ///
    /// The actor stores the call in a transaction of its own, and is woken for it. This returns when it is on disk.
    ///
    /// # Errors
    ///
    /// [`CallError::Timer`] when the timer cannot be set, and what an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the timer may be set or not.
    pub fn after(self, delay: Duration) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.set(When::After(delay))
    }

    /// Makes the call at a moment; one that has passed is now.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn at(self, time: SystemTime) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.set(When::At(time))
    }

    /// Makes the call again and again, for the first time when `period` has passed.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn every(self, period: Duration) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.set(When::Repeats(Repeats::Every(period)))
    }

    /// Makes the call at the moments that a cron expression names in a time zone.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    #[cfg(feature = "cron")]
    pub fn cron(self, expression: &str, zone: &str) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.set(When::Repeats(Repeats::Cron {
            expression: expression.to_owned(),
            zone: zone.to_owned(),
        }))
    }

    /// Makes the call repeatedly, as [`Call::repeat`] does.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn repeat(self, repeats: impl Into<Repeats>) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.set(When::Repeats(repeats.into()))
    }

    fn set(self, when: When) -> SettingTimer<'h> {
        let (actor, message, limit) = self.call.into_parts();
        let name = self.name;
        SettingTimer(Box::pin(async move {
            let clock = actor.cell()?.system().clock();
            let timer = when
                .plan(clock)
                .and_then(|plan| NewTimer::of::<A>(&message, name, plan));
            let refused = |source| CallError::Timer { source };
            actor
                .set_timer(timer.map_err(refused)?, limit)
                .await?
                .map_err(refused)
        }))
    }
}

impl<'h, A: Handlers, R, M> Call<'h, A, R, M> {
    /// Gives a name to the timer that is set with this call: it replaces the timer of that name, if there is one.
    pub fn named(self, name: impl Into<String>) -> NamedCall<'h, A, R, M> {
        NamedCall {
            call: self,
            name: Some(name.into()),
        }
    }

    fn unnamed(self) -> NamedCall<'h, A, R, M> {
        NamedCall {
            call: self,
            name: None,
        }
    }

    /// Makes the call so long from now, as a timer of the actor: it is stored, survives the end of the process, and wakes the actor.
    ///
    /// The actor stores the call in a transaction of its own. This returns when it is on disk. What the action returns is
    /// dropped. It runs at least once, and once in effect: the timer goes in the transaction of the action. When it fails it
    /// is tried again, and in the end it is a [dead letter](ActorRef::dead_letters).
    ///
    /// In a handler, [`Context::after`](crate::Context::after) sets a timer of the actor itself in the transaction of the action.
    ///
    /// # Errors
    ///
    /// [`CallError::Timer`] when the timer cannot be set, and what an ask can fail with.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped after its first poll, the timer may be set or not.
    pub fn after(self, delay: Duration) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.unnamed().after(delay)
    }

    /// Makes the call at a moment, as a timer; one that has passed is now.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn at(self, time: SystemTime) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.unnamed().at(time)
    }

    /// Makes the call again and again, for the first time when `period` has passed.
    ///
    /// Ticks stay where they are, however late a run is. Those that pass while a run is under way, is tried again, or while the
    /// process is down, are one run.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn every(self, period: Duration) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.unnamed().every(period)
    }

    /// Makes the call at the moments that a cron expression names in a time zone, such as `"0 9 * * 1-5"` and
    /// `"Europe/Berlin"`.
    ///
    /// Where the clocks go forward, a moment that does not exist is skipped to the first one behind the gap; where they go
    /// back, a fixed time runs once.
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    #[cfg(feature = "cron")]
    pub fn cron(self, expression: &str, zone: &str) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.unnamed().cron(expression, zone)
    }

    /// Makes the call repeatedly: at the moments of a [`Cron`](crate::Cron), such as one of [`cron!`](crate::cron!), which was
    /// checked while compiling, or every so often, by a [`Duration`].
    ///
    /// # Errors
    ///
    /// As [`after`](Self::after).
    ///
    /// # Cancel safety
    ///
    /// As [`after`](Self::after).
    pub fn repeat(self, repeats: impl Into<Repeats>) -> SettingTimer<'h>
    where
        M: Storable,
    {
        self.unnamed().repeat(repeats)
    }
}

/// A call that a timer of the actor `A` can make: one of its own actions, with arguments that can be saved. A
/// [`Call`], or one that has a [name](Call::named).
#[diagnostic::on_unimplemented(
    message = "`{A}` cannot set this as a timer of its own",
    label = "not a call of one of the actions of `{A}`",
    note = "`cx.after(…)` and its like call the actor's own actions: `cx.after(delay, cx.handle().action(…))`"
)]
pub trait Timed<A: Handlers>: sealed::Sealed {
    #[doc(hidden)]
    fn __parts(&self) -> (&ActorRef<A>, &A::Message, Option<&str>);
}

mod sealed {
    pub trait Sealed {}
}

impl<A: Handlers, R, M> sealed::Sealed for Call<'_, A, R, M> {}

impl<A: Handlers, R, M> sealed::Sealed for NamedCall<'_, A, R, M> {}

impl<A: Handlers, R, M: Storable> Timed<A> for Call<'_, A, R, M> {
    fn __parts(&self) -> (&ActorRef<A>, &A::Message, Option<&str>) {
        (self.actor(), self.message(), None)
    }
}

impl<A: Handlers, R, M: Storable> Timed<A> for NamedCall<'_, A, R, M> {
    fn __parts(&self) -> (&ActorRef<A>, &A::Message, Option<&str>) {
        let name = self.name.as_deref();
        (self.call.actor(), self.call.message(), name)
    }
}

impl<A: Handlers, R, M> fmt::Debug for NamedCall<'_, A, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedCall")
            .field("call", &self.call)
            .field("name", &self.name)
            .finish()
    }
}
