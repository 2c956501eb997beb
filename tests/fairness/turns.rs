//! A turn ends after some milliseconds as well as after many calls: slow calls of one actor do not hold up another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actor_core::prelude::*;

/// More than the time of a turn.
const SLOW: Duration = Duration::from_millis(6);

/// How many slow calls wait.
const MANY: usize = 40;

/// How many of them may run before others do, in some turns: without a database the clock is first looked at behind the second.
const FEW: usize = 12;

#[derive(Clone, Default)]
struct Ran(Arc<AtomicUsize>);

/// Holds the worker, and counts.
fn work(system: &System) {
    let began = Instant::now();
    while began.elapsed() < SLOW {
        std::hint::spin_loop();
    }
    let ran = system.extension::<Ran>().unwrap();
    ran.0.fetch_add(1, Ordering::SeqCst);
}

fn ran(system: &System) -> usize {
    system.extension::<Ran>().unwrap().0.load(Ordering::SeqCst)
}

macro_rules! slow {
    ($name:ident { $($fields:tt)* }, $kind:literal) => {
        #[derive(Actor)]
        #[actor(name = $kind)]
        struct $name { $($fields)* }

        #[actor]
        impl $name {
            #[action]
            fn work(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
                work(cx.system());
                Ok(())
            }

            #[action]
            async fn work_async(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
                work(cx.system());
                Ok(())
            }

            #[action]
            fn read(&self, cx: &mut Context<'_, Self>) -> Result<()> {
                work(cx.system());
                Ok(())
            }

            #[action]
            fn seen(&mut self, cx: &mut Context<'_, Self>) -> Result<usize> {
                Ok(ran(cx.system()))
            }
        }
    };
}

slow!(Stored { #[state] _count: State<u32>, }, "stored");
slow!(InMemory {}, "in-memory");

async fn start(directory: &std::path::Path) -> System {
    System::builder()
        .data_dir(directory)
        .extension(Ran::default())
        .register::<Stored>()
        .register::<InMemory>()
        .start()
        .await
        .unwrap()
}

/// Tells one actor to work for long, and returns how much of it was done when another one handled a call.
macro_rules! done_before_another {
    ($kind:ident, $work:ident) => {{
        let directory = tempfile::tempdir().unwrap();
        let system = start(directory.path()).await;
        let (one, other) = (
            system.get_or_create::<$kind>("one", ()),
            system.get_or_create::<$kind>("other", ()),
        );
        // Both are awake.
        one.seen().await.unwrap();
        other.seen().await.unwrap();
        for _ in 0..MANY {
            one.$work().tell().await.unwrap();
        }
        let seen = tokio::spawn({
            let other = other.clone();
            async move { other.seen().await.unwrap() }
        });
        other.seen().tell().await.unwrap();
        let seen = seen.await.unwrap();
        one.seen().await.unwrap();
        assert_eq!(ran(&system), MANY);
        system.shutdown().await.unwrap();
        seen
    }};
}

#[tokio::test]
async fn slow_actions_of_one_actor_let_others_run() {
    assert!(done_before_another!(Stored, work) <= FEW);
    assert!(done_before_another!(Stored, work_async) <= FEW);
    assert!(done_before_another!(Stored, read) <= FEW);
}

#[tokio::test]
async fn slow_actions_of_one_actor_in_memory_let_others_run() {
    assert!(done_before_another!(InMemory, work) <= FEW);
    assert!(done_before_another!(InMemory, work_async) <= FEW);
    assert!(done_before_another!(InMemory, read) <= FEW);
}

#[tokio::test]
async fn the_first_reply_does_not_wait_for_all_that_are_ready() {
    let directory = tempfile::tempdir().unwrap();
    let system = start(directory.path()).await;
    let one = system.get_or_create::<Stored>("one", ());
    one.seen().await.unwrap();
    let first = tokio::spawn({
        let (one, system) = (one.clone(), system.clone());
        async move {
            one.work().await.unwrap();
            ran(&system)
        }
    });
    tokio::task::yield_now().await;
    for _ in 0..MANY {
        one.work().tell().await.unwrap();
    }
    // How long the disk takes is not known, but it is not as long as all of them.
    assert!(first.await.unwrap() < MANY);
    system.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_task_that_asks_slow_actors_without_a_pause_lets_others_run() {
    let directory = tempfile::tempdir().unwrap();
    let system = start(directory.path()).await;
    let one = system.get_or_create::<InMemory>("one", ());
    one.seen().await.unwrap();
    let asks = tokio::spawn({
        let one = one.clone();
        async move {
            for _ in 0..MANY {
                one.work().await.unwrap();
            }
        }
    });
    let seen = tokio::spawn({
        let system = system.clone();
        async move { ran(&system) }
    });
    // A beat of the coarse clock, and what began within it.
    assert!(seen.await.unwrap() <= 12);
    asks.await.unwrap();
    system.shutdown().await.unwrap();
}

#[tokio::test]
async fn slow_timers_of_one_actor_let_its_callers_in() {
    let directory = tempfile::tempdir().unwrap();
    let builder = System::builder().data_dir(directory.path());
    let builder = builder.extension(Ran::default()).register::<Stored>();
    let system = builder.start().await.unwrap();
    let one = system.get_or_create::<Stored>("one", ());
    for _ in 0..MANY {
        let second = Duration::from_secs(1);
        one.work().after(second).await.unwrap();
    }
    while ran(&system) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(one.seen().await.unwrap() < MANY);
    while ran(&system) < MANY {
        tokio::task::yield_now().await;
    }
    system.shutdown().await.unwrap();
}
