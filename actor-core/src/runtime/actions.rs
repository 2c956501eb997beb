//! How an awake actor handles its calls: each as a part of a transaction that those share that are ready together.

mod direct;

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::{CallError, Subject};
use crate::error_report::ErrorOrigin;
use crate::hooks::ActionInfo;
use crate::observe::trace::{self, Caller};
use crate::runtime::batch::Batch;
use crate::runtime::guarded::{discard, dispose, guarded};
use crate::runtime::inside::{Committed, Work};
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::limited::Fault;
use crate::runtime::mail::{Mail, answer};
use crate::runtime::mailbox::Finished;
use crate::runtime::memory::at_once;
use crate::runtime::slots::ReplySlot;
pub(super) use direct::Direct;

use crate::store::{Durability, StoreError};

/// A call that is about to run.
struct Open<A: Handlers> {
    message: A::Message,
    reply: Option<ReplySlot<A>>,
    info: &'static ActionInfo,
    caller: Caller,
}

/// What a mail asks for.
enum Opened<A: Handlers> {
    Call(Open<A>),
    Work(Box<dyn Work<A>>),
    /// The stored calls that are due.
    Due,
    /// Nothing any more.
    Answered,
}

impl<A: Handlers> Instance<A> {
    /// Handles one mail that does not wait. What it writes is committed by the next [`flush`](Self::flush).
    #[inline]
    pub(super) fn handle_now(&mut self, mail: Mail<A>) -> Flow {
        if self.must_not_write(&mail) && self.flush() == Flow::Crash {
            self.taken.push_front(mail);
            return Flow::Crash;
        }
        let open = match self.open(mail) {
            Opened::Call(open) => open,
            Opened::Work(work) => return at_once(work.run(self)),
            Opened::Due => unreachable!("what is due may wait"),
            Opened::Answered => return Flow::GoOn,
        };
        if let Some(error) = self.refusal(open.info) {
            self.refuse(open.reply, error, open.info);
            return Flow::GoOn;
        }
        let (result, flow) = self.act(open.message, open.info, Some(&open.caller));
        self.finish(open.reply, result, open.info);
        flow
    }

    /// Handles one mail to its end, and commits what it wrote if it may have waited, or if the batch is full.
    pub(super) async fn handle(&mut self, mail: Mail<A>) -> Flow {
        let was_due = matches!(mail, Mail::Due);
        let flow = if mail.is_async() {
            // An action that may wait would let those before it wait too.
            if self.flush() == Flow::Crash {
                self.taken.push_front(mail);
                return Flow::Crash;
            }
            self.handle_async(mail).await
        } else {
            let flow = self.handle_now(mail);
            if flow == Flow::GoOn && !self.batch.is_full() {
                return flow;
            }
            flow
        };
        match self.flush() {
            Flow::Crash => Flow::Crash,
            Flow::GoOn => {
                self.turn.rest(was_due);
                flow
            }
        }
    }

    async fn handle_async(&mut self, mail: Mail<A>) -> Flow {
        let open = match self.open(mail) {
            Opened::Call(open) => open,
            Opened::Work(work) => return work.run(self).await,
            // What it needs to wait is not kept with each actor that has handled an async action.
            Opened::Due => return Box::pin(self.run_due()).await,
            Opened::Answered => return Flow::GoOn,
        };
        if let Some(error) = self.refusal(open.info) {
            self.refuse(open.reply, error, open.info);
            return Flow::GoOn;
        }
        let (result, flow) = self
            .act_waiting(open.message, open.info, Some(&open.caller))
            .await;
        self.finish(open.reply, result, open.info);
        flow
    }

    /// Runs an action of either kind for a stored call, as a part of the transaction of the batch. An async one has it alone,
    /// and so has a reading one where the batch has written: then what is there is committed first.
    pub(super) async fn act_stored(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
        origin: ErrorOrigin,
    ) -> Option<(Result<A::Reply, CallError>, Flow)> {
        if (info.is_async || self.has_to_read_alone(info)) && self.flush() == Flow::Crash {
            return None;
        }
        self.origin = origin;
        let acted = if info.is_async {
            self.act_waiting(message, info, None).await
        } else {
            self.act(message, info, None)
        };
        self.origin = ErrorOrigin::Action;
        Some(acted)
    }

    /// Commits behind a stored call, if that is due.
    pub(super) async fn after_stored(&mut self, is_async: bool, flow: Flow) -> Flow {
        let full = self.batch.is_full();
        if !full && !is_async && flow == Flow::GoOn {
            return Flow::GoOn;
        }
        let flushed = self.flush();
        if full {
            tokio::task::yield_now().await;
        }
        if flushed == Flow::Crash {
            flushed
        } else {
            flow
        }
    }

