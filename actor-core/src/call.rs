//! [`Call`]: one call of an action, before it is made.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::limits;
use crate::runtime::{Cell, Chain, Mail, SlotId, asking};

/// One call of an action. Awaiting it asks and gives the reply; its methods do something else with it.
///
/// Nothing happens before it is awaited or one of the methods is. `R` is what the action returns, and `M` stands for its
/// arguments: whether the call can be [stored](Call::after).
#[must_use = "a call does nothing until it is awaited, or `tell` or `try_tell` is called"]
pub struct Call<'h, A: Handlers, R, M> {
    actor: &'h ActorRef<A>,
    message: A::Message,
    extract: fn(A::Reply) -> Option<R>,
    limit: Duration,
    arguments: PhantomData<fn() -> M>,
}

impl<'h, A: Handlers, R, M> Call<'h, A, R, M> {
    #[doc(hidden)]
    pub fn __new(
        actor: &'h ActorRef<A>,
        message: A::Message,
        extract: fn(A::Reply) -> Option<R>,
    ) -> Self {
        Self {
            actor,
            message,
            extract,
            limit: limits::ASK_TIMEOUT,
            arguments: PhantomData,
        }
    }

    pub(crate) fn actor(&self) -> &'h ActorRef<A> {
        self.actor
    }

    pub(crate) fn message(&self) -> &A::Message {
        &self.message
    }

    /// Takes the call apart: the target, the message and the limit.
    pub(crate) fn into_parts(self) -> (&'h ActorRef<A>, A::Message, Duration) {
        (self.actor, self.message, self.limit)
    }

    /// Sets how long the caller waits; 60 seconds if it is not called.
    ///
    /// It covers a full mailbox, the preamble of an actor that has to start, and the action. When it has passed the caller
    /// gets [`CallError::TimedOut`]; the action may still run.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Puts the call into the mailbox and does not wait for the action. At most once: it is lost if the process ends first.
    ///
    /// When the mailbox is full this waits for room. What the action returns is dropped, and an error is logged.
    ///
    /// # Errors
    ///
    /// A bad key, a type that is not registered, a start that is backing off, a system that is shut down, or no room within
    /// the timeout.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has not enqueued the call.
    pub async fn tell(self) -> Result<(), CallError> {
        let cell = self.actor.cell()?;
        if !cell.mailbox().try_reserve() {
            let room = {
                let _runtime = cell.system().runtime().enter();
                tokio::time::timeout(self.limit, cell.mailbox().reserve())
            };
            if room.await.is_err() {
                return Err(CallError::TimedOut {
                    subject: cell.subject(),
                    limit: self.limit,
                });
            }
        }
        cell.send_reserved(self.told())
    }

    /// Puts the call into the mailbox if there is room.
    ///
    /// # Errors
    ///
    /// [`CallError::MailboxFull`], and those of [`tell`](Self::tell).
    pub fn try_tell(self) -> Result<(), CallError> {
        let cell = self.actor.cell()?;
        if !cell.mailbox().try_reserve() {
            return Err(CallError::MailboxFull {
                subject: cell.subject(),
                capacity: A::OPTIONS.mailbox,
            });
        }
        cell.send_reserved(self.told())
    }

    /// Makes the mail of a call that nobody waits for.
    fn told(self) -> Mail<A> {
        Mail::Action {
            message: self.message,
            reply: None,
            input: self.actor.input(),
            chain: None,
        }
    }
}

impl<'h, A: Handlers, R, M> IntoFuture for Call<'h, A, R, M> {
    type Output = Result<R, CallError>;
    type IntoFuture = Ask<'h, A, R>;

    fn into_future(self) -> Ask<'h, A, R> {
        Ask {
            actor: self.actor,
            message: Some(self.message),
            extract: self.extract,
            limit: self.limit,
            chain: None,
            room: None,
            pending: None,
            timer: None,
        }
    }
}

impl<A: Handlers, R, M> fmt::Debug for Call<'_, A, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("actor", &self.actor)
            .field("action", &A::__action(&self.message).name)
            .field("timeout", &self.limit)
            .finish()
    }
}

/// A reply that is waited for; dropping it gives the slot back.
struct Pending<A: Handlers> {
    cell: Arc<Cell<A>>,
    slot: SlotId,
}

impl<A: Handlers> Drop for Pending<A> {
    fn drop(&mut self) {
        self.cell.mailbox().abandon(self.slot);
    }
}

/// Waits for room in the mailbox.
type Room<'h> = Pin<Box<dyn Future<Output = ()> + Send + 'h>>;

pin_project! {
    /// An ask under way: what awaiting a [`Call`] polls.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before the call is in the mailbox takes the call back. After that the action runs all the same, and its
    /// reply is dropped.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Ask<'h, A: Handlers, R> {
        actor: &'h ActorRef<A>,
        message: Option<A::Message>,
        extract: fn(A::Reply) -> Option<R>,
        limit: Duration,
        chain: Option<Arc<Chain>>,
        room: Option<Room<'h>>,
        pending: Option<Pending<A>>,
        // Only a call that has to wait pays for a timer.
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<'h, A: Handlers, R> Future for Ask<'h, A, R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let actor: &'h ActorRef<A> = this.actor;
        let cell = match actor.cell() {
            Ok(cell) => cell,
            Err(error) => return Poll::Ready(Err(error)),
        };
        if this.message.is_some() && this.room.is_none() {
            match asking(&cell.place()) {
                Ok(chain) => *this.chain = chain,
                Err(path) => return Poll::Ready(Err(CallError::Cycle { path })),
            }
        }
        if let Some(message) = this.message.take() {
            match enter(cell, this.room, task) {
                Poll::Pending => *this.message = Some(message),
                Poll::Ready(()) => {
                    let origin = (actor.input(), this.chain.take());
                    match cell.ask_reserved(message, origin, task.waker()) {
                        Ok(slot) => {
                            *this.pending = Some(Pending {
                                cell: Arc::clone(cell),
                                slot,
                            });
                        }
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
            }
        }
        if let Some(pending) = this.pending.as_ref()
            && let Poll::Ready(result) = cell.mailbox().poll_reply(pending.slot, task)
        {
            let extract = *this.extract;
            let reply = result.map(|reply| {
                extract(reply).expect("an action's reply is the variant of its message")
            });
            return Poll::Ready(reply);
        }
        if this.timer.is_none() {
            let _runtime = cell.system().runtime().enter();
            this.timer.set(Some(tokio::time::sleep(*this.limit)));
        }
        let timer = this.timer.as_pin_mut().expect("it was just set");
        match timer.poll(task) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(CallError::TimedOut {
                subject: cell.subject(),
                limit: *this.limit,
            })),
        }
    }
}

/// Gets room for one call in the mailbox.
fn enter<'h, A: Handlers>(
    cell: &'h Arc<Cell<A>>,
    room: &mut Option<Room<'h>>,
    task: &mut TaskContext<'_>,
) -> Poll<()> {
    if room.is_none() && cell.mailbox().try_reserve() {
        return Poll::Ready(());
    }
    let waiting = room.get_or_insert_with(|| Box::pin(cell.mailbox().reserve()));
    let entered = waiting.as_mut().poll(task);
    if entered.is_ready() {
        *room = None;
    }
    entered
}

impl<A: Handlers, R> fmt::Debug for Ask<'_, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("actor", &self.actor)
            .field("timeout", &self.limit)
            .finish_non_exhaustive()
    }
}
