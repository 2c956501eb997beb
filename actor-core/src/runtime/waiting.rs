//! [`Waiting`]: who waits for a message of a queue, or for the reply to one.
//!
//! # Invariants
//!
//! 1. There is an entry while somebody waits, and none after.
//! 2. What is kept here is lost with the process: nobody waits any more then.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;

/// Who waits for a message of a queue, or for the reply to one.
pub(crate) struct Waiting {
    /// What tells this system from all others, also from the one of an earlier process.
    epoch: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    takers: Mutex<HashMap<(&'static str, String), Weak<Notify>>>,
    replies: Mutex<Replies>,
}

#[derive(Default)]
struct Replies {
    next: u64,
    waiting: HashMap<u64, oneshot::Sender<String>>,
}

/// Waits for a reply, which is JSON.
pub(crate) struct Reply {
    inner: Arc<Inner>,
    number: u64,
    /// Where the reply is to go, as it is stored with the message.
    pub(crate) address: String,
    /// Where it arrives.
    pub(crate) arrives: oneshot::Receiver<String>,
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
    pub(crate) fn taker(&self, actor: &'static str, key: &str) -> Arc<Notify> {
        let mut takers = self.inner.takers.lock();
        let place = (actor, key.to_owned());
        if let Some(notify) = takers.get(&place).and_then(Weak::upgrade) {
            return notify;
        }
        // INVARIANT 1: whoever comes next clears away what nobody holds.
        takers.retain(|_, notify| notify.strong_count() > 0);
        let notify = Arc::new(Notify::new());
        takers.insert(place, Arc::downgrade(&notify));
        notify
    }

    /// Says that an actor has a message for the taking.
    pub(crate) fn notify(&self, actor: &'static str, key: &str) {
        let takers = self.inner.takers.lock();
        if takers.is_empty() {
            return;
        }
        let notify = takers.get(&(actor, key.to_owned())).and_then(Weak::upgrade);
        drop(takers);
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    /// Begins to wait for a reply.
    pub(crate) fn reply(&self) -> Reply {
        let (send, arrives) = oneshot::channel();
        let mut replies = self.inner.replies.lock();
        replies.next += 1;
        let number = replies.next;
        replies.waiting.insert(number, send);
        drop(replies);
        Reply {
            inner: Arc::clone(&self.inner),
            number,
            address: format!("{} {number}", self.epoch),
            arrives,
        }
    }

    /// Gives a reply to who waits for it, if somebody still does.
    pub(crate) fn answer(&self, address: &str, json: String) {
        let number = address
            .strip_prefix(&self.epoch)
            .and_then(|number| number.trim_start().parse().ok());
        let Some(number) = number else { return };
        let waiting = self.inner.replies.lock().waiting.remove(&number);
        if let Some(waiting) = waiting {
            // Who does not wait any more does not need the answer.
            let _ = waiting.send(json);
        }
    }
}
