//! [`Waiting`]: who waits for a message of a queue, or for the reply to one.
//!
//! # Invariants
//!
//! 1. There is an entry while somebody waits, and none after.
//! 2. What is kept here is lost with the process: nobody waits any more then.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;
use crate::limits;

/// Who waits for a message of a queue, or for the reply to one.
pub(crate) struct Waiting {
    /// What tells this system from all others, also from the one of an earlier process.
    epoch: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    takers: Mutex<HashMap<Which, Takers>>,
    replies: Mutex<Replies>,
}

/// The type and the key of an actor.
type Which = (&'static str, String);

/// Those who wait for the messages of one actor.
struct Takers {
    notify: Arc<Notify>,
    count: usize,
}

/// Waits for the messages of an actor.
pub(crate) struct Taker {
    inner: Arc<Inner>,
    which: Which,
    notify: Arc<Notify>,
}

impl Taker {
    /// Returns what ends when the actor may have a message for the taking.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let mut takers = self.inner.takers.lock();
        if let Some(others) = takers.get_mut(&self.which) {
            others.count -= 1;
            if others.count == 0 {
                // INVARIANT 1
                takers.remove(&self.which);
                trim(&mut takers);
            }
        }
    }
}

/// Lets memory go that only a crowd needed.
fn trim<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > limits::IDLE_MAIL && map.len() < map.capacity() / 4 {
        map.shrink_to(2 * map.len());
    }
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
        let mut replies = self.inner.replies.lock();
        replies.waiting.remove(&self.number);
        trim(&mut replies.waiting);
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

    /// Begins to wait for the messages of an actor.
    pub(crate) fn taker(&self, actor: &'static str, key: &str) -> Taker {
        let which = (actor, key.to_owned());
        let mut takers = self.inner.takers.lock();
        let others = takers.entry(which.clone()).or_insert_with(|| Takers {
            notify: Arc::new(Notify::new()),
            count: 0,
        });
        others.count += 1;
        Taker {
            inner: Arc::clone(&self.inner),
            notify: Arc::clone(&others.notify),
            which,
        }
    }

    /// Says that an actor has a message for the taking.
    pub(crate) fn notify(&self, actor: &'static str, key: &str) {
        let takers = self.inner.takers.lock();
        if takers.is_empty() {
            return;
        }
        let takers_of = takers.get(&(actor, key.to_owned()));
        let notify = takers_of.map(|takers| Arc::clone(&takers.notify));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_for_messages_leave_nothing() {
        let waiting = Waiting::new(Clock::system());
        let takers = |key: usize| waiting.taker("actor", &key.to_string());
        let stays = takers(0);
        let (all, same): (Vec<_>, Vec<_>) = (1..10_000).map(|key| (takers(key), takers(0))).unzip();
        assert_eq!(waiting.inner.takers.lock().len(), 10_000);
        drop((all, same));
        let takers = waiting.inner.takers.lock();
        assert_eq!(takers.len(), 1);
        assert!(takers.values().all(|takers| takers.count == 1));
        assert!(takers.capacity() <= limits::IDLE_MAIL);
        drop(takers);
        let replies: Vec<_> = (0..10_000).map(|_| waiting.reply()).collect();
        drop((replies, stays));
        assert!(waiting.inner.takers.lock().is_empty());
        assert!(waiting.inner.replies.lock().waiting.capacity() <= limits::IDLE_MAIL);
    }
}
