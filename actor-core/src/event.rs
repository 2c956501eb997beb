//! Events: what actors tell those who listen.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use futures_core::Stream;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::limits;
use crate::runtime::{Observer, Until};
use crate::stage::Keyed;

/// Something that happened in an actor, for those who subscribe to it. Implemented by `#[derive(Event)]`.
///
/// An event is any value that can be cloned and sent. Every actor may emit it, unless `#[event(of(ChatRoom, Lobby))]` names those
/// that do.
///
/// # Examples
///
/// ```
/// use actor_core::prelude::*;
/// use actor_core::Event;
///
/// #[derive(Clone, Debug, PartialEq, Event)]
/// #[event(of(Room))]
/// struct Said(String);
///
/// #[derive(Actor)]
/// struct Room { #[state] lines: State<u32> }
///
/// #[actor]
/// impl Room {
///     #[action]
///     fn say(&mut self, cx: &mut Context<'_, Self>, line: String) -> Result<u32> {
///         *self.lines += 1;
///         cx.emit(Said(line));
///         Ok(*self.lines)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let system = System::builder().data_dir(directory.path()).register::<Room>().start().await?;
/// let room = system.get_or_create::<Room>("lobby", ());
/// let mut said = room.subscribe::<Said>()?;
/// room.say("hello").await?;
/// assert_eq!(said.next().await, Some(Ok(Said("hello".to_owned()))));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "this is not an event",
    note = "add `#[derive(Event)]` to `{Self}`"
)]
pub trait Event: Clone + Send + Sync + 'static {
    /// The name of the event, in logs: the type's in kebab case, or what `#[event(name = "…")]` says.
    const NAME: &'static str;
}

/// An event that the actor `A` may emit. Implemented by `#[derive(Event)]`.
#[diagnostic::on_unimplemented(
    message = "`{A}` does not emit `{Self}`",
    label = "no event of `{A}`",
    note = "an event has `#[derive(Event)]`; if it has `#[event(of(…))]`, only the actors that are named there emit it"
)]
pub trait EventOf<A>: Event {}

/// A subscription was too slow: events are gone that there was no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscription was too slow and missed {missed} events")]
#[non_exhaustive]
pub struct Lagged {
    /// How many are gone. They are the oldest of those that were not taken yet.
    pub missed: u64,
}

impl Lagged {
    /// Returns the stable name of what this error is about.
    #[must_use]
    pub fn group(&self) -> &'static str {
        "event"
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "lagged"
    }
}

impl<T: Clone> Observer<T> {
    /// Takes the next value, or says in the user's words that some were missed.
    pub(crate) fn poll_lagging(&mut self, task: &mut Task<'_>) -> Poll<Option<Result<T, Lagged>>> {
        let next = self.poll_next(task);
        next.map(|next| next.map(|next| next.map_err(|missed| Lagged { missed })))
    }
}

impl<A: Handlers, S: Keyed> Context<'_, A, S> {
    /// Tells those who subscribe to this actor of something, when this hook or action is durable; not at all if it fails.
    ///
    /// The events of an actor leave in the order in which it emitted them, and before the reply of the call that emitted them.
    /// In an actor without a database they leave when the action has returned `Ok`. When nobody listens the event is dropped here.
    ///
    /// Events are in memory: one that has left may be lost with the process. What must arrive is sent with [`send`](Context::send).
    pub fn emit<E: EventOf<A>>(&mut self, event: E) {
        self.turn_mut().emit(event);
    }
}

impl<A: Handlers> ActorRef<A> {
    /// Subscribes to the events of one type that the actor emits from now on, with room for 256 of them.
    ///
    /// This neither wakes the actor nor creates it nor keeps it awake: an actor to which others only listen is idle, and its vars are
    /// lost when it sleeps. An actor that keeps in its vars who is present has `sleep_after = "never"`, or a `#[run]` hook that
    /// holds the guard of [`keep_awake`](crate::Background::keep_awake) meanwhile.
    ///
    /// The subscription goes on when the actor sleeps, crashes or starts again; it ends
    /// when the actor is destroyed, also if the key is used again then, and when the system is shut down. A slow reader gets
    /// [`Lagged`] and then what is kept.
    ///
    /// # Errors
    ///
    /// A bad key, a type that is not registered, or a system that is shut down.
    pub fn subscribe<E: EventOf<A>>(&self) -> Result<Subscription<E>, CallError> {
        self.subscribe_with(limits::EVENTS)
    }

    /// Subscribes as [`subscribe`](Self::subscribe) does, with room for `capacity` events, and for one at least. Room that is not used
    /// costs nothing.
    ///
    /// # Errors
    ///
    /// Those of [`subscribe`](Self::subscribe).
    pub fn subscribe_with<E: EventOf<A>>(
        &self,
        capacity: usize,
    ) -> Result<Subscription<E>, CallError> {
        let cell = self.cell()?;
        let observer = cell.observe(capacity, Until::Destroyed);
        // A shutdown that begins behind this look ends the subscription.
        if cell.system().is_closing() {
            return Err(cell.shut_down());
        }
        Ok(Subscription(observer))
    }
}

/// The events of one type that an actor emits, as a [`Stream`].
///
/// It ends with `None`. Dropping it ends it.
pub struct Subscription<E>(Observer<E>);

impl<E: Event> Subscription<E> {
    /// Waits for the next event.
    ///
    /// # Errors
    ///
    /// [`Lagged`] when events are gone because this was called too late. The next call goes on with the oldest that is kept.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<E, Lagged>> {
        poll_fn(|task| self.0.poll_lagging(task)).await
    }
}

impl<E: Event> Stream for Subscription<E> {
    type Item = Result<E, Lagged>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_lagging(task)
    }
}

impl<E: Event> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("event", &E::NAME)
            .finish_non_exhaustive()
    }
}
