//! Watching an actor: what becomes of its instances.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use futures_core::Stream;

use crate::actor::Handlers;
use crate::error::{CallError, StartError};
use crate::event::Lagged;
use crate::handle::ActorRef;
use crate::limits;
use crate::runtime::{Cell, Observer, Until};

/// What became of an actor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// Its preamble has ended well: it is awake.
    Woke,
    /// It sleeps. Its file is closed.
    Slept,
    /// A panic, or a commit that was lost, has ended its instance. Its file is closed, and it starts again when something waits for it.
    Crashed,
    /// It did not start. Calls get the error, at once until the back-off is over.
    NotStarted(Arc<StartError>),
    /// It crashed too often, and is given up for a while: calls get this error at once.
    Failed(CallError),
    /// It is gone, with its file. What comes next is another actor of the same key.
    Destroyed,
}

impl<A: Handlers> ActorRef<A> {
    /// Watches what becomes of the actor from now on: when it wakes, sleeps, crashes, fails to start and is destroyed.
    ///
    /// This neither wakes the actor nor creates it, and goes on when the actor is destroyed and its key is used again; it ends when the
    /// system is shut down, behind the last change. Of an end it tells when the actor's file is closed, and before the next
    /// start. There is room for 256 changes; a slow reader gets [`Lagged`] and then what is kept.
    ///
    /// # Errors
    ///
    /// A bad key, a type that is not registered, or a system that is shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use actor_core::prelude::*;
    /// use actor_core::Change;
    ///
    /// #[derive(Actor)]
    /// struct Counter { #[state] count: State<u32> }
    ///
    /// #[actor]
    /// impl Counter {
    ///     #[action]
    ///     fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
    ///         *self.count += 1;
    ///         Ok(*self.count)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let system = System::builder().data_dir(directory.path()).register::<Counter>().start().await?;
    /// let counter = system.get_or_create::<Counter>("a", ());
    /// let mut watch = counter.watch()?;
    /// counter.add().await?;
    /// counter.sleep().await?;
    /// assert!(matches!(watch.next().await, Some(Ok(Change::Woke))));
    /// assert!(matches!(watch.next().await, Some(Ok(Change::Slept))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn watch(&self) -> Result<Watch, CallError> {
        let cell = self.cell()?;
        let observer = cell.observe(limits::EVENTS, Until::Shutdown);
        // A shutdown that begins behind this look ends the watch.
        if cell.system().is_closing() {
            return Err(cell.shut_down());
        }
        Ok(Watch(observer))
    }
}

impl<A: Handlers> Cell<A> {
    /// Tells those who watch. Only whoever runs the life of the cell does, so changes come in their order.
    pub(crate) fn tell_change(&self, change: Change) {
        self.metrics().changed(&change);
        if let Some(channel) = self.observed::<Change>() {
            channel.send(change);
        }
    }
}

/// A stream of what becomes of one actor. See [`watch`](ActorRef::watch).
pub struct Watch(Observer<Change>);

impl Watch {
    /// Waits for the next change; `None` when the system is shut down.
    ///
    /// # Errors
    ///
    /// [`Lagged`] when changes are gone because this was called too late. The next call goes on with the oldest that is kept.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no change is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Change, Lagged>> {
        poll_fn(|task| self.0.poll_lagging(task)).await
    }
}

impl Stream for Watch {
    type Item = Result<Change, Lagged>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll_lagging(task)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
