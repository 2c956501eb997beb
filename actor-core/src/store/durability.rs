//! [`Durability`], and the [`Ticket`] that says when a commit is durable.
//!
//! # Invariants
//!
//! 1. A ticket's number is not above what is durable before the sync that covers its commit has returned without an error.
//! 2. After a failed sync nothing of the store becomes durable any more: what a second sync would say about the same pages
//!    cannot be trusted.
//! 3. Every log with a number that is written and not durable is in the pool's queue, or a worker has it.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::error::StoreError;
use crate::limits;

/// What a reply may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// What was answered survives a power cut.
    #[default]
    Synced,
    /// What was answered survives the end of the process, however it ends, but not a power cut.
    Process,
}

/// Is told how far the commits of one actor are durable.
pub(crate) trait Gatekeeper: Send + Sync {
    /// All commits up to this number are durable, or the store failed.
    fn advanced(&self);
}

/// Syncs the logs of all actors of a system, several at once.
pub(crate) struct SyncPool {
    runtime: Handle,
    queue: Mutex<Queue>,
    poison: OnceLock<Arc<StoreError>>,
}

struct Queue {
    logs: VecDeque<Arc<Log>>,
    workers: usize,
}

/// The log of one open database, as far as syncs are concerned.
pub(crate) struct Log {
    path: PathBuf,
    pool: Arc<SyncPool>,
    keeper: Arc<dyn Gatekeeper>,
    progress: Mutex<Progress>,
    advanced: Notify,
}

struct Progress {
    /// Opened with the first commit; SQLite makes it not earlier.
    file: Option<Arc<File>>,
    written: u64,
    durable: u64,
    queued: bool,
}

/// A promise that a commit will be, or already is, durable.
#[must_use = "a reply may leave only when its ticket is durable"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

impl SyncPool {
    pub(crate) fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self {
            runtime,
            queue: Mutex::new(Queue {
                logs: VecDeque::new(),
                workers: 0,
            }),
            poison: OnceLock::new(),
        })
    }

    /// Returns the failed sync after which nothing becomes durable any more.
    pub(crate) fn poison(&self) -> Option<&Arc<StoreError>> {
        self.poison.get()
    }

    /// Queues a log whose `queued` mark was just set.
    fn request(self: &Arc<Self>, log: Arc<Log>) {
        let mut queue = self.queue.lock();
        queue.logs.push_back(log);
        if queue.workers == limits::SYNC_WORKERS {
            return;
        }
        queue.workers += 1;
        drop(queue);
        let pool = Arc::clone(self);
        self.runtime.spawn_blocking(move || pool.work());
    }

    /// Syncs logs until none is queued.
    fn work(self: &Arc<Self>) {
        loop {
            let log = {
                let mut queue = self.queue.lock();
                let Some(log) = queue.logs.pop_front() else {
                    queue.workers -= 1;
                    return;
                };
                log
            };
            // Code of the user's may run when a reply is dropped that nobody takes; its panic is not the pool's.
            let synced = catch_unwind(AssertUnwindSafe(|| log.sync()));
            if synced.is_err() {
                tracing::error!("a value panicked when it was dropped behind a sync");
            }
        }
    }
}

impl Log {
    pub(super) fn new(
        path: PathBuf,
        pool: Arc<SyncPool>,
        keeper: Arc<dyn Gatekeeper>,
    ) -> Arc<Self> {
        Arc::new(Self {
            path,
            pool,
            keeper,
            progress: Mutex::new(Progress {
                file: None,
                written: 0,
                durable: 0,
                queued: false,
            }),
            advanced: Notify::new(),
        })
    }

    /// Returns who syncs this log.
    pub(super) fn pool(&self) -> &SyncPool {
        &self.pool
    }

    /// Opens what the next commit will have to sync. SQLite has made it by then.
    pub(super) fn prepare(&self) -> Result<(), StoreError> {
        let mut progress = self.progress.lock();
        if progress.file.is_none() {
            let file = File::open(&self.path).map_err(StoreError::io("open", &self.path))?;
            progress.file = Some(Arc::new(file));
        }
        Ok(())
    }

    /// Notes that a commit was written, and sees to its sync.
    pub(super) fn written(self: &Arc<Self>, durability: Durability) -> Ticket {
        let mut progress = self.progress.lock();
        if durability == Durability::Process && progress.written == progress.durable {
            // Nothing that waits for a sync is below it, so it needs none.
            progress.written += 1;
            progress.durable += 1;
            return Ticket(progress.written);
        }
        progress.written += 1;
        let ticket = Ticket(progress.written);
        let request = !progress.queued;
        progress.queued = true;
        drop(progress);
        if request {
            // INVARIANT 3
            self.pool.request(Arc::clone(self));
        }
        ticket
    }

