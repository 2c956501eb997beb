//! Migrations that take long: they hold no worker, and few run at once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use actor_core::prelude::*;
use actor_core::testing::Lab;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

/// Holds the steps that run, with their threads, until it is opened.
#[derive(Clone)]
struct Gate(Arc<Inner>);

struct Inner {
    is_open: std::sync::Mutex<bool>,
    opened: std::sync::Condvar,
    running: AtomicUsize,
    most: AtomicUsize,
    ran: AtomicUsize,
    /// One more for each that has come.
    came: Semaphore,
}

impl Gate {
    fn new() -> Self {
        Self(Arc::new(Inner {
            is_open: std::sync::Mutex::new(false),
            opened: std::sync::Condvar::new(),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            came: Semaphore::new(0),
        }))
    }

    fn pass(&self) {
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(running, Ordering::SeqCst);
        self.0.came.add_permits(1);
        let mut is_open = self.0.is_open.lock().unwrap();
        while !*is_open {
            is_open = self.0.opened.wait(is_open).unwrap();
        }
        drop(is_open);
        self.0.running.fetch_sub(1, Ordering::SeqCst);
        self.0.ran.fetch_add(1, Ordering::SeqCst);
    }

    fn open(&self) {
        *self.0.is_open.lock().unwrap() = true;
        self.0.opened.notify_all();
    }

    async fn came(&self, count: u32) {
        self.0.came.acquire_many(count).await.unwrap().forget();
    }
}

/// A step sees no system, so each test has a gate of its own here.
static WAKING: LazyLock<Gate> = LazyLock::new(Gate::new);
static CREATING: LazyLock<Gate> = LazyLock::new(Gate::new);
static STATES: LazyLock<Gate> = LazyLock::new(Gate::new);

macro_rules! ledger {
    ($name:ident { $($fields:tt)* }, $directory:literal { $($more:tt)* }) => {
        #[derive(Actor)]
        #[actor(name = "ledger")]
        struct $name { $($fields)* }

        #[actor]
        impl $name {
            #[migrate($directory)]
            fn migrate() {}

            #[action]
            fn look(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
                Ok(1)
            }

            #[action]
            fn touch(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
                Ok(1)
            }

            $($more)*
        }
    };
}

ledger!(Before {}, "migrations/ledger_v1" {});
ledger!(Waking {}, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000003")]
    fn long(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        WAKING.pass();
        Ok(())
    }
});
ledger!(Creating {}, "migrations/ledger_v1" {
    #[data_migration(after = "2026-11-22-000001", new = true)]
    fn long(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        CREATING.pass();
        Ok(())
    }
});
ledger!(Panics {}, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000003")]
    fn long(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        panic!("ouch")
    }
});
ledger!(Asks {}, "migrations/ledger_v1" {
    #[data_migration(after = "2026-11-22-000001", new = true)]
    async fn long(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        let added = cx.blocking(|_| Ok::<_, Failure>(7)).await?;
        assert_eq!(added, 7);
        tokio::spawn(tokio::time::sleep(std::time::Duration::from_secs(4))).await.unwrap();
        Ok(())
    }
});

#[derive(Actor)]
#[actor(name = "other")]
struct Other {
    #[state]
    count: State<u32>,
}

#[actor]
impl Other {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }
}

/// How many ledgers migrate.
const MANY: u32 = 6;

async fn start<A: actor_core::Handlers>(directory: &Path) -> System {
    System::builder()
        .data_dir(directory)
        .register::<A>()
        .register::<Other>()
        .start()
        .await
        .unwrap()
}

