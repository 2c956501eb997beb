//! [`Waiting`]: who waits for a message of a queue, or for the reply to one.
//!
//! # Invariants
//!
//! 1. There is an entry while somebody waits, and none after.
//! 2. What is kept here is lost with the process: nobody waits any more then.
//! 3. Whoever waits is told when nothing can come any more: the actor is destroyed, or the system ends. An actor that is given up, or
//!    does not start, may do so later: it is waited for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;
use crate::error::{CallError, Subject};
use crate::key::Key;

/// Who waits for a message of a queue, or for the reply to one.
pub(crate) struct Waiting {
    /// What tells this system from all others, also from the one of an earlier process.
    epoch: String,
    inner: Arc<Inner>,
}

/// An actor: the name of its type, and its key.
type Place = (&'static str, Key);

#[derive(Default)]
struct Inner {
    takers: Mutex<HashMap<Place, Weak<Taker>>>,
    replies: Mutex<Replies>,
}

#[derive(Default)]
struct Replies {
    next: u64,
    waiting: HashMap<u64, (Place, oneshot::Sender<Arrived>)>,
}

/// A reply, which is JSON, or why there is none.
pub(crate) type Arrived = Result<String, CallError>;

/// All who wait for the messages of one actor.
#[derive(Default)]
pub(crate) struct Taker {
    notify: Notify,
    over: OnceLock<CallError>,
}

impl Taker {
    /// Waits until there may be a message, or it is over.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// Says why nothing comes any more, if so.
    pub(crate) fn check(&self) -> Result<(), CallError> {
        self.over.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    fn end(&self, error: CallError) {
        // It is over once.
        let _ = self.over.set(error);
        self.notify.notify_waiters();
    }
}

/// Waits for a reply.
pub(crate) struct Reply {
    inner: Arc<Inner>,
    number: u64,
    /// Where the reply is to go, as it is stored with the message.
    pub(crate) address: String,
    /// Where it arrives.
    pub(crate) arrives: oneshot::Receiver<Arrived>,
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.inner.replies.lock().waiting.remove(&self.number);
    }
}

impl Waiting {
    pub(crate) fn new(clock: Clock) -> Self {
        // The machine's clock too: a test's may begin at the same time in each system.
        let (shown, real) = (clock.now_ms(), Clock::system().now());
        let real = real.duration_since(std::time::UNIX_EPOCH);
        Self {
            epoch: format!(
                "{shown:x}-{:x}-{:x}",
                real.unwrap_or_default().as_nanos(),
                std::process::id()
            ),
            inner: Arc::default(),
        }
    }

    /// Returns what tells this system from all others.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Returns what is notified when an actor has a message for the taking. It is there while this is held.
    pub(crate) fn taker(&self, actor: &'static str, key: &Key) -> Arc<Taker> {
        let mut takers = self.inner.takers.lock();
        let place = (actor, key.clone());
        if let Some(taker) = takers.get(&place).and_then(Weak::upgrade) {
            return taker;
        }
        // INVARIANT 1: whoever comes next clears away what nobody holds.
        takers.retain(|_, taker| taker.strong_count() > 0);
        let taker = Arc::new(Taker::default());
        takers.insert(place, Arc::downgrade(&taker));
        taker
    }

    /// Says that an actor has a message for the taking.
    pub(crate) fn notify(&self, actor: &'static str, key: &Key) {
        let takers = self.inner.takers.lock();
        if takers.is_empty() {
            return;
        }
        let taker = takers.get(&(actor, key.clone())).and_then(Weak::upgrade);
        drop(takers);
        if let Some(taker) = taker {
            taker.notify.notify_waiters();
        }
    }

    /// INVARIANT 3: tells all who wait for one actor that nothing comes any more. Who waits from now on waits for what comes then.
    pub(crate) fn end(&self, subject: &Subject, error: &CallError) {
        let place = (subject.actor, subject.key.clone());
        let taker = self.inner.takers.lock().remove(&place);
        if let Some(taker) = taker.as_ref().and_then(Weak::upgrade) {
            taker.end(error.clone());
        }
        self.end_replies_of(|of| (*of == place).then(|| error.clone()));
    }

    /// INVARIANT 3: tells all who wait for a message that the system takes no calls any more.
    pub(crate) fn end_takers(&self) {
        let takers = std::mem::take(&mut *self.inner.takers.lock());
        for (place, taker) in takers {
            if let Some(taker) = taker.upgrade() {
                taker.end(shut_down(&place));
            }
        }
    }

    /// INVARIANT 3: tells all who wait for a reply that no actor is awake any more that could give one.
    pub(crate) fn end_replies(&self) {
        self.end_replies_of(|of| Some(shut_down(of)));
    }

    fn end_replies_of(&self, error: impl Fn(&Place) -> Option<CallError>) {
        let mut replies = self.inner.replies.lock();
        let over = replies
            .waiting
            .extract_if(|_, (place, _)| error(place).is_some());
        let over: Vec<_> = over.collect();
        drop(replies);
        for (_, (place, waiting)) in over {
            if let Some(error) = error(&place) {
                // Who does not wait any more does not need to know.
                let _ = waiting.send(Err(error));
            }
        }
    }

    /// Begins to wait for a reply of an actor.
    pub(crate) fn reply(&self, actor: &'static str, key: &Key) -> Reply {
        let (send, arrives) = oneshot::channel();
        let mut replies = self.inner.replies.lock();
        replies.next += 1;
        let number = replies.next;
        let place = (actor, key.clone());
        replies.waiting.insert(number, (place, send));
        drop(replies);
        Reply {
            inner: Arc::clone(&self.inner),
            number,
            address: format!("{} {number}", self.epoch),
            arrives,
        }
    }

    /// Gives a reply to who waits for it, if somebody still does.
    pub(crate) fn answer(&self, address: &str, arrived: Arrived) {
        let number = address
            .strip_prefix(&self.epoch)
            .and_then(|number| number.trim_start().parse().ok());
        let Some(number) = number else { return };
        let waiting = self.inner.replies.lock().waiting.remove(&number);
        if let Some((_, waiting)) = waiting {
            // Who does not wait any more does not need the answer.
            let _ = waiting.send(arrived);
        }
    }
}

fn shut_down((actor, key): &Place) -> CallError {
    CallError::ShutDown {
        subject: Subject {
            actor,
            key: key.clone(),
        },
    }
}
