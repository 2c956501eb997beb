//! What an awake and idle actor takes: bytes of Rust's heap, and pages of the process, which hold SQLite's memory too.

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use actor_core::Durability;
use tokio::sync::mpsc;

use crate::actor::{self, Bench, system};
use crate::floors;
use crate::report::Report;

/// The allocator of the operating system, with a count of the bytes that are in use.
pub(crate) struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the allocator of the operating system unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { Heap.dealloc(pointer, layout) }
    }
}

/// Few enough for the usual limit of open files.
const ACTORS: usize = 250;

/// What the process takes: heap, resident pages, open files.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) heap: f64,
    pub(crate) resident: f64,
    files: f64,
}

#[allow(clippy::cast_precision_loss, reason = "they are far below 2^52")]
impl Usage {
    pub(crate) fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self {
            heap: IN_USE.load(Ordering::Relaxed) as f64,
            resident: (kib.unwrap_or(0) * 1_024) as f64,
            files: files as f64,
        }
    }

    /// Returns what each of the actors added.
    pub(crate) fn since(self, before: Self, actors: usize) -> Self {
        let each = |now: f64, before: f64| (now - before) / actors as f64;
        Self {
            heap: each(self.heap, before.heap),
            resident: each(self.resident, before.resident),
            files: each(self.files, before.files),
        }
    }
}

pub(crate) async fn measure(directory: &Path, report: &mut Report) {
    // Once is enough: the counts do not vary. The actors come first, and the floor takes pages of its own.
    let system = system(directory, "memory", Durability::Synced).await;
    let warm = system.get_or_create::<Bench>("warm", ());
    warm.write().await.expect("it writes");
    let before = Usage::now();
    let mut handles = Vec::with_capacity(ACTORS);
    for index in 0..ACTORS {
        let bench = system.get_or_create::<Bench>(format!("{index}"), ());
        bench.write().await.expect("it writes");
        handles.push(bench);
    }
    let actors = Usage::now().since(before, ACTORS);

    let before = Usage::now();
    let mut open = Vec::with_capacity(ACTORS);
    for index in 0..ACTORS {
        let mut connection = floors::create(&directory.join(format!("memory-{index}.db")), "FULL");
        actor::write(&mut connection).expect("it writes");
        open.push(connection);
    }
    let connections = Usage::now().since(before, ACTORS);

    let before = Usage::now();
    let mut senders = Vec::with_capacity(ACTORS);
    for _ in 0..ACTORS {
        let (sender, mut receiver) = mpsc::channel::<u64>(1_024);
        tokio::spawn(async move { while receiver.recv().await.is_some() {} });
        senders.push(sender);
    }
    tokio::task::yield_now().await;
    let tasks = Usage::now().since(before, ACTORS);

    let what = "a tokio task and a channel";
    report.bytes(
        "Rust's heap, awake idle actor",
        actors.heap,
        tasks.heap,
        what,
    );
    let what = "a plain Diesel connection after the same statements";
    report.bytes(
        "resident, awake idle actor",
        actors.resident,
        connections.resident,
        what,
    );
    println!(
        "| open files, awake idle actor | {:.1} | {:.1} | {:.2} | {what} |",
        actors.files,
        connections.files,
        actors.files / connections.files
    );
    drop((senders, open));
    system.shutdown().await.expect("it shuts down");
}
