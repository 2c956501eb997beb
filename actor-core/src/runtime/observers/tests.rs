//! One channel with many observers, against what each of them would get alone.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::store::Seeded;

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
    let place = Arc::new(Left::default());
    observers.add(capacity, until, place, &Handle::current())
}

fn next<T: Clone>(observer: &mut Observer<T>) -> Poll<Option<Result<T, u64>>> {
    observer.poll_next(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn each_type_has_its_observers_and_each_observer_its_buffer() {
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

#[tokio::test]
async fn a_channel_that_nobody_observes_goes() {
    let mut observers = Observers::default();
    let place = Arc::new(Left::default());
    let at = || Arc::clone(&place) as Arc<dyn Place>;
    let runtime = Handle::current();
    let first = observers.add::<u32>(1, Until::Destroyed, at(), &runtime);
    let second = observers.add::<u32>(9, Until::Destroyed, at(), &runtime);
    drop(first);
    observers.tidy();
    assert!(observers.channel::<u32>().is_some());
    assert_eq!(place.0.load(Ordering::SeqCst), 0);
    drop(second);
    assert_eq!(place.0.load(Ordering::SeqCst), 1);
    observers.tidy();
    assert!(observers.channel::<u32>().is_none());
    assert!(observers.is_empty());
}

#[tokio::test]
async fn what_was_on_its_way_comes_before_the_end_and_the_life_goes_on_being_watched() {
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

/// What one observer must get, as if it had a buffer of its own.
struct Expected {
    capacity: usize,
    kept: VecDeque<u32>,
    missed: u64,
}

impl Expected {
    fn push(&mut self, number: u32) {
        if self.kept.len() >= self.capacity {
            self.kept.pop_front();
            self.missed += 1;
        }
        self.kept.push_back(number);
    }

    fn next(&mut self) -> Poll<Option<Result<u32, u64>>> {
        if self.missed > 0 {
            return Poll::Ready(Some(Err(std::mem::take(&mut self.missed))));
        }
        let next = self.kept.pop_front();
        next.map_or(Poll::Pending, |number| Poll::Ready(Some(Ok(number))))
    }
}

#[tokio::test]
async fn every_observer_gets_what_a_buffer_of_its_own_would_have_kept() {
    for seed in 0..200 {
        let mut random = Seeded::new(seed);
        let mut observers = Observers::default();
        let mut all = Vec::new();
        let mut sent = 0;
        for _ in 0..300 {
            match random.below(8) {
                0 | 1 if all.len() < 12 => {
                    let capacity = random.index(9);
                    let observer = observe::<u32>(&mut observers, capacity, Until::Shutdown);
                    let expected = Expected {
                        capacity: capacity.max(1),
                        kept: VecDeque::new(),
                        missed: 0,
                    };
                    all.push((observer, expected));
                }
                2 if !all.is_empty() => {
                    drop(all.swap_remove(random.index(all.len())));
                    observers.tidy();
                }
                3..5 => {
                    sent += 1;
                    if let Some(channel) = observers.channel::<u32>() {
                        channel.send(sent);
                    }
                    for (_, expected) in &mut all {
                        expected.push(sent);
                    }
                }
                _ if !all.is_empty() => {
                    let index = random.index(all.len());
                    let (observer, expected) = &mut all[index];
                    assert_eq!(next(observer), expected.next(), "seed {seed}");
                }
                _ => {}
            }
        }
        for (observer, expected) in &mut all {
            while let Poll::Ready(left) = expected.next() {
                assert_eq!(next(observer), Poll::Ready(left), "seed {seed}");
            }
            assert_eq!(next(observer), Poll::Pending, "seed {seed}");
        }
    }
}

/// How many steps one call may take, whatever the number of observers.
const FEW: usize = 2;

#[tokio::test]
async fn no_call_takes_longer_because_there_are_many_observers() {
    let mut observers = Observers::default();
    let many = 20_000;
    let add = |observers: &mut Observers| observe::<u32>(observers, 4, Until::Shutdown);
    let mut all: VecDeque<_> = (0..many).map(|_| add(&mut observers)).collect();
    let channel = observers.channel::<u32>().unwrap();
    assert!(steps::of(|| channel.send(1)) <= FEW);
    for observer in &mut all {
        assert!(steps::of(|| assert_eq!(next(observer), Poll::Ready(Some(Ok(1))))) <= FEW);
    }
    assert!(steps::of(|| channel.send(2)) <= FEW);
    // The oldest first, the newest first, and from the middle.
    for turn in 0..many {
        let gone = match turn % 3 {
            0 => all.pop_front(),
            1 => all.pop_back(),
            _ => all.swap_remove_back(all.len() / 2),
        };
        assert!(steps::of(|| drop(gone)) <= FEW);
    }
    assert!(!channel.has_observers());
}

#[tokio::test]
async fn what_came_and_went_leaves_nothing_while_one_stays() {
    let mut observers = Observers::default();
    let mut stays = observe::<Arc<()>>(&mut observers, 256, Until::Shutdown);
    assert_eq!(next(&mut stays), Poll::Pending);
    let channel = observers.channel::<Arc<()>>().unwrap();
    let value = Arc::new(());
    let mut others = Vec::new();
    for capacity in 0..1_000 {
        let mut other = observe::<Arc<()>>(&mut observers, capacity, Until::Shutdown);
        assert_eq!(next(&mut other), Poll::Pending);
        others.push(other);
    }
    for _ in 0..256 {
        channel.send(Arc::clone(&value));
        assert!(next(&mut stays).is_ready());
    }
    assert_eq!(Arc::strong_count(&value), 257);
    drop(others);
    assert_eq!(next(&mut stays), Poll::Pending);
    assert_eq!(Arc::strong_count(&value), 1);
    let state = channel.0.state.lock();
    assert_eq!((state.readers, state.rings.len()), (1, 1));
    assert_eq!(state.waiting.len(), 1);
    assert!(state.rings.values().all(|ring| ring.memory() <= 32));
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Makes many observers that wait.
fn crowd(observers: &mut Observers, woken: &Arc<Woken>) -> Vec<Observer<u32>> {
    let waker = Waker::from(Arc::clone(woken));
    let wait = |_| {
        let mut observer = observe::<u32>(observers, 4, Until::Destroyed);
        let polled = observer.poll_next(&mut Context::from_waker(&waker));
        assert_eq!(polled, Poll::Pending);
        observer
    };
    (0..1_000).map(wait).collect()
}

#[tokio::test]
async fn many_are_woken_in_parts_and_may_take_the_value_before() {
    let mut observers = Observers::default();
    let woken = Arc::new(Woken::default());
    let mut all = crowd(&mut observers, &woken);
    let count = || woken.0.load(Ordering::SeqCst);
    let channel = observers.channel::<u32>().unwrap();
    channel.send(1);
    assert_eq!(count(), limits::WAKES_AT_ONCE);
    // INVARIANT 4: nobody has to be woken to find it.
    assert_eq!(next(all.last_mut().unwrap()), Poll::Ready(Some(Ok(1))));
    let mut parts = 0;
    while count() < all.len() {
        let before = count();
        tokio::task::yield_now().await;
        assert!(count() - before <= limits::WAKES_AT_ONCE);
        parts += 1;
    }
    assert!(parts >= all.len() / limits::WAKES_AT_ONCE - 1);
    for observer in &mut all[..999] {
        assert_eq!(next(observer), Poll::Ready(Some(Ok(1))));
        assert_eq!(next(observer), Poll::Pending);
    }
    // Whoever waits anew is not woken for what it has.
    (0..50).for_each(|_| drop(tokio::spawn(async {})));
    tokio::task::yield_now().await;
    assert_eq!(count(), all.len());
}

#[tokio::test]
async fn the_end_wakes_all_also_when_the_runtime_has_ended() {
    let ended = tokio::runtime::Builder::new_current_thread().build();
    let ended = ended.unwrap();
    let handle = ended.handle().clone();
    std::thread::spawn(move || drop(ended)).join().unwrap();
    let mut observers = Observers::default();
    let place = Arc::new(Left::default());
    // The first observer decides where the task runs.
    let first = observers.add::<u32>(1, Until::Destroyed, place, &handle);
    let woken = Arc::new(Woken::default());
    let mut all = crowd(&mut observers, &woken);
    drop(observers.end(Until::Destroyed));
    assert_eq!(woken.0.load(Ordering::SeqCst), all.len());
    for observer in &mut all {
        assert_eq!(next(observer), Poll::Ready(None));
    }
    drop(first);
}

/// What the whole costs, to be read: `cargo test --release -p actor-core --lib observers -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "it prints times, which differ from machine to machine"]
async fn times_of_many_observers() {
    let mut observers = Observers::default();
    let began = std::time::Instant::now();
    let add = |_| observe::<u32>(&mut observers, 256, Until::Shutdown);
    let mut all: Vec<_> = (0..80_000).map(add).collect();
    let added = began.elapsed();
    for observer in &mut all {
        assert_eq!(next(observer), Poll::Pending);
    }
    let channel = observers.channel::<u32>().unwrap();
    let began = std::time::Instant::now();
    channel.send(1);
    let sent = began.elapsed();
    let began = std::time::Instant::now();
    all.drain(..).for_each(drop);
    let dropped = began.elapsed();
    println!("80,000 observers: added in {added:?}, sent to in {sent:?}, dropped in {dropped:?}");
}
