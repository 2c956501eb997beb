//! The instance: the task that is an awake actor.

use std::sync::Arc;

use tokio::time::Instant;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::{CallError, Subject};
use crate::hooks::{ActionInfo, Step};
use crate::limits;
use crate::runtime::batch::Batch;
use crate::runtime::cell::Cell;
use crate::runtime::limited::{Fault, limited};
use crate::runtime::mailbox::{Ending, Mail, Mailbox, Next, Request, Status, answer};
use crate::runtime::preamble::{self, Started};
use crate::runtime::runs::Runs;
use crate::runtime::turn::Turn;
use crate::store::StoreError;

/// Runs one instance after the other for as long as something waits for the actor.
///
/// The next one starts when the hooks of the last have ended and its file is closed, because this is one task.
pub(super) async fn run<A: Handlers>(cell: Arc<Cell<A>>) {
    let guard = Guard(cell);
    let cell = &guard.0;
    // What was sent at the very end of a shutdown comes too late to open a file.
    if !cell.system().is_closing() {
        let mut restart = false;
        loop {
            restart = match preamble::start(cell, restart).await {
                Some(started) => {
                    cell.awake();
                    Instance::new(started).live().await == Ended::Crashed
                }
                None => false,
            };
            if !restart && cell.mailbox().retire() {
                return;
            }
        }
    }
}

/// Answers everybody who still waits when the task ends, however it does.
struct Guard<A: Handlers>(Arc<Cell<A>>);

impl<A: Handlers> Drop for Guard<A> {
    fn drop(&mut self) {
        let (mail, requests) = self.0.mailbox().drain();
        let error = self.0.shut_down();
        for mail in mail {
            preamble::reject(&self.0, mail, &error);
        }
        for request in requests {
            answer(request.waiter, Err(error.clone()));
        }
        self.0.mailbox().retire();
    }
}

/// Requests that go back to the mailbox when this is dropped.
struct Later<'m, A: Handlers>(&'m Mailbox<A>, Vec<Request>);

impl<A: Handlers> Drop for Later<'_, A> {
    fn drop(&mut self) {
        self.0.put_back(std::mem::take(&mut self.1));
    }
}

/// An awake actor.
struct Instance<A: Handlers> {
    actor: A,
    turn: Turn<A>,
    first: Option<Mail<A>>,
    runs: Runs,
    batch: Batch<A>,
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// It sleeps, or is destroyed.
    InOrder,
    /// Its memory cannot be trusted any more; it starts again.
    Crashed,
}

/// Whether the actor goes on.
enum Flow {
    GoOn,
    End(Ended),
}

/// What woke the instance.
enum Event<A: Handlers> {
    Next(Next<A>),
    Idle,
}

impl<A: Handlers> Instance<A> {
    fn new(started: Started<A>) -> Self {
        let Started { actor, turn, first } = started;
        let runs = Runs::start(turn.cell());
        Self {
            actor,
            turn,
            first,
            runs,
            batch: Batch::new(),
        }
    }

    /// Takes calls until the actor ends, and closes its file.
    async fn live(mut self) -> Ended {
        if let Some(first) = self.first.take()
            && let Flow::End(ended) = self.handle(first, true).await
        {
            return self.crash(ended).await;
        }
        let cell = Arc::clone(self.turn.cell());
        loop {
            // What is ready shares the transaction; nobody waits for what is not.
            let event = match cell.mailbox().try_next() {
                Some(next) => Event::Next(next),
                None => match self.flush() {
                    Flow::GoOn => Self::next(&cell).await,
                    Flow::End(ended) => return self.crash(ended).await,
                },
            };
            let request = match event {
                Event::Next(Next::Mail(mail)) => {
                    if let Flow::End(ended) = self.handle(mail, false).await {
                        return self.crash(ended).await;
                    }
                    continue;
                }
                Event::Next(Next::Request(request)) => request,
                Event::Idle => Request::sleep(),
            };
            if let Flow::End(ended) = self.flush() {
                cell.mailbox().put_back(vec![request]);
                return self.crash(ended).await;
            }
            cell.mailbox().set_status(Status::Stopping);
            match self.stop(request).await {
                Ok(ended) => return ended,
                Err(still) => self = *still,
            }
            self.runs = Runs::start(&cell);
            cell.mailbox().set_status(Status::Awake);
        }
    }