/// Holds all migrations that run at once, and calls another actor meanwhile.
async fn others_answer<F>(
    system: &System,
    gate: &Gate,
    migrating: Vec<tokio::task::JoinHandle<F>>,
) {
    // There is one worker, so it is free if anybody answers.
    gate.came(2).await;
    let other = system.get_or_create::<Other>("other", ());
    for count in 1..=10 {
        assert_eq!(other.add().await.unwrap(), count);
    }
    assert_eq!(gate.0.running.load(Ordering::SeqCst), 2);
    gate.open();
    for migrating in migrating {
        migrating.await.unwrap();
    }
    assert_eq!(gate.0.ran.load(Ordering::SeqCst), MANY as usize);
    assert_eq!(gate.0.most.load(Ordering::SeqCst), 2);
    system.shutdown().await.unwrap();
}

fn one_worker() -> tokio::runtime::Runtime {
    let mut runtime = Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn actors_that_wake_into_long_steps_hold_no_worker() {
    let directory = tempfile::tempdir().unwrap();
    one_worker().block_on(async {
        let system = start::<Before>(directory.path()).await;
        for key in 0..MANY {
            system.create::<Before>(key.to_string(), ()).await.unwrap();
        }
        system.shutdown().await.unwrap();
        let system = start::<Waking>(directory.path()).await;
        let look = |key: u32| {
            let ledger = system.get::<Waking>(key.to_string());
            tokio::spawn(async move { assert_eq!(ledger.touch().await.unwrap(), 1) })
        };
        others_answer(&system, &WAKING, (0..MANY).map(look).collect()).await;
    });
}

#[test]
fn actors_that_are_created_with_long_steps_hold_no_worker() {
    let directory = tempfile::tempdir().unwrap();
    one_worker().block_on(async {
        let system = start::<Creating>(directory.path()).await;
        let create = |key: u32| {
            let system = system.clone();
            tokio::spawn(async move {
                let created = system.create::<Creating>(key.to_string(), ()).await;
                drop(created.unwrap());
            })
        };
        others_answer(&system, &CREATING, (0..MANY).map(create).collect()).await;
    });
}

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Old(u32);

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct New(u32);

ledger!(OldState { #[state] state: State<Old>, }, "migrations/ledger_v1" {});
ledger!(NewState { #[state(version = 2)] state: State<New>, }, "migrations/ledger_v1" {
    #[migrate_state(from = 1)]
    fn long(old: Old) -> Result<New> {
        STATES.pass();
        Ok(New(old.0))
    }
});

#[test]
fn actors_whose_states_take_long_steps_hold_no_worker() {
    let directory = tempfile::tempdir().unwrap();
    one_worker().block_on(async {
        let system = start::<OldState>(directory.path()).await;
        for key in 0..MANY {
            system
                .create::<OldState>(key.to_string(), ())
                .await
                .unwrap();
        }
        system.shutdown().await.unwrap();
        let system = start::<NewState>(directory.path()).await;
        let look = |key: u32| {
            let ledger = system.get::<NewState>(key.to_string());
            tokio::spawn(async move { assert_eq!(ledger.look().await.unwrap(), 1) })
        };
        others_answer(&system, &STATES, (0..MANY).map(look).collect()).await;
    });
}

#[tokio::test]
async fn a_step_that_panics_is_a_start_that_failed() {
    let directory = tempfile::tempdir().unwrap();
    let system = start::<Before>(directory.path()).await;
    system.create::<Before>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    let system = start::<Panics>(directory.path()).await;
    let error = system.get::<Panics>("a").look().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("start", "hook_panicked"));
    system.shutdown().await.unwrap();
    // The database is as it was.
    let system = start::<Before>(directory.path()).await;
    assert_eq!(system.get::<Before>("a").touch().await.unwrap(), 1);
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_step_of_a_lab_may_sleep_and_block() {
    let mut lab = Lab::builder()
        .register::<Asks>()
        .register::<Other>()
        .start()
        .await
        .unwrap();
    let ledger = lab.get_or_create::<Asks>("a", ());
    let before = lab.now();
    assert_eq!(lab.run_until(ledger.touch()).await.unwrap(), 1);
    let passed = lab.now().duration_since(before).unwrap();
    assert_eq!(passed, std::time::Duration::from_secs(7));
}
