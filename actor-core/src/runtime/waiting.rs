//! [`Waiting`]: who waits for a message of a queue, or for the reply to one.
//!
//! # Invariants
//!
//! 1. There is an entry while somebody waits, and none after.
//! 2. What is kept here is lost with the process: nobody waits any more then.
//! 3. Whoever waits is told when nothing can come any more: the actor is destroyed, or the system ends. An actor that is given up, or
//!    does not start, may do so later: it is waited for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;
use crate::error::{CallError, Subject};
use crate::key::Key;
use crate::limits;

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
    takers: Mutex<HashMap<Place, Takers>>,
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
struct Takers {
    shared: Arc<Shared>,
    count: usize,
}

/// What they wait for.
#[derive(Default)]
struct Shared {
    notify: Notify,
    over: OnceLock<CallError>,
}

impl Shared {
    fn end(&self, error: CallError) {
        // It is over once.
        let _ = self.over.set(error);
        self.notify.notify_waiters();
    }
}

/// Waits for the messages of an actor.
pub(crate) struct Taker {
    inner: Arc<Inner>,
    place: Place,
    shared: Arc<Shared>,
}

impl Taker {
    /// Waits until there may be a message, or it is over.
    pub(crate) fn notified(&self) -> Notified<'_> {
        self.shared.notify.notified()
    }

    /// Says why nothing comes any more, if so.
    pub(crate) fn check(&self) -> Result<(), CallError> {
        let over = self.shared.over.get();
        over.map_or(Ok(()), |error| Err(error.clone()))
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let mut takers = self.inner.takers.lock();
        // Those of an actor that was destroyed are no longer listed, and others may be in their place.
        if let Some(others) = takers.get_mut(&self.place)
            && Arc::ptr_eq(&others.shared, &self.shared)
        {
            others.count -= 1;
            if others.count == 0 {
                // INVARIANT 1
                takers.remove(&self.place);
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
    pub(crate) fn taker(&self, actor: &'static str, key: &Key) -> Taker {
        let place = (actor, key.clone());
        let mut takers = self.inner.takers.lock();
        let others = takers.entry(place.clone()).or_insert_with(|| Takers {
            shared: Arc::default(),
            count: 0,
        });
        others.count += 1;
        Taker {
            inner: Arc::clone(&self.inner),
            shared: Arc::clone(&others.shared),
            place,
        }
    }

    /// Says that an actor has a message for the taking.
    pub(crate) fn notify(&self, actor: &'static str, key: &Key) {
        let takers = self.inner.takers.lock();
        if takers.is_empty() {
            return;
        }
        let takers_of = takers.get(&(actor, key.clone()));
        let shared = takers_of.map(|takers| Arc::clone(&takers.shared));
        drop(takers);
        if let Some(shared) = shared {
            shared.notify.notify_waiters();
        }
    }

    /// INVARIANT 3: tells all who wait for one actor that nothing comes any more. Who waits from now on waits for what comes then.
    pub(crate) fn end(&self, subject: &Subject, error: &CallError) {
        let place = (subject.actor, subject.key.clone());
        let takers = self.inner.takers.lock().remove(&place);
        if let Some(takers) = takers {
            takers.shared.end(error.clone());
        }
        self.end_replies_of(|of| (*of == place).then(|| error.clone()));
    }

    /// INVARIANT 3: tells all who wait for a message that the system takes no calls any more.
    pub(crate) fn end_takers(&self) {
        let takers = std::mem::take(&mut *self.inner.takers.lock());
        for (place, takers) in takers {
            takers.shared.end(shut_down(&place));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::IntoKey as _;

    #[test]
    fn those_who_wait_for_messages_leave_nothing() {
        let waiting = Waiting::new(Clock::system());
        let of = |key: usize| key.to_string().into_key().unwrap();
        let takers = |key: usize| waiting.taker("actor", &of(key));
        let stays = takers(0);
        let (all, same): (Vec<_>, Vec<_>) = (1..10_000).map(|key| (takers(key), takers(0))).unzip();
        assert_eq!(waiting.inner.takers.lock().len(), 10_000);
        drop((all, same));
        let takers = waiting.inner.takers.lock();
        assert_eq!(takers.len(), 1);
        assert!(takers.values().all(|takers| takers.count == 1));
        assert!(takers.capacity() <= limits::IDLE_MAIL);
        drop(takers);
        let replies: Vec<_> = (0..10_000)
            .map(|_| waiting.reply("actor", &of(0)))
            .collect();
        drop((replies, stays));
        assert!(waiting.inner.takers.lock().is_empty());
        assert!(waiting.inner.replies.lock().waiting.capacity() <= limits::IDLE_MAIL);
    }
}
