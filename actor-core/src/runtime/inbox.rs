//! [`Delivery`]: messages of one sender that an actor handles, each once.
//!
//! # Invariants
//!
//! 1. That a message was handled is noted in the transaction of its action; one that is noted is not handled again.
//! 2. Messages are handled in their order: behind one that fails none is handled.
//! 3. The sender learns of nothing before it is on disk here.
//! 4. An attempt is noted before the code runs. One that did not come back, by a panic or with the process, is an attempt that failed
//!    when the message comes again.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::actor::Handlers;
use crate::caught::error_text;
use crate::error::CallError;
use crate::error_report::ErrorOrigin;
use crate::key::Key;
use crate::observe::trace;
use crate::runtime::cell::Kind;
use crate::runtime::guarded::dispose;
use crate::runtime::inside::{Committed, Work, Working};
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::mail::Mail;
use crate::store::{Durability, StoreError, StoredCall, messages};
use crate::system::System;

/// Messages of one sender to one receiver, in order.
pub(crate) struct Delivery {
    /// What tells the sender from all others.
    pub(crate) sender: String,
    /// The messages.
    pub(crate) messages: Vec<StoredCall>,
}

/// What became of a delivery.
pub(crate) struct Delivered {
    /// The last message that was handled, now or before.
    pub(crate) handled: Option<i64>,
    /// The first that was not, if any.
    pub(crate) failed: Option<Undelivered>,
}

impl Delivered {
    /// Says that no message of a delivery ever will be handled.
    pub(crate) fn never(delivery: &Delivery, reason: String) -> Self {
        let first = delivery.messages.first();
        Self {
            handled: None,
            failed: first.map(|first| Undelivered {
                id: first.id,
                reason,
                for_good: true,
            }),
        }
    }
}

/// Why a message was not handled.
pub(crate) struct Undelivered {
    /// Which one.
    pub(crate) id: i64,
    /// Why.
    pub(crate) reason: String,
    /// Whether it will fail like this each time.
    pub(crate) for_good: bool,
}

/// A [`Delivery`] on its way.
struct Arrived {
    delivery: Delivery,
    done: oneshot::Sender<Result<(Delivered, Committed), CallError>>,
}

impl<A: Handlers> Work<A> for Arrived {
    fn may_wait(&self) -> bool {
        // The actions that it runs may.
        true
    }

    fn run(self: Box<Self>, instance: &mut Instance<A>) -> Working<'_> {
        Box::pin(instance.receive(*self))
    }

    fn reject(self: Box<Self>, error: CallError) {
        let _ = self.done.send(Err(error));
    }

    fn input(&self) -> Option<Arc<A::Input>> {
        let first = self.delivery.messages.first()?;
        let input = A::__decode_input(first.input.as_deref()?);
        input.ok().map(Arc::new)
    }
}

impl<A: Handlers> Instance<A> {
    /// Handles messages that arrived.
    async fn receive(&mut self, arrived: Arrived) -> Flow {
        let Arrived { delivery, done } = arrived;
        if let Some(error) = self.not_written("inbox") {
            let _ = done.send(Err(error));
            return Flow::GoOn;
        }
        let Delivery { sender, messages } = delivery;
        let mut delivered = Delivered {
            handled: None,
            failed: None,
        };
        let last = self
            .turn
            .database()
            .db()
            .internal(|connection| messages::handled(connection, &sender));
        let mut last = match last {
            Ok(last) => last,
            Err(cause) => {
                self.batch.break_with(cause);
                return Flow::Crash;
            }
        };
        let mut flow = Flow::GoOn;
        for message in messages {
            let id = message.id;
            // INVARIANT 1
            if id > last {
                let key = self.turn.cell().key();
                let traced = trace::message(A::NAME, key, &sender, id);
                let handled = traced.around(self.handle_message(&sender, &message));
                match handled.await {
                    // Who asked learns nothing, and asks again.
                    Err(flow) => return flow,
                    Ok(Some((failed, after))) => {
                        delivered.failed = Some(failed);
                        flow = after;
                        break;
                    }
                    Ok(None) => last = id,
                }
            }
            delivered.handled = Some(id);
        }
        // DURABILITY: the sender forgets what was handled.
        self.batch.count(Durability::Synced);
        self.batch.notify(Box::new(move |committed| {
            let _ = done.send(committed.map(|committed| (delivered, committed)));
        }));
        self.after_stored(false, flow).await
    }