    /// Returns the ticket of all that is committed so far.
    pub(super) fn so_far(&self) -> Ticket {
        Ticket(self.progress.lock().written)
    }

    /// Returns whether a ticket is durable, or why it never will be.
    pub(crate) fn check(&self, ticket: Ticket) -> Result<bool, Arc<StoreError>> {
        let durable = self.progress.lock().durable >= ticket.0;
        match self.pool.poison() {
            // INVARIANT 2: what was durable before stays so.
            Some(error) if !durable => Err(Arc::clone(error)),
            _ => Ok(durable),
        }
    }

    /// Waits until a ticket is durable.
    pub(crate) async fn durable(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        loop {
            let advanced = self.advanced.notified();
            let mut advanced = std::pin::pin!(advanced);
            // Registered before the look, so that a sync between the two is not missed.
            advanced.as_mut().enable();
            if self.check(ticket)? {
                return Ok(());
            }
            advanced.await;
        }
    }

    /// Makes everything that is written so far durable; runs on a worker.
    fn sync(self: Arc<Self>) {
        let (file, target) = {
            let progress = self.progress.lock();
            (progress.file.clone(), progress.written)
        };
        let synced = match (file, self.pool.poison()) {
            (_, Some(_)) | (None, None) => Ok(()),
            // DURABILITY: a reply with a number up to `target` may leave when this has returned.
            (Some(file), None) => file.sync_data(),
        };
        let again = {
            let mut progress = self.progress.lock();
            match synced {
                Ok(()) if self.pool.poison().is_none() => progress.durable = target,
                Ok(()) => {}
                Err(source) => {
                    let error = StoreError::io("sync", &self.path)(source);
                    tracing::error!(%error, "a sync failed: nothing is acknowledged until the system is started anew");
                    let _ = self.pool.poison.set(Arc::new(error));
                }
            }
            progress.queued = progress.written > target;
            progress.queued
        };
        self.keeper.advanced();
        self.advanced.notify_waiters();
        if again {
            let pool = Arc::clone(&self.pool);
            pool.queue.lock().logs.push_back(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts how often it is told.
    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Gatekeeper for Counter {
        fn advanced(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn log(path: PathBuf, pool: &Arc<SyncPool>) -> (Arc<Log>, Arc<Counter>) {
        let counter = Arc::new(Counter::default());
        let keeper = Arc::clone(&counter);
        let log = Log::new(path, Arc::clone(pool), keeper);
        log.prepare().unwrap();
        (log, counter)
    }

    #[tokio::test]
    async fn a_ticket_is_durable_after_its_sync() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "commits").unwrap();
        let pool = SyncPool::new(Handle::current());
        let (log, counter) = log(path, &pool);
        assert!(log.check(log.so_far()).unwrap(), "nothing was written");
        let tickets: Vec<_> = (0..100).map(|_| log.written(Durability::Synced)).collect();
        assert_eq!(tickets.last(), Some(&log.so_far()));
        for ticket in tickets {
            log.durable(ticket).await.unwrap();
        }
        assert!(log.check(Ticket(100)).unwrap());
        assert!(!log.check(Ticket(101)).unwrap());
        let told = counter.0.load(Ordering::SeqCst);
        assert!((1..=100).contains(&told), "syncs are shared: {told}");
    }

    #[tokio::test]
    async fn process_durability_needs_no_sync_unless_one_is_under_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "commits").unwrap();
        let pool = SyncPool::new(Handle::current());
        let (log, _) = log(path, &pool);
        let first = log.written(Durability::Process);
        assert!(log.check(first).unwrap());
        let second = log.written(Durability::Synced);
        log.durable(second).await.unwrap();
    }

    #[tokio::test]
    async fn after_a_failed_sync_nothing_becomes_durable_any_more() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "commits").unwrap();
        let pool = SyncPool::new(Handle::current());
        let (good, _) = log(path, &pool);
        let kept = good.written(Durability::Synced);
        good.durable(kept).await.unwrap();
        // The kernel does not sync a character device: the call fails like one on a broken disk.
        let (bad, _) = log(PathBuf::from("/dev/null"), &pool);
        let lost = bad.written(Durability::Synced);
        assert!(bad.durable(lost).await.is_err());
        assert!(pool.poison().is_some());
        assert!(good.check(kept).unwrap(), "what was durable stays so");
        let later = good.written(Durability::Synced);
        assert!(good.durable(later).await.is_err());
    }
}