    /// Answers what is no call, and notes who waits for what is one.
    #[inline]
    fn open(&mut self, mail: Mail<A>) -> Opened<A> {
        match mail {
            Mail::Work(work) => Opened::Work(work),
            Mail::Due => Opened::Due,
            Mail::Create { waiter, .. } => {
                let subject = self.subject();
                answer(Some(waiter), Err(CallError::AlreadyExists { subject }));
                Opened::Answered
            }
            Mail::Action {
                message,
                reply,
                chain,
                extra,
                ..
            } => {
                if chain.is_some() {
                    self.is_asked = true;
                    self.turn.cell().set_waiting(chain);
                }
                let info = A::__action(&message);
                Opened::Call(Open {
                    message,
                    reply,
                    info,
                    caller: extra.map(|extra| extra.caller).unwrap_or_default(),
                })
            }
        }
    }

    /// Returns why a call that may write cannot run: the log is full and cannot be emptied, or takes nothing any more.
    fn refusal(&mut self, info: &ActionInfo) -> Option<CallError> {
        if info.read_only {
            return None;
        }
        self.not_written(info.name)
    }

    /// Returns why nothing can be written.
    pub(super) fn not_written(&mut self, name: &'static str) -> Option<CallError> {
        let database = self.turn.stored()?;
        let error = database.volume().log().has_room().err()?;
        Some(self.store_error(name, error))
    }

    /// Returns whether a mail is a call that may only read, in a transaction that writes already: SQLite refuses to begin to write,
    /// and not to go on.
    fn must_not_write(&mut self, mail: &Mail<A>) -> bool {
        let Mail::Action { message, .. } = mail else {
            return false;
        };
        self.has_to_read_alone(A::__action(message))
    }

    fn has_to_read_alone(&mut self, info: &ActionInfo) -> bool {
        info.read_only
            && self
                .turn
                .stored()
                .is_some_and(|database| database.db().has_written())
    }

    /// Makes what a call did a part of the batch, or undoes it.
    pub(super) fn conclude(
        &mut self,
        outcome: Result<A::Reply, Fault>,
        name: &'static str,
    ) -> (Result<A::Reply, CallError>, Flow) {
        match outcome {
            Ok(reply) => match self.state_changed().and_then(|()| self.keep(name)) {
                Ok(()) => {
                    self.turn.keep_events();
                    (Ok(reply), Flow::GoOn)
                }
                Err(error) => {
                    dispose(reply);
                    self.undo(name, error)
                }
            },
            Err(fault) => {
                let error = self.call_error(name, fault);
                self.undo(name, error)
            }
        }
    }

    /// Adds what a call came to to the batch.
    fn finish(
        &mut self,
        reply: Option<ReplySlot<A>>,
        result: Result<A::Reply, CallError>,
        info: &'static ActionInfo,
    ) {
        self.end_call(reply.is_some(), result.as_ref().err(), info);
        let durability = if A::__STORED {
            let cell = self.turn.cell();
            info.durability.unwrap_or_else(|| cell.durability())
        } else {
            Durability::Process
        };
        self.batch.push(reply, result, durability);
    }

    /// Answers a call that did not run, past the gate: it saw nothing that is not on disk, and what waits there may wait for long.
    fn refuse(&mut self, reply: Option<ReplySlot<A>>, error: CallError, info: &'static ActionInfo) {
        self.end_call(reply.is_some(), Some(&error), info);
        let error = self.turn.cell().refused(error);
        if let Some(slot) = reply {
            Finished::answer([(slot, Err(error))]).tell();
        }
    }

    /// Notes that nobody waits for what runs any more, and says what nobody is told.
    fn end_call(
        &mut self,
        is_waited_for: bool,
        error: Option<&CallError>,
        info: &'static ActionInfo,
    ) {
        if self.is_asked {
            self.is_asked = false;
            self.turn.cell().set_waiting(None);
        }
        if let (false, Some(error)) = (is_waited_for, error) {
            let (actor, key) = (A::NAME, self.turn.cell().key());
            tracing::error!(actor, %key, action = info.name, %error, "a call that was told failed");
        }
    }

    /// Undoes a call that failed, and nothing of those before it, and tells the actor of it.
    fn undo(
        &mut self,
        name: &'static str,
        error: CallError,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let flow = self.take_back(&error);
        let flow = self.tell_error(self.origin, name, &error, flow);
        (Err(error), flow)
    }

    /// Undoes what was entered last and failed, and nothing of what was before it.
    pub(super) fn take_back(&mut self, error: &CallError) -> Flow {
        if let Some(state) = self.actor.__state() {
            let undone = state.undo();
            discard(self.turn.cell(), undone);
        }
        self.turn.undo_events();
        let mut crashed = false;
        if let CallError::Panicked { name, panic, .. } = error {
            crashed = true;
            self.note_panic(name, panic);
        }
        let undone = self.turn.stored().map(|database| database.db().undo_call());
        if let Some(Err(cause)) = undone {
            // What the call wrote may be there still, so nothing of the batch may commit.
            self.batch.break_with(cause);
        }
        if crashed || self.batch.is_broken() {
            Flow::Crash
        } else {
            Flow::GoOn
        }
    }

