//! What calls and idle actors take of the heap: counted, so it does not vary. One test, because the count is the process's.
//! The thread that runs the tests allocates too when one begins, so a count is the least of three.

use std::alloc::System as Heap;

use actor_core::Status;
use actor_core::prelude::*;
use diesel::prelude::*;
use diesel::select;
use diesel::sql_types::Integer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Heap> = &INSTRUMENTED_SYSTEM;

/// Adds up what it is sent, in memory only.
#[derive(Actor)]
#[actor(name = "sum")]
struct Sum {
    #[vars]
    sum: u64,
}

#[actor]
impl Sum {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        self.sum += number;
        Ok(self.sum)
    }

    #[action]
    async fn add_later(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        tokio::task::yield_now().await;
        self.sum += number;
        Ok(self.sum)
    }
}

/// Returns how much is allocated while something is done, the least of three times.
async fn allocations(mut work: impl AsyncFnMut()) -> usize {
    let mut least = usize::MAX;
    for _ in 0..3 {
        let before = ALLOCATOR.stats();
        work().await;
        let now = ALLOCATOR.stats() - before;
        least = least.min(now.allocations + now.reallocations);
    }
    least
}

/// Returns how many bytes are in use more than then.
fn bytes(since: Stats) -> usize {
    let now = ALLOCATOR.stats() - since;
    now.bytes_allocated - now.bytes_deallocated
}

/// Has nothing but its own database: its vars, its state and the alarm of its sleep come on top.
#[derive(Actor)]
#[actor(name = "bare", sleep_after = "never")]
struct Bare {}

#[actor]
impl Bare {
    #[migrate("migrations/probe")]
    fn migrate() {}

    #[action]
    fn ping(&self, cx: &mut Context<'_, Self>) -> Result<i32> {
        Ok(select(1.into_sql::<Integer>()).get_result(cx.db())?)
    }
}

const CALLS: u64 = 1_000;
const ACTORS: usize = 1_000;
/// Most of them have no open file, of which a process has few.
const STORED: usize = 5_000;

#[tokio::test]
async fn calls_allocate_nothing_and_idle_actors_are_small() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Sum>()
        .start()
        .await
        .unwrap();
    let sum = system.create::<Sum>("a", ()).await.unwrap();

    // What is needed once is there after the first of each kind, and after tokio let other tasks run once.
    let asks = allocations(async || {
        for _ in 0..CALLS {
            sum.add(1).await.unwrap();
        }
    });
    assert_eq!(asks.await, 0, "asks");

    let tells = allocations(async || {
        for _ in 0..CALLS / 10 {
            for _ in 0..9 {
                sum.add(1).tell().await.unwrap();
            }
            // Comes behind the tells, so that it waits in the mailbox as they do.
            sum.add(1).await.unwrap();
        }
    });
    assert_eq!(tells.await, 0, "tells, and asks that wait");

    let later = allocations(async || {
        for _ in 0..CALLS {
            sum.add_later(1).await.unwrap();
        }
    });
    assert_eq!(later.await, 0, "asks of actions that wait");
    assert_eq!(sum.add(0).await.unwrap(), 9 * CALLS);

    let keys: Vec<String> = (0..ACTORS).map(|index| format!("{index:05}")).collect();
    let mut actors = Vec::with_capacity(ACTORS);
    let before = ALLOCATOR.stats();
    for key in keys {
        let actor = system.create::<Sum>(key, ()).await.unwrap();
        assert_eq!(actor.add(7).await.unwrap(), 7);
        actors.push(actor);
    }
    let each = bytes(before) / ACTORS;
    assert!(each <= 700, "an idle actor takes {each} bytes");
    println!("an idle actor takes {each} bytes");
    assert!(actors.iter().all(|actor| actor.status() == Status::Awake));
    system.shutdown().await.unwrap();
    stored_actors_are_small(directory.path()).await;
}

/// An awake idle actor with a database takes at most 1 KiB besides the pages that it changed, of which one that only read has none.
async fn stored_actors_are_small(directory: &std::path::Path) {
    let start = async || {
        let system = System::builder().data_dir(directory);
        system.register::<Bare>().start().await.unwrap()
    };
    let keys: Vec<String> = (0..STORED).map(|index| format!("{index:05}")).collect();
    let system = start().await;
    for key in &keys {
        system.create::<Bare>(key.as_str(), ()).await.unwrap();
    }
    system.shutdown().await.unwrap();

    let system = start().await;
    let mut actors = Vec::with_capacity(STORED);
    let before = ALLOCATOR.stats();
    for key in &keys {
        let actor = system.get::<Bare>(key.as_str());
        assert_eq!(actor.ping().await.unwrap(), 1);
        actors.push(actor);
    }
    let each = bytes(before) / STORED;
    println!("an idle actor with a database takes {each} bytes");
    assert!(
        each <= 1_064,
        "an idle actor with a database takes {each} bytes"
    );
    assert!(actors.iter().all(|actor| actor.status() == Status::Awake));
    system.shutdown().await.unwrap();
}
