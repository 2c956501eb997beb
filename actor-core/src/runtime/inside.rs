//! [`Inside`]: work of the framework's own that is done in an actor's transaction, between its calls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;
use tokio::sync::oneshot;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::handle::ActorRef;
use crate::runtime::cell::Cell;
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::mail::Mail;
use crate::runtime::mailbox::Status;
use crate::store::{Durability, StoreError, Ticket, Volume};

/// Work that an actor does between its calls.
pub(crate) trait Work<A: Handlers>: Send {
    /// Whether it may wait, so that it does not share its transaction with others.
    fn may_wait(&self) -> bool;
    /// Does the work. What it writes is committed by the next flush.
    fn run(self: Box<Self>, instance: &mut Instance<A>) -> Working<'_>;
    /// Says that it is not done.
    fn reject(self: Box<Self>, error: CallError);
    /// Returns what the actor is created with if it does not exist.
    fn input(&self) -> Option<Arc<A::Input>>;
}

/// Work under way.
pub(crate) type Working<'i> = Pin<Box<dyn Future<Output = Flow> + Send + 'i>>;

/// Who is told when something is committed, or that it is not.
pub(super) type Notice = Box<dyn FnOnce(Result<Committed, CallError>) + Send>;

/// Something that is committed, and durable in a moment.
pub(crate) struct Committed {
    volume: Arc<Volume>,
    ticket: Ticket,
}

impl Committed {
    pub(super) fn new(volume: &Arc<Volume>, ticket: Ticket) -> Self {
        Self {
            volume: Arc::clone(volume),
            ticket,
        }
    }

    /// Waits until it is durable.
    pub(super) async fn durable(self) -> Result<(), StoreError> {
        let durable = self.volume.log().wait(self.ticket).await;
        durable.map_err(|source| StoreError::Lost { source })
    }
}

/// Statements of the framework's own that are a part of an actor's next commit.
pub(crate) struct Inside<T> {
    /// What it is, for messages.
    pub(crate) name: &'static str,
    /// Whether it changed a stored call, as its result says.
    pub(crate) touches: fn(&T) -> bool,
    /// Tells its result whether what the statements did stands: when they are committed, and if that is lost.
    pub(crate) settled: fn(&mut T, bool),
    /// What whoever waits may rely on, if not what the actor says.
    pub(crate) durability: Option<Durability>,
    /// The statements. One that fails undoes everything that commits with it.
    pub(crate) work: Statements<T>,
}

impl<T> Inside<T> {
    /// Statements that only read.
    pub(crate) fn read(
        name: &'static str,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Self {
        Self {
            name,
            touches: |_| false,
            settled: |_, _| {},
            durability: Some(Durability::Process),
            work: Box::new(work),
        }
    }

    /// Statements that may change a stored call.
    pub(crate) fn change(
        name: &'static str,
        work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    ) -> Self {
        Self {
            name,
            touches: |_| true,
            settled: |_, _| {},
            durability: None,
            work: Box::new(work),
        }
    }
}

/// Statements that run somewhere else.
pub(crate) type Statements<T> = Box<dyn FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send>;

/// [`Inside`], on its way.
struct Sent<A: Handlers, T> {
    inside: Inside<T>,
    input: Option<Arc<A::Input>>,
    done: oneshot::Sender<Result<(T, Committed), CallError>>,
}

impl<A: Handlers, T: Send + 'static> Work<A> for Sent<A, T> {
    fn may_wait(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, instance: &mut Instance<A>) -> Working<'_> {
        Box::pin(async move {
            let Self { inside, done, .. } = *self;
            // What only reads is answered by a full log, too.
            let writes = inside.durability != Some(Durability::Process);
            let refused = writes.then(|| instance.not_written(inside.name));
            if let Some(error) = refused.flatten() {
                let _ = done.send(Err(error));
                return Flow::GoOn;
            }
            let worked = instance.turn.database().db().internal(inside.work);
            let usual = instance.turn.cell().durability();
            instance.batch.count(inside.durability.unwrap_or(usual));
            let value = match worked {
                Ok(value) => {
                    if (inside.touches)(&value) {
                        instance.turn.agenda.touch();
                    }
                    value
                }
                Err(cause) => {
                    let error = instance.turn.database().commit_error(cause);
                    let _ = done.send(Err(instance.store_error(inside.name, error)));
                    instance
                        .batch
                        .break_with(diesel::result::Error::RollbackTransaction);
                    return Flow::Crash;
                }
            };
            let settled = inside.settled;
            instance.batch.notify(Box::new(move |committed| {
                let mut value = value;
                settled(&mut value, committed.is_ok());
                // Who does not wait any more does not need the answer.
                let _ = done.send(committed.map(|committed| (value, committed)));
            }));
            Flow::GoOn
        })
    }

    fn reject(self: Box<Self>, error: CallError) {
        let _ = self.done.send(Err(error));
    }

    fn input(&self) -> Option<Arc<A::Input>> {
        self.input.clone()
    }
}

impl<A: Handlers> ActorRef<A> {
    /// Does work in the actor's next commit, and waits until that is durable.
    pub(crate) async fn inside<T: Send + 'static>(
        &self,
        inside: Inside<T>,
        limit: Duration,
    ) -> Result<T, CallError> {
        let cell = self.cell()?;
        if !A::__STORED {
            return Err(CallError::InMemory {
                subject: cell.subject(),
            });
        }
        let (name, settled) = (inside.name, inside.settled);
        let (done, result) = oneshot::channel();
        let sent = Sent {
            inside,
            input: self.input().cloned(),
            done,
        };
        let work = async {
            cell.send_mail(Mail::Work(Box::new(sent))).await?;
            let (mut value, committed) = result.await.unwrap_or_else(|_| Err(cell.shut_down()))?;
            let durable = committed.durable().await;
            if durable.is_err() {
                settled(&mut value, false);
            }
            durable.map_err(|error| CallError::Store {
                subject: cell.subject(),
                name,
                source: Arc::new(error),
            })?;
            Ok(value)
        };
        let limited = {
            let _runtime = cell.system().runtime().enter();
            tokio::time::timeout(limit, work)
        };
        limited.await.unwrap_or_else(|_| Err(cell.timed_out(limit)))
    }
}

impl<A: Handlers> Cell<A> {
    /// Does work in the actor's next commit. Nobody waits for it, and it waits for no room: there is as much of it as was done before
    /// that it undoes. It is not done if the actor refuses calls, or sleeps while the system shuts down.
    pub(crate) fn do_inside<T: Send + 'static>(self: &Arc<Self>, inside: Inside<T>) {
        let sent = Sent {
            inside,
            input: None,
            done: oneshot::channel().0,
        };
        let asleep = self.system().is_closing() && self.mailbox().status() == Status::Asleep;
        if asleep {
            return;
        }
        if let Some(pushed) = self.mailbox().push_always(Mail::Work(Box::new(sent))) {
            self.follow(pushed, false);
        }
    }
}