    /// Handles one message. Returns why it failed, and whether the instance goes on; an error when nothing is known.
    async fn handle_message(
        &mut self,
        sender: &str,
        message: &StoredCall,
    ) -> Result<Option<(Undelivered, Flow)>, Flow> {
        let id = message.id;
        let undelivered = |reason: String, for_good| Undelivered {
            id,
            reason,
            for_good,
        };
        let call = match A::__decode(&message.action, &message.arguments) {
            Ok(call) => call,
            Err(fault) => return Ok(Some((undelivered(error_text(&fault), true), Flow::GoOn))),
        };
        let info = A::__action(&call);
        let (attempts, mark) = self.attempt(sender, id);
        if let Some(reason) = attempts.take_suspect(mark) {
            // INVARIANT 4
            dispose(call);
            let (actor, key, action) = (A::NAME, self.turn.cell().key(), info.name);
            tracing::error!(actor, %key, action, error = reason, "a message did not come back the last time");
            return Ok(Some((undelivered(reason, false), Flow::GoOn)));
        }
        let attempt = attempts.begin(mark);
        let Some((result, flow)) = self.act_stored(call, info, ErrorOrigin::Message).await else {
            return Err(Flow::Crash);
        };
        self.end_attempt(attempt, result.as_ref().err());
        let failed = result.as_ref().err().map(error_text);
        self.batch.push(None, result, Durability::Synced);
        if let Some(error) = failed {
            let (actor, key, action) = (A::NAME, self.turn.cell().key(), info.name);
            tracing::error!(actor, %key, action, error, "a message failed");
            return Ok(Some((undelivered(error, false), flow)));
        }
        let noted = self
            .turn
            .database()
            .db()
            .internal(|connection| messages::set_handled(connection, sender, id));
        if let Err(cause) = noted {
            // INVARIANT 1: neither is there without the other.
            self.batch.break_with(cause);
        }
        if self.batch.is_broken() || info.is_async {
            let flow = self.flush();
            if flow == Flow::Crash {
                return Err(flow);
            }
        }
        Ok(None)
    }
}

/// What becomes of a delivery, in a while.
pub(crate) type Delivering = Pin<Box<dyn Future<Output = Result<Delivered, CallError>> + Send>>;

impl<A: Handlers> Kind<A> {
    /// Delivers messages to the actor with a key, and waits until what became of them is on disk.
    pub(crate) fn deliver(
        self: &Arc<Self>,
        system: &System,
        key: Key,
        delivery: Delivery,
    ) -> Delivering {
        let cell = self.cell(system, key);
        Box::pin(async move {
            if !A::__STORED {
                // It cannot remember what it has handled.
                let reason = format!("{} is in memory only", cell.subject());
                return Ok(Delivered::never(&delivery, reason));
            }
            let (done, result) = oneshot::channel();
            let arrived = Box::new(Arrived { delivery, done });
            cell.send_mail(Mail::Work(arrived)).await?;
            let unknown = |error: StoreError| CallError::Store {
                subject: cell.subject(),
                name: "inbox",
                source: Arc::new(error),
            };
            let (delivered, committed) = match result.await {
                Ok(result) => result?,
                Err(_) => {
                    return Err(unknown(StoreError::Interrupted {
                        message: "the receiver crashed".to_owned(),
                    }));
                }
            };
            // INVARIANT 3
            committed.durable().await.map_err(unknown)?;
            Ok(delivered)
        })
    }
}
