//! The instance: the task that is an awake actor.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::{CallError, Subject};
use crate::hooks::{ActionInfo, Step};
use crate::limits;
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
        let mut turns = 0;
        loop {
            let request = match Self::next(&cell).await {
                Event::Next(Next::Mail(mail)) => {
                    if let Flow::End(ended) = self.handle(mail, false).await {
                        return self.crash(ended).await;
                    }
                    turns += 1;
                    if turns % limits::TURNS_BEFORE_YIELD == 0 {
                        tokio::task::yield_now().await;
                    }
                    continue;
                }
                Event::Next(Next::Request(request)) => request,
                Event::Idle => Request::sleep(),
            };
            self.turn.cell().mailbox().set_status(Status::Stopping);
            match self.stop(request).await {
                Ok(ended) => return ended,
                Err(still) => self = still,
            }
            self.runs = Runs::start(self.turn.cell());
            self.turn.cell().mailbox().set_status(Status::Awake);
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

    /// Handles one mail.
    async fn handle(&mut self, mail: Mail<A>, created: bool) -> Flow {
        match mail {
            Mail::Create { waiter, .. } => {
                let result = if created {
                    Ok(())
                } else {
                    Err(CallError::AlreadyExists {
                        subject: self.subject(),
                    })
                };
                answer(Some(waiter), result);
                Flow::GoOn
            }
            Mail::Action { message, reply, .. } => {
                let info = A::__action(&message);
                let (result, flow) = self.act(message, info).await;
                let cell = self.turn.cell();
                match (reply, result) {
                    (Some(slot), result) => cell.mailbox().complete(slot, result),
                    (None, Err(error)) => {
                        let (actor, key) = (A::NAME, cell.key());
                        tracing::error!(actor, %key, action = info.name, %error, "a call that was told failed");
                    }
                    (None, Ok(_)) => {}
                }
                flow
            }
        }
    }

    /// Runs one action as a transaction.
    async fn act(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let limit = info.timeout.unwrap_or(A::OPTIONS.timeouts.action);
        self.turn.enter(info.name, info.read_only, limit);
        let mut cx = Context::new(&mut self.turn);
        let outcome = limited(limit, self.actor.__dispatch(message, &mut cx)).await;
        let fault = match outcome {
            Ok(reply) => {
                // DURABILITY: the reply leaves after this line only.
                return match preamble::commit(&mut self.actor, &mut self.turn).await {
                    Ok(()) => (Ok(reply), Flow::GoOn),
                    Err(error) => self.commit_failed(info.name, error),
                };
            }
            Err(fault) => self.turn.fault(fault, limit),
        };
        let flow = match (&fault, preamble::undo(&mut self.actor, &mut self.turn)) {
            (Fault::Panicked(_), _) | (_, Err(_)) => Flow::End(Ended::Crashed),
            _ => Flow::GoOn,
        };
        (Err(self.call_error(info.name, fault)), flow)
    }

    /// A commit that was refused is undone. One that SQLite could not carry out ends the instance: what is on disk counts.
    fn commit_failed(
        &mut self,
        name: &'static str,
        error: StoreError,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let undone = preamble::undo(&mut self.actor, &mut self.turn);
        let flow = match (&error, undone) {
            (StoreError::State { .. }, Ok(())) => Flow::GoOn,
            (StoreError::Sqlite { source, .. }, Ok(())) if is_constraint(source) => Flow::GoOn,
            _ => Flow::End(Ended::Crashed),
        };
        (Err(self.store_error(name, error)), flow)
    }

    /// Ends the instance in order. It comes back if it must live on.
    async fn stop(mut self, request: Request) -> Result<Ended, Self> {
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
                    Err(self)
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
        self.turn.enter("destroy", false, Duration::MAX);
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

/// Returns whether a commit was refused because of the data, such as a deferred foreign key.
fn is_constraint(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind as Kind, Error};
    matches!(
        error,
        Error::DatabaseError(
            Kind::ForeignKeyViolation
                | Kind::UniqueViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation,
            _
        )
    )
}
