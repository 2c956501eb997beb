//! [`Attempts`]: which stored calls run at the moment, noted where it outlives a panic and the end of the process.
//!
//! An attempt of a timer or a message is counted in the transaction of its action. Code that does not come back that far would
//! never be counted, and be run for ever: it panics where nothing catches it, breaks the transaction, or ends the process. So each
//! attempt is noted before the code runs, in memory and in the file `attempts`, and struck out behind it. What was not struck out
//! counts as an attempt that failed when the call comes again.
//!
//! # Invariants
//!
//! 1. A call that is noted and not struck out is suspect until that was counted, also in the next process.
//! 2. The file is never synced: it is for the end of the process, and not for that of the machine. What a power cut leaves of it may
//!    count one attempt too many. A file that cannot be written is no failure of a call.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, OpenHow};
use crate::limits;

/// What tells a stored call from all others of a system: two hashes of its actor, its sender and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallMark([u64; 2]);

/// The bytes of one mark in the file: the hashes and their check.
const SLOT: usize = 24;

/// What the check of a mark is mixed with, so that zeros are none.
const CHECK: u64 = 0x6163_746f_7274_7279;

impl CallMark {
    /// Returns the mark of a call that an actor runs: a timer of its own, or a message of the sender that is named.
    pub(crate) fn of(actor: &str, key: &str, sender: &str, id: i64) -> Self {
        let hash = |start: u64| {
            let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            let parts = [actor.as_bytes(), key.as_bytes(), sender.as_bytes()];
            // A byte that no part has stands between two of them.
            let parts = parts
                .into_iter()
                .flat_map(|part| part.iter().chain(&[0xff]));
            parts.copied().chain(id.to_le_bytes()).fold(start, mix)
        };
        Self([hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9_7f4a_7c15)])
    }

    fn bytes(self) -> [u8; SLOT] {
        let [first, second] = self.0;
        let mut bytes = [0; SLOT];
        for (at, number) in [first, second, first ^ second ^ CHECK]
            .into_iter()
            .enumerate()
        {
            bytes[at * 8..][..8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes.chunks_exact(8).map(|chunk| {
            let chunk = chunk.try_into().expect("eight bytes are eight bytes");
            u64::from_le_bytes(chunk)
        });
        let (first, second, check) = (numbers.next()?, numbers.next()?, numbers.next()?);
        (check == first ^ second ^ CHECK).then_some(Self([first, second]))
    }
}

/// Which stored calls run at the moment.
pub(crate) struct Attempts {
    file: Option<Arc<dyn DiskFile>>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    suspects: HashMap<CallMark, Suspect>,
    /// Places of the file that are free, and the first that was never used.
    free: Vec<u32>,
    next: u32,
}

/// A call that was noted and not struck out.
struct Suspect {
    reason: String,
    slot: Option<u32>,
}

/// Why a call of an earlier process is suspect.
const ENDED: &str = "the process ended while it ran";

/// Why one of this process is.
const PANICKED: &str = "the actor was given up by a panic while it ran";

impl Attempts {
    /// Reads what an earlier process noted and did not strike out.
    pub(super) fn open(disk: &dyn Disk, root: &Path) -> Arc<Self> {
        let mut inner = Inner::default();
        // A disk in memory ends with the process.
        let path = root.join("attempts");
        let opened = disk.is_native().then(|| disk.open(&path, OpenHow::Create));
        let file = opened.transpose().and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let mut bytes = vec![0; SLOT * limits::ATTEMPTS];
            let read = file.read_at(&mut bytes, 0)?;
            inner.read(&bytes[..read]);
            Ok(Some(file))
        });
        let file = file.unwrap_or_else(|error| {
            tracing::warn!(%error, "attempts of stored calls are not noted on disk");
            None
        });
        let inner = Mutex::new(inner);
        Arc::new(Self { file, inner })
    }

    /// Returns why a call is suspect, if it is. It is not any more then: the caller counts an attempt.
    pub(crate) fn take_suspect(&self, mark: CallMark) -> Option<String> {
        let suspect = self.inner.lock().suspects.remove(&mark)?;
        self.strike(suspect.slot);
        Some(suspect.reason)
    }

    /// Notes that a call runs.
    pub(crate) fn begin(self: &Arc<Self>, mark: CallMark) -> Attempt {
        let slot = self.file.as_ref().and_then(|_| self.inner.lock().slot());
        if let Some(slot) = slot {
            self.write(slot, &mark.bytes());
        }
        Attempt {
            attempts: Arc::clone(self),
            mark,
            slot,
            is_over: false,
        }
    }

    /// Forgets everything: the system ends in order.
    pub(super) fn clear(&self) {
        *self.inner.lock() = Inner::default();
        if let Some(file) = &self.file
            && let Err(error) = file.set_len(0)
        {
            tracing::warn!(%error, "the attempts of stored calls were not struck out");
        }
    }

    fn strike(&self, slot: Option<u32>) {
        if let Some(slot) = slot {
            self.write(slot, &[0; SLOT]);
            self.inner.lock().free.push(slot);
        }
    }

    fn write(&self, slot: u32, bytes: &[u8; SLOT]) {
        if let Some(file) = &self.file
            && let Err(error) = file.write_at(bytes, u64::from(slot) * SLOT as u64)
        {
            // INVARIANT 2
            tracing::debug!(%error, "an attempt of a stored call was not noted on disk");
        }
    }
}

