//! The redo log that all actors of a system share.

use std::path::Path;
use std::sync::Arc;

use super::disk::Disk;
use super::durability::Durability;
use super::error::StoreError;
use crate::limits;

/// The number of a record in the log: 1 for the first that a process appends, never used twice in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lsn(pub(super) u64);

impl Lsn {
    /// Before the first record.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}

/// What a reply waits for.
#[must_use = "a reply may leave only when its ticket is through"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    /// Up to which record the log must be written.
    pub(crate) written: Lsn,
    /// Up to which record it must be synced.
    pub(crate) synced: Lsn,
}

/// Whose record it is; told what became of it.
///
/// Both are called on a thread of the log, and may not append to it. `undo` is called while no append can get in between: it may
/// not take a lock under which somebody appends.
pub(crate) trait Entry: Send + 'static {
    /// The record is not in the log and never will be: what it did in memory must be undone. All that were appended after it are
    /// undone already.
    fn undo(&mut self);

    /// [`Log::check`] has an answer now for a ticket of this record.
    fn settled(&self);
}

/// How a log is set up.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How long a segment is; a multiple of 512.
    pub(crate) segment_bytes: u64,
    /// How many segments there are at most.
    pub(crate) segments: usize,
    /// Above how many waiting bytes [`Log::room`] waits.
    pub(crate) buffer_bytes: usize,
    /// Whether threads of its own write the log. If not, somebody calls [`Log::flush_once`].
    pub(crate) threads: bool,
    /// Makes the salts follow from a seed, so that a test writes the same bytes each time.
    pub(crate) seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: limits::LOG_SEGMENT_BYTES,
            segments: limits::LOG_SEGMENTS,
            buffer_bytes: limits::LOG_BUFFER_BYTES,
            threads: true,
            seed: None,
        }
    }
}

/// The log.
pub(crate) struct Log<E: Entry> {
    core: Arc<std::marker::PhantomData<fn(E)>>,
}

/// What an earlier process had written and not brought into the files of the actors.
pub(crate) struct Recovered {}

impl Recovered {
    /// Returns the next payload, oldest first.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, StoreError> {
        todo!()
    }
}

impl<E: Entry> Log<E> {
    /// Opens the log in a directory, which is made if it is not there, and starts its threads.
    ///
    /// # Errors
    /// `store/corrupt` if something is missing that had been synced, `store/newer_format`, `store/io`. Nothing is changed then.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
    ) -> Result<(Self, Recovered), StoreError> {
        todo!()
    }

    /// Says that everything recovered is in synced files: what an earlier process has left may be overwritten.
    pub(crate) fn mark_recovered(&self) {
        todo!()
    }

    /// Appends a record. `write` adds its bytes to those that are in the buffer already, and returns whose it is; it is not called
    /// when the log cannot take the record. It runs under the lock of the log: it should only copy.
    ///
    /// # Errors
    /// `store/poisoned` after a failed sync, `store/closed`.
    pub(crate) fn append(
        &self,
        durability: Durability,
        write: impl FnOnce(Lsn, &mut Vec<u8>) -> E,
    ) -> Result<Lsn, StoreError> {
        todo!()
    }

    /// Returns the record up to which everything is written that did not fail.
    pub(crate) fn written(&self) -> Lsn {
        todo!()
    }

    /// Returns the record up to which everything is synced that did not fail.
    pub(crate) fn durable(&self) -> Lsn {
        todo!()
    }

    /// Returns the last record that was appended.
    pub(crate) fn appended(&self) -> Lsn {
        todo!()
    }

    /// Returns whether a ticket is through, or why it never will be.
    pub(crate) fn check(&self, ticket: Ticket) -> Result<bool, Arc<StoreError>> {
        todo!()
    }

    /// Waits until a ticket is through, and asks for the sync that it needs if nobody else has.
    pub(crate) async fn wait(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        todo!()
    }

    /// Like [`Self::wait`], for a thread.
    pub(crate) fn wait_blocking(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        todo!()
    }

    /// Asks for a sync up to a record, although none of the records may need one.
    pub(crate) fn demand(&self, lsn: Lsn) {
        todo!()
    }

    /// Asks for a sync of everything that is appended, and returns the ticket of it.
    pub(crate) fn force(&self) -> Ticket {
        todo!()
    }

    /// Says that all records up to this one are in synced files.
    pub(crate) fn release(&self, lsn: Lsn) {
        todo!()
    }

    /// Waits until a checkpoint is wanted, and returns up to which record; `None` when the log was closed. Returns at once
    /// again when that was not released: a checkpointer that failed pauses on its own.
    pub(crate) fn pressure(&self) -> Option<Lsn> {
        todo!()
    }

    /// Makes [`Self::pressure`] return.
    pub(crate) fn request_checkpoint(&self) {
        todo!()
    }

    /// Says that checkpoints do not work; [`Self::room`] fails when the log is full.
    pub(crate) fn checkpoint_failed(&self, error: Arc<StoreError>) {
        todo!()
    }

    /// Says that checkpoints work again.
    pub(crate) fn checkpoint_recovered(&self) {
        todo!()
    }

    /// Returns whether a turn may begin now; [`Self::room`] waits for it. Costs one load.
    pub(crate) fn has_room(&self) -> Result<bool, StoreError> {
        todo!()
    }

    /// Waits until a turn may begin: until not too much waits for the log.
    ///
    /// # Errors
    /// `store/log_full` if the log is full and checkpoints do not work, `store/poisoned`, `store/closed`.
    pub(crate) async fn room(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Writes what is waiting, as one batch; returns whether there was anything to do. For a log without threads.
    pub(crate) fn flush_once(&self) -> bool {
        todo!()
    }

    /// Writes and syncs everything, and ends the threads. If all was released, the next start has nothing to recover.
    ///
    /// # Errors
    /// Why something could not be written or synced; it is closed all the same.
    pub(crate) fn close(&self) -> Result<(), Arc<StoreError>> {
        todo!()
    }
}
