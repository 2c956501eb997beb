//! How an awake actor handles its calls: each as a part of a transaction that those share that are ready together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::{CallError, Subject};
use crate::failure::Failure;
use crate::hooks::ActionInfo;
use crate::runtime::batch::Batch;
use crate::runtime::inside::Committed;
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::limited::{Fault, limited};
use crate::runtime::mailbox::{Mail, answer};
use crate::store::StoreError;

impl<A: Handlers> Instance<A> {
    /// Handles one mail. What it writes is committed by the next [`flush`](Self::flush).
    pub(super) async fn handle(&mut self, mail: Mail<A>, created: bool) -> Flow {
        let (message, reply, info) = match mail {
            Mail::Create { waiter, .. } => {
                let result = if created {
                    Ok(())
                } else {
                    Err(CallError::AlreadyExists {
                        subject: self.subject(),
                    })
                };
                answer(Some(waiter), result);
                return Flow::GoOn;
            }
            Mail::Due => return self.run_due().await,
            Mail::Work(work) => return work.run(self).await,
            Mail::Action {
                message,
                reply,
                input,
                chain,
            } => {
                let info = A::__action(&message);
                // An action that may wait would let those before it wait too.
                if info.is_async && self.flush() == Flow::Crash {
                    let mail = Mail::Action {
                        message,
                        reply,
                        input,
                        chain,
                    };
                    self.turn.cell().mailbox().put_back_mail(mail);
                    return Flow::Crash;
                }
                self.turn.cell().set_waiting(chain);
                (message, reply, info)
            }
        };
        let (result, flow) = self.act(message, info).await;
        self.turn.cell().set_waiting(None);
        if let (None, Err(error)) = (reply, &result) {
            let (actor, key) = (A::NAME, self.turn.cell().key());
            tracing::error!(actor, %key, action = info.name, %error, "a call that was told failed");
        }
        let durability = info
            .durability
            .unwrap_or_else(|| self.turn.cell().durability());
        self.batch.push(reply, result, durability);
        self.after_call(info.is_async, flow).await
    }

    /// Commits behind a call, if that is due.
    pub(super) async fn after_call(&mut self, is_async: bool, flow: Flow) -> Flow {
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

    /// Runs one action, as a part of the transaction of the batch.
    pub(super) async fn act(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let limit = info.timeout.unwrap_or(A::OPTIONS.timeouts.action);
        let running = self.turn.enter(info.name, info.read_only, limit);
        let mut cx = Context::new(&mut self.turn);
        let outcome = limited(&running, limit, self.actor.__dispatch(message, &mut cx)).await;
        let error = match self.turn.settle(outcome, limit).await {
            Ok(reply) => match self.keep(info.name) {
                Ok(()) => return (Ok(reply), Flow::GoOn),
                Err(error) => error,
            },
            Err(fault) => self.call_error(info.name, fault),
        };
        if let Some(state) = self.actor.__state() {
            state.undo();
        }
        let crashed = matches!(error, CallError::Panicked { .. });
        if let Err(cause) = self.turn.database().db().undo_call() {
            // What the call wrote may be there still, so nothing of the batch may commit.
            self.batch.break_with(cause);
        }
        let flow = if crashed || self.batch.is_broken() {
            Flow::Crash
        } else {
            Flow::GoOn
        };
        (Err(error), flow)
    }

    /// Makes what an action did a part of the batch, unless it could not commit like this.
    fn keep(&mut self, name: &'static str) -> Result<(), CallError> {
        let state = self.actor.__state().and_then(|state| state.changed());
        let text = match state {
            None => None,
            Some(state) => {
                let database = self.turn.database();
                // The user's `Serialize` is the user's code too.
                let text = catch_unwind(AssertUnwindSafe(|| database.state_text(state)));
                let text = text.map_err(|payload| {
                    let panic = Failure::panic_text(&*payload);
                    self.call_error(name, Fault::Panicked(panic))
                })?;
                Some(text.map_err(|error| self.store_error(name, error))?)
            }
        };
        if let Err(error) = self.turn.database().db().keep_call() {
            return Err(self.call_error(name, Fault::Failed(error.into())));
        }
        if let Some(state) = self.actor.__state() {
            state.keep();
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
        let mut batch = std::mem::replace(&mut self.batch, Batch::new());
        let cell = Arc::clone(self.turn.cell());
        let database = self.turn.database();
        let written = match (batch.take_broken(), &batch.state) {
            (Some(cause), _) => Err(database.commit_error(cause)),
            (None, Some(text)) => database.write_state(A::__STATE_VERSION, text),
            (None, None) => Ok(()),
        };
        match written.and_then(|()| self.turn.commit(batch.durability())) {
            Ok(ticket) => {
                // DURABILITY: nothing of the batch leaves but through the gate, and with the notices goes the ticket.
                let log = self.turn.database().log();
                for notice in batch.notices {
                    notice(Ok(Committed::new(log, ticket)));
                }
                cell.answer_after(log, ticket, batch.answers);
                Flow::GoOn
            }
            Err(error) => {
                let error = self.store_error("commit", error);
                let told = batch.fail(&error);
                tracing::error!(actor = A::NAME, key = %cell.key(), %error, told, "a commit failed");
                // Behind the replies that wait at the gate: they came before.
                for notice in batch.notices {
                    notice(Err(error.clone()));
                }
                let database = self.turn.database();
                let ticket = database.so_far();
                cell.answer_after(database.log(), ticket, batch.answers);
                // What is in memory is not what is on disk.
                Flow::Crash
            }
        }
    }

    pub(super) fn subject(&self) -> Subject {
        self.turn.cell().subject()
    }

    pub(super) fn store_error(&self, name: &'static str, error: StoreError) -> CallError {
        CallError::Store {
            subject: self.subject(),
            name,
            source: Arc::new(error),
        }
    }

    pub(super) fn call_error(&self, name: &'static str, fault: Fault) -> CallError {
        let subject = self.subject();
        match fault {
            Fault::Failed(failure) => CallError::Failed {
                subject,
                name,
                source: failure.into_shared(),
            },
            Fault::Panicked(panic) => CallError::Panicked {
                subject,
                name,
                panic,
            },
            Fault::TimedOut(limit) => CallError::ActionTimedOut {
                subject,
                name,
                limit,
            },
        }
    }
}