impl Inner {
    fn read(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks_exact(SLOT) {
            let slot = self.next;
            self.next += 1;
            let Some(mark) = CallMark::parse(bytes) else {
                self.free.push(slot);
                continue;
            };
            let suspect = Suspect {
                reason: ENDED.to_owned(),
                slot: Some(slot),
            };
            self.suspects.insert(mark, suspect);
        }
    }

    /// Takes a place of the file. There is none if as many run at once.
    fn slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = self.next;
        if slot as usize >= limits::ATTEMPTS {
            return None;
        }
        self.next += 1;
        Some(slot)
    }
}

/// A stored call that runs. Dropped by a panic it is suspect, and otherwise struck out: code that is given up in order, as with the
/// end of the runtime, has done nothing.
pub(crate) struct Attempt {
    attempts: Arc<Attempts>,
    mark: CallMark,
    slot: Option<u32>,
    is_over: bool,
}

impl Attempt {
    /// Makes the call suspect: what became of it cannot be written with it.
    pub(crate) fn suspect(mut self, reason: String) {
        self.end(reason);
    }

    fn end(&mut self, reason: String) {
        self.is_over = true;
        let slot = self.slot.take();
        let suspect = Suspect { reason, slot };
        let mut inner = self.attempts.inner.lock();
        inner.suspects.insert(self.mark, suspect);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if std::thread::panicking() {
            self.end(PANICKED.to_owned());
        } else {
            self.attempts.strike(self.slot.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::RealDisk;
    use super::*;

    fn mark(id: i64) -> CallMark {
        CallMark::of("timer", "a", "", id)
    }

    #[test]
    fn what_was_not_struck_out_is_suspect_in_the_next_process_until_it_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(directory.path()).unwrap();
        let open = || Attempts::open(&disk, directory.path());
        let attempts = open();
        let (one, two) = (attempts.begin(mark(1)), attempts.begin(mark(2)));
        drop(one);
        // The process ends while the second and the third run.
        std::mem::forget((two, attempts.begin(mark(3))));
        for _ in 0..2 {
            let attempts = open();
            assert_eq!(attempts.take_suspect(mark(1)), None);
            assert_eq!(attempts.inner.lock().suspects.len(), 2);
        }
        let attempts = open();
        assert_eq!(attempts.take_suspect(mark(2)).as_deref(), Some(ENDED));
        assert_eq!(attempts.take_suspect(mark(2)), None);
        let attempts = open();
        assert_eq!(attempts.take_suspect(mark(2)), None);
        assert_eq!(attempts.take_suspect(mark(3)).as_deref(), Some(ENDED));
        std::mem::forget(attempts.begin(mark(4)));
        attempts.clear();
        assert_eq!(open().take_suspect(mark(4)), None);
    }

    #[test]
    fn a_panic_makes_a_call_suspect_and_a_drop_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(directory.path()).unwrap();
        let attempts = Attempts::open(&disk, directory.path());
        drop(attempts.begin(mark(1)));
        assert_eq!(attempts.take_suspect(mark(1)), None);
        let attempt = attempts.begin(mark(1));
        let panicked = crate::caught::caught(move || {
            let _attempt = attempt;
            panic!("ouch")
        });
        assert_eq!(panicked, Err::<(), _>("ouch".to_owned()));
        assert_eq!(attempts.take_suspect(mark(1)).as_deref(), Some(PANICKED));
        attempts.begin(mark(1)).suspect("broken".to_owned());
        assert_eq!(attempts.take_suspect(mark(1)).as_deref(), Some("broken"));
    }

    #[test]
    fn bytes_that_are_no_mark_are_none_and_marks_differ() {
        let known = mark(7);
        assert_eq!(CallMark::parse(&known.bytes()), Some(known));
        let mut torn = known.bytes();
        torn[3] ^= 1;
        assert_eq!(CallMark::parse(&torn), None);
        assert_eq!(CallMark::parse(&[0; SLOT]), None);
        let others = [
            CallMark::of("timer", "", "a", 7),
            CallMark::of("time", "ra", "", 7),
            CallMark::of("timer", "a", "", 8),
        ];
        assert!(others.iter().all(|other| *other != known));
    }
}