    /// Makes what an action did a part of the batch, unless it could not commit like this.
    pub(super) fn keep(&mut self, name: &'static str) -> Result<(), CallError> {
        if !A::__STORED {
            return Ok(());
        }
        let state = self.actor.__state().and_then(|state| state.changed());
        let text = match state {
            None => None,
            Some(state) => {
                let database = self.turn.database();
                // The user's `Serialize` is the user's code too.
                let text = guarded(|| database.state_text(state, A::__same_state));
                let text = text.map_err(|panic| self.call_error(name, Fault::Panicked(panic)))?;
                Some(text.map_err(|error| self.store_error(name, error))?)
            }
        };
        if let Err(error) = self.turn.database().db().keep_call() {
            return Err(self.call_error(name, Fault::Failed(error.into())));
        }
        if let Some(state) = self.actor.__state() {
            let before = state.keep();
            discard(self.turn.cell(), before);
        }
        if text.is_some() {
            self.batch.state = text;
        }
        Ok(())
    }

    /// Commits the batch. Its replies leave when it is durable; the actor goes on meanwhile.
    pub(super) fn flush(&mut self) -> Flow {
        if self.batch.is_empty() && !self.turn.agenda.is_touched() {
            return Flow::GoOn;
        }
        if !A::__STORED {
            self.answer_now();
            return Flow::GoOn;
        }
        let (broken, state) = (self.batch.take_broken(), self.batch.state.take());
        let durability = self.batch.durability();
        let cell = Arc::clone(self.turn.cell());
        let database = self.turn.database();
        let written = match (broken, &state) {
            (Some(cause), _) => Err(database.commit_error(cause)),
            (None, Some(text)) => database.write_state(A::__STATE_VERSION, text),
            (None, None) => Ok(()),
        };
        let traced = trace::commit(A::NAME, cell.key(), Some(self.batch.calls()));
        cell.metrics().commit_shared(self.batch.calls());
        let committed = written.and_then(|()| traced.enter(|| self.turn.commit(durability)));
        drop(traced);
        cell.metrics().committed(committed.is_ok());
        let events = self.turn.take_events();
        match committed {
            Ok(ticket) => {
                let volume = self.turn.database().volume();
                // DURABILITY: with the notices goes the ticket.
                for notice in self.batch.take_notices() {
                    notice(Ok(Committed::new(volume, ticket)));
                }
                // DURABILITY: nothing of the batch leaves but through the gate, or past it when all that it saw is durable.
                if events.is_none() && cell.is_out(volume, ticket) {
                    self.answer_now();
                    // What else commits loses its room to the gate; an idle actor is smaller without.
                    self.batch.answers = Vec::new();
                } else {
                    let batch = std::mem::replace(&mut self.batch, Batch::new());
                    cell.answer_after(volume, ticket, batch.answers, events);
                }
                Flow::GoOn
            }
            Err(error) => {
                let batch = std::mem::replace(&mut self.batch, Batch::new());
                self.commit_failed(batch, error);
                // What is in memory is not what is on disk.
                Flow::Crash
            }
        }
    }

    /// Lets the replies of the batch out.
    fn answer_now(&mut self) {
        let mailbox = self.turn.cell().mailbox();
        mailbox.complete_now(&mut self.batch.answers, self.taken.len());
        self.batch.clear();
    }

    /// Tells everybody who waits for a batch that it was not committed.
    fn commit_failed(&mut self, mut batch: Batch<A>, error: StoreError) {
        let error = self.store_error("commit", error);
        let told = batch.fail(&error);
        let cell = Arc::clone(self.turn.cell());
        tracing::error!(actor = A::NAME, key = %cell.key(), %error, told, "a commit failed");
        for notice in batch.take_notices() {
            notice(Err(error.clone()));
        }
        // Behind the replies that wait at the gate: they came before.
        let database = self.turn.database();
        let ticket = database.so_far().unwrap_or_default();
        cell.answer_after(database.volume(), ticket, batch.answers, None);
    }

    pub(super) fn subject(&self) -> Subject {
        self.turn.cell().subject()
    }

    pub(super) fn store_error(&self, name: &'static str, error: StoreError) -> CallError {
        let (subject, source) = (self.subject(), Arc::new(error));
        if let StoreError::State { .. } = *source {
            return CallError::State {
                subject,
                name,
                source,
            };
        }
        CallError::Store {
            subject,
            name,
            source,
        }
    }

    pub(super) fn call_error(&self, name: &'static str, fault: Fault) -> CallError {
        fault.into_error(self.subject(), name)
    }
}
