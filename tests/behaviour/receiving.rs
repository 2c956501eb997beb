//! Receiving is cancel safe: what was taken for a future that is dropped is given back at once, in its place, uncounted.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use actor_core::prelude::*;
use actor_core::{CallError, Job};

use crate::support::{Random, directory, settle, start};

/// Has a queue.
#[derive(Actor)]
#[actor(name = "shelf", sleep_after = "never")]
struct Shelf {}

#[actor]
impl Shelf {
    #[queue(visibility = "1h")]
    fn books(number: u32) -> u32 {}

    #[action]
    fn look(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

async fn shelf(
    books: u32,
) -> (
    tempfile::TempDir,
    System,
    <Shelf as actor_core::Handlers>::Handle,
) {
    let directory = directory();
    let system = start::<Shelf>(directory.path()).await;
    let shelf = system.get_or_create::<Shelf>("a", ());
    for book in 0..books {
        shelf.books().push(book).await.unwrap();
    }
    (directory, system, shelf)
}

/// Acknowledges what was taken, and returns which it is and how often it was handed out.
async fn read(job: Job<Shelf, u32, u32>) -> (u32, u32) {
    let read = (*job.message(), job.tries());
    assert!(job.ack().await.unwrap());
    read
}

/// Drops the future of `next` after each number of polls that it can have, and looks what is there then.
#[tokio::test(start_paused = true)]
async fn a_future_that_is_dropped_at_any_point_has_taken_nothing() {
    for patience in 0.. {
        let (_directory, system, shelf) = shelf(3).await;
        let queue = shelf.books();
        let taken = impatient(queue.next(), patience).await;
        let is_over = taken.is_some();
        let (first, mut books) = (u32::from(is_over), Vec::new());
        for job in taken
            .into_iter()
            .chain(shelf.books().next_batch(10).await.unwrap())
        {
            books.push(read(job).await);
        }
        // What it took is given back behind that look, if it was taken at all.
        while books.len() < 3 {
            books.push(read(shelf.books().next().await.unwrap()).await);
        }
        books.sort_unstable();
        assert_eq!(
            books,
            [(0, 1), (1, 1), (2, 1)],
            "patience {patience}, {first}"
        );
        system.shutdown().await.unwrap();
        if is_over {
            assert!(patience > 0, "it never waited");
            break;
        }
    }
}

/// What is given back comes before what was behind it.
#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_in_its_place_and_wakes_who_waits() {
    let (_directory, system, shelf) = shelf(1).await;
    let queue = shelf.books();
    let mut taken = Box::pin(queue.next());
    let mut task = Task::from_waker(Waker::noop());
    assert!(taken.as_mut().poll(&mut task).is_pending());
    // The actor takes it, and another one waits for what comes.
    shelf.look().await.unwrap();
    let waits = shelf.clone();
    let next = tokio::spawn(async move { waits.books().next().await });
    settle().await;
    assert!(!next.is_finished());
    drop(taken);
    assert_eq!(read(next.await.unwrap().unwrap()).await, (0, 1));
    assert_eq!(shelf.books().count().await.unwrap(), 0);
    system.shutdown().await.unwrap();
}

/// A value that cannot be read is not tried for ever, and holds up no other.
#[tokio::test(start_paused = true)]
async fn a_message_whose_deserialize_panics_is_a_dead_letter() {
    let directory = directory();
    let system = start::<Vault>(directory.path()).await;
    let vault = system.get_or_create::<Vault>("a", ());
    for number in [13, 7] {
        vault.coins().push(Coin { number }).await.unwrap();
    }
    UNLUCKY.set(true);
    let jobs = vault.coins().next_batch(2).await.unwrap();
    let numbers: Vec<_> = jobs.iter().map(|job| job.message().number).collect();
    assert_eq!(numbers, [7]);
    let letters = vault.dead_letters().await.unwrap();
    let reason = "it does not fit its type: its `Deserialize` panicked: an unlucky coin";
    assert_eq!(letters[0].reason, reason);
    system.shutdown().await.unwrap();
}

thread_local! {
    /// Whether thirteen cannot be read.
    static UNLUCKY: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Debug, serde::Serialize)]
struct Coin {
    number: u32,
}

impl<'de> serde::Deserialize<'de> for Coin {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Plain {
            number: u32,
        }
        let Plain { number } = Plain::deserialize(from)?;
        assert!(number != 13 || !UNLUCKY.get(), "an unlucky coin");
        Ok(Self { number })
    }
}

/// Keeps what cannot always be read.
#[derive(Actor)]
#[actor(name = "vault")]
struct Vault {}

#[actor]
impl Vault {
    #[queue]
    fn coins(coin: Coin) {}
}

#[tokio::test(start_paused = true)]
async fn takers_that_are_cut_off_by_chance_lose_and_count_nothing() {
    for seed in 0..4 {
        let (_directory, system, shelf) = shelf(100).await;
        let mut random = Random::new(seed);
        let mut seen = Vec::new();
        while seen.len() < 100 {
            let patience = random.below(120);
            let batch = usize::try_from(1 + random.below(4)).unwrap();
            let queue = shelf.books();
            let taken = impatient(queue.next_batch(batch), patience).await;
            for job in taken.unwrap_or_default() {
                seen.push(read(job).await);
            }
        }
        let books: BTreeSet<_> = seen.iter().map(|(book, _)| *book).collect();
        assert_eq!(books.len(), 100, "seed {seed}");
        assert!(
            seen.iter().all(|(_, tries)| *tries == 1),
            "seed {seed}: {seen:?}"
        );
        assert_eq!(shelf.books().count().await.unwrap(), 0);
        system.shutdown().await.unwrap();
    }
}

/// Polls a future some times, and drops it if that is not enough.
async fn impatient<T>(
    future: impl Future<Output = Result<T, CallError>>,
    patience: u64,
) -> Option<T> {
    let mut future = pin!(future);
    let mut task = Task::from_waker(Waker::noop());
    for _ in 0..=patience {
        if let Poll::Ready(taken) = future.as_mut().poll(&mut task) {
            return Some(taken.unwrap());
        }
        tokio::task::yield_now().await;
    }
    None
}
