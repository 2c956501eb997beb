//! A blocking pool that the user has filled: what is written becomes durable all the same.

use std::sync::mpsc;
use std::time::Duration;

use actor_core::prelude::*;
use tokio::runtime::{Builder, Runtime};

#[derive(Actor)]
#[actor(name = "counter")]
struct Counter {
    #[state]
    count: State<u32>,
}

#[actor]
impl Counter {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }
}

/// How many threads the pool has.
const PLACES: usize = 4;

/// A guard against waiting for ever, and not a bound that anything is measured by.
const GUARD: Duration = Duration::from_mins(1);

fn check(runtime: &Runtime) {
    let directory = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let system = System::builder()
            .data_dir(directory.path())
            .register::<Counter>()
            .start()
            .await
            .unwrap();
        let (entered, all_entered) = mpsc::channel();
        let (let_go, wait) = mpsc::channel::<()>();
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        let held: Vec<_> = (0..PLACES)
            .map(|_| {
                let (entered, wait) = (entered.clone(), wait.clone());
                tokio::task::spawn_blocking(move || {
                    entered.send(()).unwrap();
                    wait.lock().unwrap().recv().unwrap_err()
                })
            })
            .collect();
        (0..PLACES).for_each(|_| all_entered.recv().unwrap());
        let one = system.get_or_create::<Counter>("one", ());
        let other = system.get_or_create::<Counter>("other", ());
        for count in 1..=20 {
            let written = async { (one.add().await.unwrap(), other.add().await.unwrap()) };
            let written = tokio::time::timeout(GUARD, written).await;
            assert_eq!(written, Ok((count, count)));
        }
        drop(let_go);
        for held in held {
            held.await.unwrap();
        }
        system.shutdown().await.unwrap();
        let system = System::builder()
            .data_dir(directory.path())
            .register::<Counter>()
            .start()
            .await
            .unwrap();
        assert_eq!(system.get::<Counter>("one").add().await.unwrap(), 21);
        system.shutdown().await.unwrap();
    });
}

#[test]
fn writes_are_answered_while_the_pool_of_several_workers_is_full() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(PLACES)
        .enable_all()
        .build();
    check(&runtime.unwrap());
}

#[test]
fn writes_are_answered_while_the_pool_of_one_thread_is_full() {
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(PLACES)
        .enable_all()
        .build();
    check(&runtime.unwrap());
}

#[tokio::test(start_paused = true)]
async fn paused_time_does_not_run_out_while_a_real_disk_works() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Counter>()
        .start()
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    let counter = system.get_or_create::<Counter>("one", ());
    for count in 1..=100 {
        assert_eq!(counter.add().await.unwrap(), count);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    system.shutdown().await.unwrap();
}
