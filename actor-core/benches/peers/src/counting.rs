//! What is on the heap, and how often something was put there.

use std::alloc::{GlobalAlloc, Layout, System as Heap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The allocator of the operating system, which counts when it is told to: counting costs time.
pub(crate) struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
static IN_USE: AtomicUsize = AtomicUsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the allocator of the operating system.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if COUNTS.load(Ordering::Relaxed) {
            IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { Heap.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if COUNTS.load(Ordering::Relaxed) {
            IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { Heap.dealloc(pointer, layout) }
    }
}

/// Begins to count, or stops.
pub(crate) fn count(on: bool) {
    COUNTS.store(on, Ordering::SeqCst);
}

/// Returns the bytes in use and the allocations, from some beginning on.
pub(crate) fn now() -> (usize, usize) {
    (
        IN_USE.load(Ordering::SeqCst),
        ALLOCATIONS.load(Ordering::SeqCst),
    )
}
