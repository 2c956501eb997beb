//! [`Tell`]: a call on its way into a mailbox, for which nobody waits.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::poll_limit;
use crate::actor::Handlers;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::runtime::{Line, Sending, pace};

pin_project! {
    /// A tell under way: what [`Call::tell`](crate::Call::tell) returns.
    ///
    /// # Cancel safety
    ///
    /// One that is dropped before it is ready has not put the call into the mailbox.
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Tell<'h, A: Handlers> {
        actor: &'h ActorRef<A>,
        message: Option<A::Message>,
        limit: Duration,
        // Only a call that has to wait for room pays for a place in the line and a timer.
        line: Option<Line<'h, A>>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<'h, A: Handlers> Tell<'h, A> {
    #[inline]
    pub(super) fn new(actor: &'h ActorRef<A>, message: A::Message, limit: Duration) -> Self {
        Self {
            actor,
            message: Some(message),
            limit,
            line: None,
            timer: None,
        }
    }

    /// Waits for room.
    fn poll_waiting(
        self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Result<(), CallError>> {
        let this = self.project();
        let actor: &'h ActorRef<A> = this.actor;
        let cell = actor.cell()?;
        let line = this.line.get_or_insert_with(|| Line::new(cell));
        if let Poll::Ready(sent) = cell.poll_send(told(actor, this.message), line, task) {
            *this.line = None;
            return Poll::Ready(sent.map(drop));
        }
        let limit = *this.limit;
        ready!(poll_limit(cell, this.timer, limit, task));
        // Room that it was granted would be nobody's for as long as this is kept.
        *this.line = None;
        Poll::Ready(Err(cell.timed_out(limit)))
    }
}

impl<A: Handlers> Future for Tell<'_, A> {
    type Output = Result<(), CallError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if this.line.is_none() {
            // Whoever tells all the time must not keep other tasks from running.
            ready!(pace::poll(task));
            let cell = this.actor.cell()?;
            match cell.send_now(&mut told(this.actor, this.message)) {
                Ok(true) => return Poll::Ready(Ok(())),
                Ok(false) => {}
                Err(error) => return Poll::Ready(Err(*error)),
            }
        }
        self.poll_waiting(task)
    }
}

/// Makes a call that nobody waits for ready to be sent.
pub(super) fn told<'s, A: Handlers>(
    actor: &'s ActorRef<A>,
    message: &'s mut Option<A::Message>,
) -> Sending<'s, A> {
    Sending {
        message,
        input: actor.input(),
        chain: None,
        asker: None,
        has_time: true,
    }
}

impl<A: Handlers> fmt::Debug for Tell<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tell")
            .field("actor", &self.actor)
            .field("timeout", &self.limit)
            .finish_non_exhaustive()
    }
}
