//! [`RunQueue`]: the cells that are to be run, and the tasks that run them.
//!
//! # Invariants
//!
//! 1. While a cell is queued, a driver is awake or was woken, unless all are busy.
//! 2. When all drivers are held by code that lets tokio run other tasks meanwhile (`block_in_place`), more are started, up to a
//!    bound; they end when the queue is empty.
//! 3. When the last driver is gone although the queue was not closed, the runtime is: then everybody who waits is told.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::limits;
use crate::runtime::pulse::{self, Watched};
use crate::runtime::stint::Stint;

/// What can be run.
pub(crate) trait Runnable: Send + Sync {
    /// Runs it for a while, and returns about how many calls that was. It is run by one thread at a time.
    fn run(self: Arc<Self>) -> usize;
}

/// The cells that are to be run.
pub(crate) struct RunQueue {
    inner: Mutex<Inner>,
    /// Where drivers run.
    runtime: Handle,
    /// How many threads it has for tasks.
    workers: usize,
    /// The places for migrations, which run beside the workers.
    migrating: Arc<Semaphore>,
    /// Whether the runtime is gone.
    dead: AtomicBool,
    /// Tells everybody so.
    on_death: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

struct Inner {
    cells: VecDeque<Arc<dyn Runnable>>,
    /// The drivers that wait for cells.
    parked: Vec<Waker>,
    drivers: usize,
    /// How many drivers there are besides.
    extra: usize,
    /// In which beat a driver took a cell the last time.
    moved: u32,
    closed: bool,
}

/// A task that runs cells.
struct Driver {
    queue: Arc<RunQueue>,
    /// Whether it ends when there is nothing to do.
    is_extra: bool,
}

impl RunQueue {
    pub(crate) fn new(runtime: &Handle) -> Arc<Self> {
        let workers = runtime.metrics().num_workers();
        let migrating = workers.max(limits::MIGRATIONS_AT_ONCE);
        Arc::new(Self {
            inner: Mutex::new(Inner {
                cells: VecDeque::new(),
                parked: Vec::new(),
                drivers: 0,
                extra: 0,
                moved: 0,
                closed: false,
            }),
            runtime: runtime.clone(),
            workers,
            migrating: Arc::new(Semaphore::new(migrating)),
            dead: AtomicBool::new(false),
            on_death: Mutex::new(None),
        })
    }

    /// Starts the drivers: one for each worker of the runtime.
    pub(crate) fn start(self: &Arc<Self>, on_death: Box<dyn FnOnce() + Send>) {
        *self.on_death.lock() = Some(on_death);
        let drivers = self.workers.max(1);
        self.inner.lock().drivers = drivers;
        for _ in 0..drivers {
            self.drive(false);
        }
        let watched = Arc::downgrade(self);
        pulse::watch(watched);
    }

    fn drive(self: &Arc<Self>, is_extra: bool) {
        let queue = Arc::clone(self);
        self.runtime.spawn(Driver { queue, is_extra });
    }

    /// Puts a cell at the end, unless nobody is there to run it.
    pub(super) fn push(&self, cell: Arc<dyn Runnable>) {
        let mut inner = self.inner.lock();
        if inner.drivers == 0 {
            return;
        }
        if inner.cells.is_empty() {
            inner.moved = pulse::beat();
        }
        inner.cells.push_back(cell);
        // INVARIANT 1
        let woken = inner.parked.pop();
        drop(inner);
        if let Some(woken) = woken {
            woken.wake();
        }
    }

    /// Returns the places for migrations.
    pub(super) fn migrating(&self) -> &Arc<Semaphore> {
        &self.migrating
    }

    /// Returns whether several workers run cells.
    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.workers > 1
    }

    /// Returns whether the runtime is gone.
    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Ends the drivers. Nothing may be queued any more.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let parked = std::mem::take(&mut inner.parked);
        drop(inner);
        parked.into_iter().for_each(Waker::wake);
    }
}

impl Watched for RunQueue {
    fn look(self: Arc<Self>) {
        let mut inner = self.inner.lock();
        let stands = !inner.cells.is_empty()
            && inner.parked.is_empty()
            && pulse::since(inner.moved) >= limits::HELD_WORKER;
        if !stands || inner.extra >= limits::EXTRA_DRIVERS {
            return;
        }
        // INVARIANT 2
        inner.extra += 1;
        drop(inner);
        self.drive(true);
    }
}

/// Returns whether as many calls took so little time that a yield, which may wake another worker, would cost more.
fn is_quick(calls: usize, took: Duration) -> bool {
    let each = took / u32::try_from(calls).unwrap_or(u32::MAX);
    calls < limits::QUICK_CALLS_PER_TURN && each <= limits::QUICK_STRETCH / limits::QUICK_CALLS
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<()> {
        let (mut calls, began) = (0, Instant::now());
        let mut stint = Stint::since(began.into());
        while calls < limits::CALLS_PER_TURN || is_quick(calls, began.elapsed()) {
            let mut inner = self.queue.inner.lock();
            if calls > 0 && !inner.cells.is_empty() && stint.is_over() {
                break;
            }
            let Some(cell) = inner.cells.pop_front() else {
                if inner.closed || self.is_extra {
                    return Poll::Ready(());
                }
                inner.parked.push(task.waker().clone());
                return Poll::Pending;
            };
            inner.moved = pulse::beat();
            drop(inner);
            calls += cell.run();
            if !tokio::task::coop::has_budget_remaining() {
                break;
            }
        }
        // Other tasks of the worker are due.
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut inner = self.queue.inner.lock();
        if self.is_extra {
            inner.extra -= 1;
            return;
        }
        inner.drivers -= 1;
        if inner.drivers > 0 || inner.closed {
            return;
        }
        // INVARIANT 3
        self.queue.dead.store(true, Ordering::SeqCst);
        let cells = std::mem::take(&mut inner.cells);
        drop(inner);
        drop(cells);
        let on_death = self.queue.on_death.lock().take();
        if let Some(on_death) = on_death {
            on_death();
        }
    }
}
