//! A coarse clock of the whole process: whether code held a worker for long is seen without a look at the real one.
//!
//! One thread counts the beats of all systems. It rests when nobody has looked for a while.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::Mutex;

use crate::limits;

/// Beats so far.
static BEAT: AtomicU32 = AtomicU32::new(0);

/// Whether anybody looks.
static STATE: AtomicU8 = AtomicU8::new(RESTING);

/// The thread rests until somebody looks.
const RESTING: u8 = 0;
/// Somebody has looked since the last beat.
const WATCHED: u8 = 1;
/// Nobody has looked since the last beat.
const UNWATCHED: u8 = 2;

/// After how many beats without a look the thread rests: what began before them is long enough then to be seen.
const BEATS_UNWATCHED: u32 = 100;

static BEATING: OnceLock<Option<Thread>> = OnceLock::new();

/// Who is told of each beat.
static WATCHED_BY: Mutex<Vec<Weak<dyn Watched>>> = Mutex::new(Vec::new());

/// Looks after something with each beat.
pub(super) trait Watched: Send + Sync {
    /// Looks.
    fn look(self: Arc<Self>);
}

/// Sees to it that somebody is told of each beat for as long as he lives.
pub(super) fn watch(watched: Weak<dyn Watched>) {
    WATCHED_BY.lock().push(watched);
}

/// Starts the clock, if no system has yet.
pub(crate) fn start() {
    BEATING.get_or_init(|| {
        let beating = thread::Builder::new().name("actor-pulse".to_owned());
        match beating.spawn(run) {
            Ok(thread) => Some(thread.thread().clone()),
            // Then nothing is ever seen as held, which only a warning depends on, and the limit of code that never waits.
            Err(_) => None,
        }
    });
}

/// Returns whether the clock goes.
pub(super) fn is_beating() -> bool {
    matches!(BEATING.get(), Some(Some(_)))
}

/// Returns the beat. It goes on for at least [`BEATS_UNWATCHED`] behind each look.
#[inline]
pub(super) fn beat() -> u32 {
    if STATE.load(Ordering::Relaxed) != WATCHED
        && STATE.swap(WATCHED, Ordering::SeqCst) == RESTING
        && let Some(Some(thread)) = BEATING.get()
    {
        thread.unpark();
    }
    BEAT.load(Ordering::Relaxed)
}

/// Returns the beat, without having the clock go on for it: only where [`beat`] was just called.
#[inline]
pub(super) fn current() -> u32 {
    BEAT.load(Ordering::Relaxed)
}

/// Returns for how long something took at least that began at a beat.
#[inline]
pub(super) fn since(began: u32) -> Duration {
    let beats = BEAT.load(Ordering::Relaxed).wrapping_sub(began);
    limits::PULSE * beats.saturating_sub(1)
}

fn run() {
    let mut unwatched = 0;
    // Kept, so that a beat allocates nothing.
    let mut live = Vec::<Arc<dyn Watched>>::new();
    loop {
        thread::sleep(limits::PULSE);
        BEAT.fetch_add(1, Ordering::Relaxed);
        let mut all = WATCHED_BY.lock();
        all.retain(|watched| watched.strong_count() > 0);
        live.extend(all.iter().filter_map(Weak::upgrade));
        drop(all);
        live.drain(..).for_each(Watched::look);
        let watched =
            STATE.compare_exchange(WATCHED, UNWATCHED, Ordering::SeqCst, Ordering::SeqCst);
        unwatched = if watched.is_ok() { 0 } else { unwatched + 1 };
        if unwatched < BEATS_UNWATCHED {
            continue;
        }
        let rests = STATE.compare_exchange(UNWATCHED, RESTING, Ordering::SeqCst, Ordering::SeqCst);
        while rests.is_ok() && STATE.load(Ordering::SeqCst) == RESTING {
            thread::park();
        }
        unwatched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_seen() {
        start();
        let began = beat();
        assert_eq!(since(began), Duration::ZERO);
        while since(began) < limits::HELD_WORKER {
            thread::yield_now();
        }
    }
}