    /// Waits for the next thing to do, or until the actor was idle for long enough.
    async fn next(cell: &Cell<A>) -> Event<A> {
        let mailbox = cell.mailbox();
        let next = std::future::poll_fn(|task| mailbox.poll_next(task));
        match A::OPTIONS.sleep_after {
            None => Event::Next(next.await),
            Some(idle) => tokio::time::timeout(idle, next)
                .await
                .map_or(Event::Idle, Event::Next),
        }
    }

    /// Handles one mail. What it commits is committed by the next [`flush`](Self::flush).
    async fn handle(&mut self, mail: Mail<A>, created: bool) -> Flow {
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
            Mail::Action {
                message,
                reply,
                input,
                chain,
            } => {
                let info = A::__action(&message);
                // An action that may wait would let those before it wait too.
                if info.is_async
                    && let Flow::End(ended) = self.flush()
                {
                    let mail = Mail::Action {
                        message,
                        reply,
                        input,
                        chain,
                    };
                    self.turn.cell().mailbox().put_back_mail(mail);
                    return Flow::End(ended);
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
        let full = self.batch.is_full();
        if full || info.is_async || matches!(flow, Flow::End(_)) {
            let flushed = self.flush();
            if full {
                tokio::task::yield_now().await;
            }
            if let Flow::End(ended) = flushed {
                return Flow::End(ended);
            }
        }
        flow
    }

    /// Runs one action, as a part of the transaction of the batch.
    async fn act(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let limit = info.timeout.unwrap_or(A::OPTIONS.timeouts.action);
        let running = self.turn.enter(info.name, info.read_only, limit);
        let mut cx = Context::new(&mut self.turn);
        let outcome = limited(&running, limit, self.actor.__dispatch(message, &mut cx)).await;
        let error = match outcome {
            Ok(reply) => match self.keep(info.name) {
                Ok(()) => return (Ok(reply), Flow::GoOn),
                Err(error) => error,
            },
            Err(fault) => {
                let fault = self.turn.fault(fault, limit).await;
                self.call_error(info.name, fault)
            }
        };
        if let Some(state) = self.actor.__state() {
            state.undo();
        }
        let undone = self.turn.database().db().undo_call();
        let flow = match (&error, undone) {
            (CallError::Panicked { .. }, _) | (_, Err(_)) => Flow::End(Ended::Crashed),
            _ => Flow::GoOn,
        };
        (Err(error), flow)
    }

    /// Makes what an action did a part of the batch, unless it could not commit like this.
    fn keep(&mut self, name: &'static str) -> Result<(), CallError> {
        let state = self.actor.__state().and_then(|state| state.changed());
        let text = match state.map(|state| self.turn.database().state_text(state)) {
            Some(Err(error)) => return Err(self.store_error(name, error)),
            Some(Ok(text)) => Some(text),
            None => None,
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
    fn flush(&mut self) -> Flow {
        if self.batch.is_empty() {
            return Flow::GoOn;
        }
        let mut batch = std::mem::replace(&mut self.batch, Batch::new());
        let cell = Arc::clone(self.turn.cell());
        let database = self.turn.database();
        let written = match &batch.state {
            Some(text) => database.write_state(A::__STATE_VERSION, text),
            None => Ok(()),
        };
        match written.and_then(|()| database.commit(batch.durability())) {
            Ok(ticket) => {
                // DURABILITY: nothing of the batch leaves but through the gate.
                cell.answer_after(database.log(), ticket, batch.answers);
                Flow::GoOn
            }
            Err(error) => {
                let error = self.store_error("commit", error);
                let told = batch.fail(&error);
                tracing::error!(actor = A::NAME, key = %cell.key(), %error, told, "a commit failed");
                cell.mailbox().complete_all(batch.answers);
                // What is in memory is not what is on disk.
                Flow::End(Ended::Crashed)
            }
        }
    }

    /// Ends the instance in order. It comes back if it must live on.
    async fn stop(mut self, request: Request) -> Result<Ended, Box<Self>> {
        if let Flow::End(ended) = self.end_runs().await {
            answer(request.waiter, Ok(()));
            return Ok(self.crash(ended).await);
        }
        match request.ending {
            Ending::Sleep => {
                self.sleep_hooks().await;
                drop(self.actor);
                preamble::close(self.turn).await;
                answer(request.waiter, Ok(()));
                Ok(Ended::InOrder)
            }
            Ending::Destroy => match self.destroy_hooks().await {
                Ok(()) => {
                    drop(self.actor);
                    let removed = preamble::remove(self.turn).await;
                    answer(request.waiter, removed);
                    Ok(Ended::InOrder)
                }
                Err((error, Flow::GoOn)) => {
                    answer(request.waiter, Err(error));
                    Err(Box::new(self))
                }
                Err((error, Flow::End(ended))) => {
                    let ended = self.crash(ended).await;
                    answer(request.waiter, Err(error));
                    Ok(ended)
                }
            },
        }
    }

    /// Ends the `#[run]` hooks. They may wait for a call of theirs, so calls are answered meanwhile.
    async fn end_runs(&mut self) -> Flow {
        self.runs.abort();
        let until = Instant::now() + limits::STOP_GRACE;
        let cell = Arc::clone(self.turn.cell());
        let mailbox = cell.mailbox();
        // What is asked for meanwhile waits for the next instance.
        let mut later = Later(mailbox, Vec::new());
        loop {
            // A `#[run]` hook may wait for its reply.
            if let Flow::End(ended) = self.flush() {
                return Flow::End(ended);
            }
            let mail = std::future::poll_fn(|task| mailbox.poll_next(task));
            tokio::select! {
                biased;
                () = self.runs.ended(until) => return Flow::GoOn,
                next = mail => match next {
                    Next::Mail(mail) => {
                        if let Flow::End(ended) = self.handle(mail, false).await {
                            return Flow::End(ended);
                        }
                    }
                    Next::Request(request) => later.1.push(request),
                },
            }
        }
    }

    /// Runs `#[on_sleep]`, each hook a transaction. One that fails does not keep the actor awake.
    async fn sleep_hooks(&mut self) {
        for hook in A::HOOKS.on_sleep {
            let ran =
                preamble::run_hook(&mut self.actor, &mut self.turn, Step::OnSleep, hook).await;
            let ended = match ran {
                Ok(()) => preamble::commit(&mut self.actor, &mut self.turn)
                    .await
                    .map_err(|error| self.store_error(hook.name, error)),
                Err(fault) => {
                    // A hook that says that it failed has still decided what it wrote; one that was cut off has not.
                    let kept = match &fault {
                        Fault::Failed(_) => preamble::commit(&mut self.actor, &mut self.turn).await,
                        _ => Ok(()),
                    };
                    let _ = preamble::undo(&mut self.actor, &mut self.turn);
                    Err(match kept {
                        Ok(()) => self.call_error(hook.name, fault),
                        Err(error) => self.store_error(hook.name, error),
                    })
                }
            };
            if let Err(error) = ended {
                tracing::error!(actor = A::NAME, key = %self.turn.cell().key(), %error, "an actor sleeps although its hook failed");
            }
        }
    }

    /// Runs `#[on_destroy]` and takes the mark away, all in one transaction.
    async fn destroy_hooks(&mut self) -> Result<(), (CallError, Flow)> {
        for hook in A::HOOKS.on_destroy {
            let ran =
                preamble::run_hook(&mut self.actor, &mut self.turn, Step::OnDestroy, hook).await;
            if let Err(fault) = ran {
                let flow = match (&fault, preamble::undo(&mut self.actor, &mut self.turn)) {
                    (Fault::Panicked(_), _) | (_, Err(_)) => Flow::End(Ended::Crashed),
                    _ => Flow::GoOn,
                };
                return Err((self.call_error(hook.name, fault), flow));
            }
        }
        let marked = match self.turn.database().mark_destroyed() {
            Ok(()) => preamble::commit(&mut self.actor, &mut self.turn).await,
            Err(error) => Err(error),
        };
        marked.map_err(|error| {
            let name = Step::OnDestroy.name();
            let _ = preamble::undo(&mut self.actor, &mut self.turn);
            (self.store_error(name, error), Flow::End(Ended::Crashed))
        })
    }

    /// Gives the instance up: what is on disk counts.
    async fn crash(mut self, ended: Ended) -> Ended {
        let _ = self.turn.database().rollback();
        self.runs.abort();
        self.runs.drop_all().await;
        drop(self.actor);
        preamble::close(self.turn).await;
        ended
    }

    fn subject(&self) -> Subject {
        self.turn.cell().subject()
    }

    fn store_error(&self, name: &'static str, error: StoreError) -> CallError {
        CallError::Store {
            subject: self.subject(),
            name,
            source: Arc::new(error),
        }
    }

    fn call_error(&self, name: &'static str, fault: Fault) -> CallError {
        let subject = self.subject();
        match fault {
            Fault::Failed(failure) => CallError::Failed {
                subject,
                name,
                failure,
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
