//! Panics of the user's code that is no hook and no action, such as the `Drop` of what an action held when its time was over: the
//! instance is given up in order, and what it ran is answered.
//!
//! # Invariants
//!
//! 1. The instance outlives the panic, so that its file is closed like any other. Nothing of what it had not committed stays.
//! 2. Everybody whose call was taken out and not answered is told. What waits is kept, and what is committed leaves the gate.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::runtime::actions::Direct;
use crate::runtime::batch::Batch;
use crate::runtime::chain::Chain;
use crate::runtime::guarded::{Guarded, guarded};
use crate::runtime::instance::{Flow, Instance, Work};
use crate::runtime::limited::Fault;
use crate::runtime::mail::Mail;
use crate::runtime::supervision::OTHER_CODE;

impl<A: Handlers> Instance<A> {
    /// Handles the calls that are there, as [`work`](Self::work) does.
    pub(super) fn work_guarded(&mut self, most: usize) -> (Work<A>, usize) {
        match guarded(|| self.work(most)) {
            Ok(worked) => worked,
            Err(panic) => {
                self.panicked(panic);
                (Work::Crash, 1)
            }
        }
    }

    /// Handles one mail to its end, as [`handle`](Self::handle) does.
    pub(super) async fn handle_guarded(&mut self, mail: Mail<A>) -> Flow {
        match Guarded::new(self.handle(mail)).await {
            Ok(flow) => flow,
            Err(panic) => {
                self.panicked(panic);
                Flow::Crash
            }
        }
    }

    /// Handles one call of an actor that does nothing else, as [`handle_direct`](Self::handle_direct) does.
    pub(super) fn handle_direct_guarded(
        &mut self,
        message: A::Message,
        chain: Option<Arc<Chain>>,
    ) -> (Direct<A>, Flow) {
        match guarded(|| self.handle_direct(message, chain)) {
            Ok(handled) => handled,
            Err(panic) => (Direct::Reply(Err(self.panicked(panic))), Flow::Crash),
        }
    }

    /// Tells everybody whose call goes down with the instance, and returns what they are told.
    #[cold]
    fn panicked(&mut self, panic: String) -> CallError {
        self.note_panic(OTHER_CODE, &panic);
        let error = self.call_error(OTHER_CODE, Fault::Panicked(panic));
        let cell = Arc::clone(self.turn.cell());
        tracing::error!(actor = A::NAME, key = %cell.key(), %error, "an actor is given up by a panic that no hook and no action had");
        cell.set_waiting(None);
        // INVARIANT 1: what is in the batch is not committed.
        let mut batch = std::mem::replace(&mut self.batch, Batch::new());
        for notice in batch.take_notices() {
            notice(Err(error.clone()));
        }
        // INVARIANT 2
        let mut kept = cell.gate().held();
        kept.extend(self.taken.iter().filter_map(Mail::reply).cloned());
        let finished = cell.mailbox().lock().answer_lost(&error, &kept);
        finished.tell();
        self.tell_error(self.origin, OTHER_CODE, &error, Flow::Crash);
        error
    }
}
