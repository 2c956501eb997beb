//! The task of an actor that is not asleep: one instance after the other.

use std::future::Future;
use std::sync::Arc;

use crate::actor::Handlers;
use crate::runtime::cell::Cell;
use crate::runtime::failed::reject;
use crate::runtime::instance::{Ended, Instance};
use crate::runtime::mailbox::answer;
use crate::runtime::preamble;

/// Runs one instance after the other for as long as something waits for the actor.
///
/// The next one starts when the hooks of the last have ended and its file is closed, because this is one task.
pub(super) fn run<A: Handlers>(cell: Arc<Cell<A>>) -> impl Future<Output = ()> + Send {
    // Made here, so that everybody is answered when the runtime is gone and never polls the task.
    let mut guard = Guard { cell, armed: true };
    async move {
        let cell = Arc::clone(&guard.cell);
        // What was sent at the very end of a shutdown comes too late to open a file.
        if cell.system().is_closing() {
            return;
        }
        let mut restart = false;
        loop {
            let mut ended = Ended::nothing();
            if let Some(started) = preamble::start(&cell, restart).await {
                cell.awake();
                ended = Instance::new(started).live().await;
            }
            restart = ended.crashed;
            let retired = !restart && cell.mailbox().retire();
            // Who asked for the end learns of it when the status says so too.
            if let Some((waiter, result)) = ended.answer {
                answer(waiter, result);
            }
            if retired {
                guard.disarm();
                return;
            }
        }
    }
}

/// Answers everybody who still waits when the task ends before its time: in a shutdown, or by a panic in code of the
/// user's that is not a hook, such as a `Drop`.
struct Guard<A: Handlers> {
    cell: Arc<Cell<A>>,
    /// Whether the mailbox is still this task's.
    armed: bool,
}

impl<A: Handlers> Guard<A> {
    /// Notes that the mailbox is a new task's from now on.
    fn disarm(&mut self) {
        self.armed = false;
    }
}

impl<A: Handlers> Drop for Guard<A> {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let error = self.cell.shut_down();
        let (mail, requests) = self.cell.give_up(&error);
        for mail in mail {
            reject(&self.cell, mail, &error);
        }
        for request in requests {
            answer(request.waiter, Err(error.clone()));
        }
    }
}
