//! [`Observers`]: who is told what an actor does. What is told is any type of value; each has a channel of its own.
//!
//! # Invariants
//!
//! 1. There is a channel for a type while somebody observes it, and soon after the last one is gone there is none.
//! 2. An observer gets what is sent in its order. What it does not take in time is counted, oldest first, and it is told of that
//!    before it gets what is kept.
//! 3. No code of the user's runs under a lock, and no waker is woken there.

use std::any::{Any, TypeId};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Until when somebody observes an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The actor is destroyed, or the system ends.
    Destroyed,
    /// The system ends.
    Shutdown,
}

/// Who observes one actor.
#[derive(Default)]
pub(crate) struct Observers(Vec<Observed>);

/// One type of value that somebody observes.
struct Observed {
    of: TypeId,
    until: Until,
    /// A `Channel` of the type.
    channel: Arc<dyn Any + Send + Sync>,
    has_observers: fn(&(dyn Any + Send + Sync)) -> bool,
}

impl Observers {
    /// Returns the channel of a type, if somebody observes it.
    pub(crate) fn channel<T: Send + Sync + 'static>(&self) -> Option<Arc<Channel<T>>> {
        let of = TypeId::of::<T>();
        let observed = self.0.iter().find(|observed| observed.of == of)?;
        Arc::clone(&observed.channel).downcast().ok()
    }

    /// Adds an observer, who gets what is sent from now on.
    pub(crate) fn add<T: Send + Sync + 'static>(
        &mut self,
        capacity: usize,
        until: Until,
    ) -> Arc<Buffer<T>> {
        let channel = self.channel::<T>().unwrap_or_else(|| {
            let channel = Arc::new(Channel::new());
            self.0.push(Observed {
                of: TypeId::of::<T>(),
                until,
                channel: Arc::clone(&channel) as Arc<dyn Any + Send + Sync>,
                has_observers: |channel| {
                    let channel = channel.downcast_ref::<Channel<T>>();
                    channel.is_some_and(Channel::has_observers)
                },
            });
            channel
        });
        channel.add(capacity)
    }

    /// INVARIANT 1: takes the channels out that nobody observes any more.
    pub(crate) fn tidy(&mut self) {
        let has_observers = |observed: &Observed| (observed.has_observers)(&*observed.channel);
        self.0.retain(has_observers);
    }

    /// Takes the channels out that are over. Their observers learn of it when what is returned is dropped, and what still goes
    /// through them is sent.
    #[must_use = "who holds a lock drops it later"]
    pub(crate) fn end(&mut self, now: Until) -> impl Sized + use<> {
        let over = |observed: &mut Observed| now == Until::Shutdown || observed.until == now;
        self.0.extract_if(.., over).collect::<Vec<_>>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// All who observe one type of value of one actor. They learn that it is over when it is dropped.
pub(crate) struct Channel<T>(Mutex<Vec<Weak<Buffer<T>>>>);

impl<T> Channel<T> {
    fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn add(&self, capacity: usize) -> Arc<Buffer<T>> {
        let buffer = Arc::new(Buffer {
            capacity: capacity.max(1),
            kept: Mutex::new(Kept {
                values: VecDeque::new(),
                missed: 0,
                is_over: false,
                waker: None,
            }),
        });
        self.0.lock().push(Arc::downgrade(&buffer));
        buffer
    }

    fn has_observers(&self) -> bool {
        let buffers = self.0.lock();
        buffers.iter().any(|buffer| buffer.strong_count() > 0)
    }

    /// Sends a value to all observers. One caller at a time keeps the order.
    pub(crate) fn send(&self, value: T) {
        let value = Arc::new(value);
        for buffer in self.buffers() {
            buffer.push(Arc::clone(&value));
        }
    }

    /// Returns the buffers that somebody reads.
    fn buffers(&self) -> Vec<Arc<Buffer<T>>> {
        let mut buffers = self.0.lock();
        let mut read = Vec::with_capacity(buffers.len());
        buffers.retain(|buffer| {
            let buffer = buffer.upgrade();
            let is_read = buffer.is_some();
            read.extend(buffer);
            is_read
        });
        read
    }
}

impl<T> Drop for Channel<T> {
    fn drop(&mut self) {
        for buffer in self.buffers() {
            buffer.end();
        }
    }
}

/// What one observer has not taken yet.
pub(crate) struct Buffer<T> {
    capacity: usize,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    values: VecDeque<Arc<T>>,
    /// How many values there was no room for.
    missed: u64,
    is_over: bool,
    waker: Option<Waker>,
}

impl<T> Buffer<T> {
    fn push(&self, value: Arc<T>) {
        let mut kept = self.kept.lock();
        let mut oldest = None;
        if kept.values.len() >= self.capacity {
            // INVARIANT 2
            kept.missed += 1;
            oldest = kept.values.pop_front();
        }
        kept.values.push_back(value);
        let waker = kept.waker.take();
        drop(kept);
        drop(oldest);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn end(&self) {
        let mut kept = self.kept.lock();
        kept.is_over = true;
        let waker = kept.waker.take();
        drop(kept);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The place that is observed.
pub(crate) trait Place: Send + Sync {
    /// Notes that an observer is gone.
    fn left(&self);
}

/// Tells the place when it is dropped.
struct Leaving(Arc<dyn Place>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.left();
    }
}

/// One who observes an actor. It keeps the actor's place, and does not keep the actor awake.
pub(crate) struct Observer<T> {
    // The buffer goes first, so that the place sees it gone.
    buffer: Arc<Buffer<T>>,
    place: Option<Leaving>,
}

impl<T: Clone> Observer<T> {
    pub(crate) fn new(buffer: Arc<Buffer<T>>, place: Arc<dyn Place>) -> Self {
        let place = Some(Leaving(place));
        Self { buffer, place }
    }

    /// Takes the next value, or the number of those that were missed; `None` when it is over.
    pub(crate) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<T, u64>>> {
        let mut kept = self.buffer.kept.lock();
        if kept.missed > 0 {
            return Poll::Ready(Some(Err(std::mem::take(&mut kept.missed))));
        }
        if let Some(value) = kept.values.pop_front() {
            drop(kept);
            return Poll::Ready(Some(Ok(Arc::unwrap_or_clone(value))));
        }
        if kept.is_over {
            drop(kept);
            // Nobody needs the place any more.
            self.place = None;
            return Poll::Ready(None);
        }
        match &mut kept.waker {
            Some(waker) => waker.clone_from(task.waker()),
            none => *none = Some(task.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts who left.
    #[derive(Default)]
    struct Left(AtomicUsize);

    impl Place for Left {
        fn left(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn observe<T: Clone + Send + Sync + 'static>(
        observers: &mut Observers,
        capacity: usize,
        until: Until,
    ) -> Observer<T> {
        Observer::new(observers.add(capacity, until), Arc::new(Left::default()))
    }

    fn next<T: Clone>(observer: &mut Observer<T>) -> Poll<Option<Result<T, u64>>> {
        observer.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn each_type_has_its_observers_and_each_observer_its_buffer() {
        let mut observers = Observers::default();
        let mut small = observe::<u32>(&mut observers, 2, Until::Destroyed);
        let mut large = observe::<u32>(&mut observers, 8, Until::Destroyed);
        let mut other = observe::<&str>(&mut observers, 8, Until::Destroyed);
        let channel = observers.channel::<u32>().unwrap();
        (0..5).for_each(|number| channel.send(number));
        assert_eq!(next(&mut small), Poll::Ready(Some(Err(3))));
        assert_eq!(next(&mut small), Poll::Ready(Some(Ok(3))));
        assert_eq!(next(&mut small), Poll::Ready(Some(Ok(4))));
        assert_eq!(next(&mut small), Poll::Pending);
        for number in 0..5 {
            assert_eq!(next(&mut large), Poll::Ready(Some(Ok(number))));
        }
        assert_eq!(next(&mut large), Poll::Pending);
        assert_eq!(next(&mut other), Poll::Pending);
    }

    #[test]
    fn a_channel_that_nobody_observes_goes() {
        let mut observers = Observers::default();
        let place = Arc::new(Left::default());
        let buffer = observers.add::<u32>(1, Until::Destroyed);
        let observer = Observer::new(buffer, Arc::clone(&place) as Arc<dyn Place>);
        observers.tidy();
        assert!(observers.channel::<u32>().is_some());
        drop(observer);
        assert_eq!(place.0.load(Ordering::SeqCst), 1);
        observers.tidy();
        assert!(observers.channel::<u32>().is_none());
        assert!(observers.is_empty());
    }

    #[test]
    fn what_was_on_its_way_comes_before_the_end_and_the_life_goes_on_being_watched() {
        let mut observers = Observers::default();
        let mut events = observe::<u32>(&mut observers, 4, Until::Destroyed);
        let mut life = observe::<&str>(&mut observers, 4, Until::Shutdown);
        let on_its_way = observers.channel::<u32>().unwrap();
        drop(observers.end(Until::Destroyed));
        assert!(observers.channel::<u32>().is_none());
        assert_eq!(next(&mut events), Poll::Pending);
        on_its_way.send(1);
        drop(on_its_way);
        assert_eq!(next(&mut events), Poll::Ready(Some(Ok(1))));
        assert_eq!(next(&mut events), Poll::Ready(None));
        assert_eq!(next(&mut events), Poll::Ready(None));
        assert_eq!(next(&mut life), Poll::Pending);
        drop(observers.end(Until::Shutdown));
        assert_eq!(next(&mut life), Poll::Ready(None));
    }
}
