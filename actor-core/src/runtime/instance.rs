//! [`Instance`]: an awake actor, from its first call to its end.

use std::sync::Arc;

use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::hooks::Step;
use crate::limits;
use crate::runtime::batch::Batch;
use crate::runtime::cell::Cell;
use crate::runtime::ending;
use crate::runtime::limited::Fault;
use crate::runtime::mailbox::{Ending, Mail, Mailbox, Next, Request, Status, Waiter, answer};
use crate::runtime::preamble::{self, Started};
use crate::runtime::runs::Runs;
use crate::runtime::turn::Turn;
use crate::store::{Durability, queue};

/// Requests that go back to the mailbox when this is dropped.
struct Later<'m, A: Handlers>(&'m Mailbox<A>, Vec<Request>);

impl<A: Handlers> Drop for Later<'_, A> {
    fn drop(&mut self) {
        self.0.put_back(std::mem::take(&mut self.1));
    }
}

/// An awake actor.
pub(crate) struct Instance<A: Handlers> {
    pub(super) actor: A,
    pub(super) turn: Turn<A>,
    first: Option<Mail<A>>,
    runs: Runs,
    pub(super) batch: Batch<A>,
}

/// How an instance ended.
pub(super) struct Ended {
    /// Its memory could not be trusted any more; it starts again.
    pub(super) crashed: bool,
    /// Who asked for the end, and what they get.
    pub(super) answer: Option<(Option<Waiter>, Result<(), CallError>)>,
}

impl Ended {
    /// Nothing had started.
    pub(super) fn nothing() -> Self {
        Self {
            crashed: false,
            answer: None,
        }
    }

    /// It sleeps, or is destroyed.
    fn in_order(waiter: Option<Waiter>, result: Result<(), CallError>) -> Self {
        Self {
            crashed: false,
            answer: Some((waiter, result)),
        }
    }
}

/// Whether the actor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    /// Its memory, or its transaction, cannot be trusted any more.
    Crash,
}

/// What woke the instance.
enum Event<A: Handlers> {
    Next(Next<A>),
    Idle,
}

impl<A: Handlers> Instance<A> {
    pub(super) fn new(started: Started<A>) -> Self {
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
    pub(super) async fn live(mut self) -> Ended {
        if !A::HOOKS.queues.is_empty() {
            self.release_taken();
        }
        if let Some(first) = self.first.take()
            && self.handle(first, true).await == Flow::Crash
        {
            return self.crash().await;
        }
        let cell = Arc::clone(self.turn.cell());
        loop {
            // What is ready shares the transaction; nobody waits for what is not.
            let event = match cell.mailbox().try_next() {
                Some(next) => Event::Next(next),
                None => match self.flush() {
                    Flow::GoOn => Self::next(&cell).await,
                    Flow::Crash => return self.crash().await,
                },
            };
            let request = match event {
                Event::Next(Next::Mail(mail)) => {
                    if self.handle(mail, false).await == Flow::Crash {
                        return self.crash().await;
                    }
                    continue;
                }
                Event::Next(Next::Request(request)) => request,
                Event::Idle => Request::sleep(),
            };
            if self.flush() == Flow::Crash {
                cell.mailbox().put_back(vec![request]);
                return self.crash().await;
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

    /// Gives back what an earlier process took from the queues.
    fn release_taken(&mut self) {
        let cell = Arc::clone(self.turn.cell());
        let (epoch, now) = (
            cell.system().waiting().epoch(),
            cell.system().clock().now_ms(),
        );
        let released = self
            .turn
            .database()
            .db()
            .internal(|connection| queue::release(connection, epoch, now));
        match released {
            Ok(false) => {}
            Ok(true) => self.turn.touch(),
            Err(cause) => self.batch.break_with(cause),
        }
        self.batch.count(Durability::Process);
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

    /// Ends the instance in order. It comes back if it must live on.
    async fn stop(mut self, request: Request) -> Result<Ended, Box<Self>> {
        if self.end_runs().await == Flow::Crash {
            // It was not carried out: the next instance does that.
            self.turn.cell().mailbox().put_back(vec![request]);
            return Ok(self.crash().await);
        }
        match request.ending {
            Ending::Sleep => {
                self.sleep_hooks().await;
                drop(self.actor);
                ending::close(self.turn).await;
                Ok(Ended::in_order(request.waiter, Ok(())))
            }
            Ending::Destroy => match self.destroy_hooks().await {
                Ok(()) => {
                    drop(self.actor);
                    let removed = ending::remove(self.turn).await;
                    Ok(Ended::in_order(request.waiter, removed))
                }
                Err((error, Flow::GoOn)) => {
                    answer(request.waiter, Err(error));
                    Err(Box::new(self))
                }
                Err((error, Flow::Crash)) => {
                    let ended = self.crash().await;
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
            if self.flush() == Flow::Crash {
                return Flow::Crash;
            }
            let mail = std::future::poll_fn(|task| mailbox.poll_next(task));
            tokio::select! {
                biased;
                () = self.runs.ended(until) => return Flow::GoOn,
                next = mail => match next {
                    Next::Mail(mail) => {
                        if self.handle(mail, false).await == Flow::Crash {
                            return Flow::Crash;
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
                Ok(()) => ending::commit(&mut self.actor, &mut self.turn)
                    .await
                    .map_err(|error| self.store_error(hook.name, error)),
                Err(fault) => {
                    // A hook that says that it failed has still decided what it wrote; one that was cut off has not.
                    let kept = match &fault {
                        Fault::Failed(_) => ending::commit(&mut self.actor, &mut self.turn).await,
                        _ => Ok(()),
                    };
                    let _ = ending::undo(&mut self.actor, &mut self.turn);
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
                let flow = match (&fault, ending::undo(&mut self.actor, &mut self.turn)) {
                    (Fault::Panicked(_), _) | (_, Err(_)) => Flow::Crash,
                    _ => Flow::GoOn,
                };
                return Err((self.call_error(hook.name, fault), flow));
            }
        }
        self.turn.tell_of_lost_messages();
        let marked = match self.turn.database().mark_destroyed() {
            Ok(()) => ending::commit(&mut self.actor, &mut self.turn).await,
            Err(error) => Err(error),
        };
        marked.map_err(|error| {
            let name = Step::OnDestroy.name();
            let _ = ending::undo(&mut self.actor, &mut self.turn);
            (self.store_error(name, error), Flow::Crash)
        })
    }

    /// Gives the instance up: what is on disk counts.
    async fn crash(mut self) -> Ended {
        let _ = self.turn.database().rollback();
        self.turn.hand_over(true);
        self.runs.abort();
        self.runs.drop_all().await;
        drop(self.actor);
        ending::close(self.turn).await;
        Ended {
            crashed: true,
            answer: None,
        }
    }
}
