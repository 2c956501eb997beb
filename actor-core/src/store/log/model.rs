//! The engine under a scheduler that decides who goes on at every lock, wait and atomic.
//!
//! `shuttle` and not `loom`: it runs in an ordinary `cargo test`, with no flag that would build SQLite again (and none that tokio
//! reacts to), it takes the waiting futures as they are, and it reaches schedules of half a dozen threads, where loom's exhaustive
//! search does not end. What it cannot show are reordered atomics; there are few, and each is a plain release and acquire.
//!
//! The engine is compiled a second time, with the primitives of `shuttle`. The disk and the accounts of the space are the same as
//! ever: nobody waits inside of them. `SHUTTLE_RANDOM_SEED` repeats a schedule that failed.

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex as Plain;
use shuttle::future::block_on;
use shuttle::thread;

use super::tests::{Book, Record};
use super::{Lsn, Options, Ticket, recovery};
use crate::observe::metrics::{LogMetrics, StoreMetrics};
use crate::store::disk::{Fault, SimDisk};
use crate::store::{Durability, StoreError};

// The same source, with other locks.
#[path = "appender.rs"]
#[allow(clippy::duplicate_mod)]
mod appender;
#[path = "engine.rs"]
#[allow(clippy::duplicate_mod)]
mod engine;
#[path = "hired.rs"]
#[allow(clippy::duplicate_mod)]
mod hired;
#[path = "waiting.rs"]
#[allow(clippy::duplicate_mod, dead_code)]
mod waiting;

/// What `shuttle` has in place of [`super::sync`].
mod sync {
    pub(super) use shuttle::sync::MutexGuard;
    pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(super) use shuttle::thread_local;

    #[derive(Debug, Default)]
    pub(super) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(super) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(super) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    #[derive(Debug, Default)]
    pub(super) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(super) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap()
        }

        pub(super) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(super) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

type Engine = engine::Engine<Record>;

/// A log with its two threads.
struct Running {
    engine: Arc<Engine>,
    book: Arc<Plain<Book>>,
    disk: SimDisk,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Running {
    fn start(options: &Options) -> Self {
        let disk = SimDisk::new(1);
        let (writer, _) =
            recovery::open(Arc::new(disk.clone()), Path::new("/log"), options).unwrap();
        let engine = Arc::new(Engine::new(
            writer,
            options.buffer_bytes,
            LogMetrics::default(),
        ));
        let threads = (0..2).map(|_| {
            let engine = Arc::clone(&engine);
            thread::spawn(move || engine.work(hired::Idle::Wait))
        });
        Self {
            threads: threads.collect(),
            engine,
            book: Arc::default(),
            disk,
        }
    }

    /// Like [`Self::start`], but the threads are hired.
    fn hire(options: &Options) -> Self {
        Self::hire_some(options, true)
    }

    /// Like [`Self::hire`], but those who are hired never come.
    fn hire_nobody(options: &Options) -> Self {
        Self::hire_some(options, false)
    }

    fn hire_some(options: &Options, comes: bool) -> Self {
        let disk = SimDisk::new(1);
        let (writer, _) =
            recovery::open(Arc::new(disk.clone()), Path::new("/log"), options).unwrap();
        let engine = Arc::new(Engine::new(
            writer,
            options.buffer_bytes,
            LogMetrics::default(),
        ));
        let weak = Arc::downgrade(&engine);
        let hire = move || {
            if let Some(engine) = weak.upgrade() {
                let hired = hired::Hired::new(engine);
                if comes {
                    thread::spawn(|| hired.work());
                }
            }
        };
        assert!(engine.hire.set(Box::new(hire)).is_ok());
        Self {
            threads: Vec::new(),
            engine,
            book: Arc::default(),
            disk,
        }
    }

    /// Runs something on a thread of its own.
    fn spawn<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Engine, &Arc<Plain<Book>>) -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let engine = Arc::clone(&self.engine);
        let book = Arc::clone(&self.book);
        thread::spawn(move || run(&engine, &book))
    }

    fn close(self) -> (Result<(), Arc<StoreError>>, SimDisk, Arc<Plain<Book>>) {
        self.engine.begin_close();
        self.engine.wait_for_hired();
        for thread in self.threads {
            thread.join().unwrap();
        }
        (self.engine.finish(), self.disk, self.book)
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 2_048,
        segments: 2,
        buffer_bytes: 300,
        threads: false,
        runtime: None,
        seed: Some(3),
        metrics: StoreMetrics::default(),
    }
}

