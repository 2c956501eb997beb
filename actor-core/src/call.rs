//! [`Call`]: one call of an action, before it is made.

mod tell;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::limits;
use crate::runtime::{Cell, Chain, Line, ReplySlot, Sending, Sent, asking, dispose, pace};
pub use tell::Tell;

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
    ///
    /// A call with less than 60 seconds never runs in place of the caller, so that code which holds its thread does not hold the
    /// caller. A limit around the call, such as `tokio::time::timeout`, is not seen: there only what was quick in its last runs is
    /// run in place. On a runtime of one thread, and while code holds all workers, no limit is kept.
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
    pub fn tell(self) -> Tell<'h, A> {
        Tell::new(self.actor, self.message, self.limit)
    }

    /// Puts the call into the mailbox if there is room.
    ///
    /// # Errors
    ///
    /// [`CallError::MailboxFull`], and those of [`tell`](Self::tell).
    pub fn try_tell(self) -> Result<(), CallError> {
        let cell = self.actor.cell()?;
        cell.try_send(tell::told(self.actor, &mut Some(self.message)))
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
            line: None,
            pending: None,
            until: None,
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

/// Why a reply can be extracted.
const VARIANT: &str = "an action's reply is the variant of its message";

/// A reply that is waited for; dropping it gives the slot back.
struct Pending<A: Handlers> {
    slot: ReplySlot<A>,
    taken: bool,
}

impl<A: Handlers> Pending<A> {
    fn new(slot: ReplySlot<A>) -> Self {
        let taken = false;
        Self { slot, taken }
    }

    fn poll(&mut self, task: &TaskContext<'_>) -> Poll<Result<A::Reply, CallError>> {
        let polled = self.slot.poll(task.waker());
        self.taken = polled.is_ready();
        polled.map(|kept| kept.map_err(|error| *error))
    }
}

impl<A: Handlers> Drop for Pending<A> {
    fn drop(&mut self) {
        if !self.taken {
            // A reply may run code of the user's when it is dropped, so not under a lock.
            dispose(self.slot.abandon());
        }
    }
}

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
        line: Option<Line<'h, A>>,
        pending: Option<Pending<A>>,
        // Until which millisecond of the alarms it waits, if that is the usual time: the cell sees to it then that it looks.
        until: Option<u64>,
        // Only a call that has to wait, for room or for another time than the usual, pays for a timer.
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<'h, A: Handlers, R> Future for Ask<'h, A, R> {
    type Output = Result<R, CallError>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let actor: &'h ActorRef<A> = this.actor;
        let cell = match actor.cell() {
            Ok(cell) => cell,
            Err(error) => return Poll::Ready(Err(error)),
        };
        let mut look = this.pending.is_some();
        if this.message.is_some() {
            if this.line.is_none() {
                // Replies that are there at once must not keep other tasks from running.
                ready!(pace::poll(task));
                match asking(|| cell.place()) {
                    Ok(chain) => *this.chain = chain,
                    Err(path) => return Poll::Ready(Err(CallError::Cycle { path })),
                }
            }
            let line = this.line.get_or_insert_with(|| Line::new(cell));
            let sending = Sending {
                message: this.message,
                input: actor.input(),
                chain: this.chain.clone(),
                asker: Some(task.waker()),
                has_time: *this.limit >= limits::ASK_TIMEOUT,
            };
            match cell.poll_send(sending, line, task) {
                Poll::Pending => {}
                Poll::Ready(Err(error)) => {
                    *this.line = None;
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(Sent::Done(reply))) => {
                    let reply = (this.extract)(reply);
                    return Poll::Ready(Ok(reply.expect(VARIANT)));
                }
                Poll::Ready(Ok(Sent::Told)) => unreachable!("an ask is not told"),
                Poll::Ready(Ok(Sent::Queued(slot))) => {
                    *this.line = None;
                    *this.pending = Some(Pending::new(slot));
                }
                Poll::Ready(Ok(Sent::Ran(slot))) => {
                    look = true;
                    *this.line = None;
                    *this.pending = Some(Pending::new(slot));
                }
            }
        }
        if look
            && let Some(pending) = this.pending.as_mut()
            && let Poll::Ready(result) = pending.poll(task)
        {
            *this.pending = None;
            let extract = *this.extract;
            return Poll::Ready(result.map(|reply| extract(reply).expect(VARIANT)));
        }
        let limit = *this.limit;
        let waits = this.pending.is_some() && this.timer.is_none() && limit == limits::ASK_TIMEOUT;
        let over = if waits {
            poll_usual(cell, this.until)
        } else {
            poll_limit(cell, this.timer, limit, task)
        };
        ready!(over);
        // Room that it was granted would be nobody's for as long as this is kept.
        *this.line = None;
        Poll::Ready(Err(cell.timed_out(limit)))
    }
}

/// Waits until the time of a call is over. It begins with the first wait.
fn poll_limit<A: Handlers>(
    cell: &Cell<A>,
    mut timer: Pin<&mut Option<Sleep>>,
    limit: Duration,
    task: &mut TaskContext<'_>,
) -> Poll<()> {
    if timer.is_none() {
        let _runtime = cell.system().runtime().enter();
        timer.set(Some(tokio::time::sleep(limit)));
    }
    let timer = timer.as_pin_mut().expect("it was just set");
    timer.poll(task)
}

/// Looks whether the usual time of an ask is over, and has the cell see to it that it looks again.
fn poll_usual<A: Handlers>(cell: &Arc<Cell<A>>, until: &mut Option<u64>) -> Poll<()> {
    let alarms = cell.system().alarms();
    match *until {
        Some(until) if alarms.is_over(until) => Poll::Ready(()),
        known => {
            let at = known.unwrap_or_else(|| alarms.behind_now(limits::ASK_TIMEOUT));
            *until = Some(at);
            cell.set_limit(at);
            Poll::Pending
        }
    }
}

impl<A: Handlers, R> fmt::Debug for Ask<'_, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("actor", &self.actor)
            .field("timeout", &self.limit)
            .finish_non_exhaustive()
    }
}