fn append(
    engine: &Engine,
    book: &Arc<Plain<Book>>,
    id: u64,
    durability: Durability,
) -> Result<Lsn, StoreError> {
    engine.append(durability, |_, bytes| {
        bytes.extend(id.to_le_bytes());
        bytes.resize(bytes.len() + 100, 1);
        // Under the lock of the buffer, like the order of the commits.
        let mut account = book.lock();
        account.history.push(id);
        account.appended.push(id);
        drop(account);
        Record::new(id, book)
    })
}

fn synced(lsn: Lsn) -> Ticket {
    Ticket {
        written: lsn,
        synced: lsn,
    }
}

fn written(lsn: Lsn) -> Ticket {
    Ticket {
        written: lsn,
        synced: Lsn::NONE,
    }
}

/// Returns the ids that a new process finds.
fn recovered(disk: &SimDisk) -> Vec<u64> {
    let (_, mut recovered) =
        recovery::open(Arc::new(disk.clone()), Path::new("/log"), &options()).unwrap();
    let mut ids = Vec::new();
    while let Some(payload) = recovered.next().unwrap() {
        ids.push(u64::from_le_bytes(payload[..8].try_into().unwrap()));
    }
    ids
}

/// Checks a property under many random schedules, and under schedules with few preemptions at the worst places.
fn check(property: fn()) {
    shuttle::check_random(property, 3_000);
    shuttle::check_pct(property, 3_000, 3);
}

#[test]
fn no_waiter_is_lost_and_no_acknowledged_record() {
    check(|| all_is_acknowledged(Running::start(&options())));
}

#[test]
fn hired_threads_lose_no_waiter_and_no_acknowledged_record() {
    check(|| all_is_acknowledged(Running::hire(&options())));
}

fn all_is_acknowledged(running: Running) {
    let first = running.spawn(|engine, book| {
        let lsn = append(engine, book, 1, Durability::Process).unwrap();
        block_on(engine.wait(written(lsn))).unwrap();
        // Nobody else asks for the sync that this one needs.
        block_on(engine.wait(synced(lsn))).unwrap();
    });
    let second = running.spawn(|engine, book| {
        let lsn = append(engine, book, 2, Durability::Synced).unwrap();
        engine.wait_blocking(synced(lsn)).unwrap();
        let ticket = engine.force();
        block_on(engine.wait(ticket)).unwrap();
    });
    first.join().unwrap();
    second.join().unwrap();
    let last = append(&running.engine, &running.book, 3, Durability::Process).unwrap();
    let engine = Arc::clone(&running.engine);
    let (closed, disk, book) = running.close();
    closed.unwrap();
    assert!(matches!(engine.check(synced(last)), Ok(true)));
    let book = book.lock();
    assert_eq!(book.settled.len(), 3);
    assert_eq!(
        recovered(&disk.after_power_cut(crate::store::disk::PowerCut::Nothing, 0)),
        book.history,
        "in the order of the commits"
    );
}

#[test]
fn a_failed_batch_is_undone_with_all_that_came_after_it() {
    check(|| {
        let running = Running::start(&options());
        running
            .disk
            .fail_at(running.disk.operations(), Fault::Late, 1);
        let appenders: Vec<_> = (0..3)
            .map(|id| {
                running.spawn(move |engine, book| {
                    let lsn = append(engine, book, id, Durability::Synced).unwrap();
                    (id, block_on(engine.wait(synced(lsn))).is_ok())
                })
            })
            .collect();
        let mut results: Vec<_> = appenders
            .into_iter()
            .map(|appender| appender.join().unwrap())
            .collect();
        let (closed, disk, book) = running.close();
        closed.unwrap();
        let book = book.lock();
        assert_eq!(book.settled.len(), 3);
        assert!(!book.undone.is_empty());
        results.retain(|(_, passed)| !passed);
        let mut failed: Vec<_> = results.into_iter().map(|(id, _)| id).collect();
        let mut undone = book.undone.clone();
        failed.sort_unstable();
        undone.sort_unstable();
        assert_eq!(failed, undone, "who was told so, and nobody else");
        assert_eq!(recovered(&disk), book.history);
    });
}

#[test]
fn after_a_failed_sync_everybody_is_told() {
    check(|| {
        let running = Running::start(&options());
        // The write works, the sync does not.
        running
            .disk
            .fail_at(running.disk.operations() + 1, Fault::Eio, 1);
        let appenders: Vec<_> = (0..2)
            .map(|id| {
                running.spawn(move |engine, book| {
                    let lsn = append(engine, book, id, Durability::Synced)?;
                    engine
                        .wait_blocking(synced(lsn))
                        .map_err(|source| StoreError::Poisoned { source })
                })
            })
            .collect();
        let checkpointer = running.spawn(|engine, _| engine.pressure());
        for appender in appenders {
            let error = appender.join().unwrap().unwrap_err();
            assert_eq!(error.code(), "poisoned");
        }
        assert_eq!(checkpointer.join().unwrap(), None);
        assert!(block_on(running.engine.room()).is_err());
        let (closed, _, book) = running.close();
        assert_eq!(closed.unwrap_err().code(), "poisoned");
        let book = book.lock();
        assert_eq!(book.settled.len(), book.appended.len());
    });
}

#[test]
fn a_full_log_goes_on_when_it_is_released() {
    check(|| the_log_is_emptied(Running::start(&options())));
}

#[test]
fn hired_threads_go_on_when_a_full_log_is_released() {
    check(|| the_log_is_emptied(Running::hire(&options())));
}

fn the_log_is_emptied(running: Running) {
    let checkpointer = running.spawn(|engine, _| {
        while let Some(lsn) = engine.pressure() {
            if engine.wait_blocking(synced(lsn)).is_ok() {
                engine.release(lsn);
            }
        }
    });
    let appenders: Vec<_> = (0..2)
        .map(|id| {
            running.spawn(move |engine, book| {
                for round in 0..6 {
                    block_on(engine.room()).unwrap();
                    append(engine, book, id * 10 + round, Durability::Process).unwrap();
                }
                let lsn = append(engine, book, id * 10 + 9, Durability::Synced).unwrap();
                block_on(engine.wait(synced(lsn))).unwrap();
            })
        })
        .collect();
    for appender in appenders {
        appender.join().unwrap();
    }
    let engine = Arc::clone(&running.engine);
    engine.begin_close();
    checkpointer.join().unwrap();
    let (closed, _, book) = running.close();
    closed.unwrap();
    assert_eq!(book.lock().settled.len(), 14);
    assert!(engine.space.segments() <= 3, "{}", engine.space.segments());
}

#[test]
fn threads_that_wait_write_when_no_hired_thread_comes() {
    let property = |start: fn(&Options) -> Running| {
        let running = start(&options());
        let checkpointer = running.spawn(|engine, _| {
            while let Some(lsn) = engine.pressure() {
                if engine.wait_blocking(synced(lsn)).is_ok() {
                    engine.release(lsn);
                }
            }
        });
        let appenders: Vec<_> = (0..2)
            .map(|id| {
                running.spawn(move |engine, book| {
                    let mut last = Lsn::NONE;
                    for round in 0..6 {
                        last = append(engine, book, id * 10 + round, Durability::Process).unwrap();
                    }
                    engine.wait_blocking(synced(last)).unwrap();
                })
            })
            .collect();
        for appender in appenders {
            appender.join().unwrap();
        }
        let (closed, disk, book) = running.close();
        closed.unwrap();
        checkpointer.join().unwrap();
        let book = book.lock();
        assert_eq!(book.settled.len(), 12);
        assert!(book.history.ends_with(&recovered(&disk)));
    };
    // Also where some come, late.
    for start in [Running::hire_nobody, Running::hire] {
        shuttle::check_random(move || property(start), 3_000);
        shuttle::check_pct(move || property(start), 3_000, 3);
    }
}

#[test]
fn a_failure_of_somebody_else_ends_an_idle_log_too() {
    let property = |start: fn(&Options) -> Running| {
        let running = start(&options());
        let kept = append(&running.engine, &running.book, 1, Durability::Synced).unwrap();
        block_on(running.engine.wait(synced(kept))).unwrap();
        let appender = running.spawn(|engine, book| {
            let lsn = append(engine, book, 2, Durability::Synced)?;
            engine
                .wait_blocking(synced(lsn))
                .map_err(|source| StoreError::Poisoned { source })
        });
        let error = std::io::Error::other("the sync of a checkpoint failed");
        let error = StoreError::io("sync", Path::new("actor.db"))(error);
        running.engine.fail(error);
        // It was before that or not at all.
        let _ = appender.join().unwrap();
        assert!(append(&running.engine, &running.book, 3, Durability::Process).is_err());
        assert!(matches!(running.engine.check(synced(kept)), Ok(true)));
        let (closed, disk, book) = running.close();
        assert_eq!(closed.unwrap_err().code(), "poisoned");
        let book = book.lock();
        assert_eq!(book.settled.len(), book.appended.len());
        assert_eq!(recovered(&disk), book.history);
    };
    shuttle::check_random(move || property(Running::start), 3_000);
    shuttle::check_random(move || property(Running::hire), 3_000);
}
