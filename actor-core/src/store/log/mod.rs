//! [`Log`]: the redo log that all actors of a system share.
//!
//! A turn that changed something appends one record; what it holds is the caller's business. Everything that was appended while
//! the disk was busy is one *batch*: one write, and one sync if any record in it needs it. Replies leave when their [`Ticket`] is
//! through. A checkpoint brings what the records say into the files of the actors, syncs these, and [`Log::release`]s the records;
//! a start recovers the others before it does anything else.
//!
//! # Bytes
//!
//! The log is a directory of *segments*, `<number>.log`, of the same length, written from the beginning to the end, one after the
//! other, and used again when they are released. A batch that is longer than a segment has one for itself, which is removed then.
//! A batch begins at a multiple of 512. All numbers are little-endian.
//!
//! | at | bytes | what |
//! |---:|------:|------|
//! |  0 | 8 | `actorlog` |
//! |  8 | 4 | format: 1 |
//! | 12 | 4 | CRC-32 of all other bytes of the header, and of the records |
//! | 16 | 8 | salt: random, the same for all batches of one use of a segment |
//! | 24 | 8 | the salt of the segment that follows |
//! | 32 | 8 | epoch: counts the processes that wrote the log |
//! | 40 | 8 | sequence number: counts the batches, without a gap, over all processes |
//! | 48 | 8 | needed: the oldest batch that was not released when this was written |
//! | 56 | 8 | synced: all batches up to this one were synced when this was written |
//! | 64 | 8 | how many bytes the records have |
//! | 72 | 4 | how many records there are |
//! | 76 | 4 | 0 |
//! | 80 | … | the records: 8 bytes of length each, then the payload; zeros up to the next multiple of 512 |
//!
//! A batch without records only says what is needed. The log ends where the next batch is not whole. That this is where it was
//! torn, and not where it was damaged, is known by what is behind it: whatever is left there must not say that the missing batch
//! was synced. Nobody can write what passes for a batch without the salt, and nobody knows a salt before it is used.
//!
//! # Invariants
//!
//! Those of [`Engine`](engine) (order, waiting, failures), [`Writer`](writer) (places, failed writes), [`Space`](space) (what may be
//! written over), [`Chain`](chain) (what is the log) and of [recovery].

mod appender;
mod bridge;
mod chain;
mod engine;
mod failures;
mod format;
mod hired;
mod recovery;
mod salts;
mod scan;
mod space;
mod sync;
mod waiting;
mod writer;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;

pub(crate) use self::appender::Appender;
use self::engine::Engine;
use self::hired::{Hired, Idle};
pub(crate) use self::recovery::Recovered;
use super::disk::Disk;
use super::durability::Durability;
use super::error::StoreError;
use crate::away::Away;
use crate::limits;
use crate::observe::metrics::StoreMetrics;

/// The number of a record: 1 for the first that a process appends, never used twice in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lsn(u64);

impl Lsn {
    /// Before the first record.
    pub(crate) const NONE: Self = Self(0);

    #[cfg(test)]
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

/// Whose record it is; told what became of it, on a thread of the log.
pub(crate) trait Entry: Send + 'static {
    /// The record is not in the log and never will be: what it did in memory must be undone. Everything that was appended after it
    /// is undone already. It is called while nobody can append: it may neither append itself nor wait for somebody who does, so it
    /// may not take a lock under which somebody appends.
    fn undo(&mut self);

    /// [`Log::check`] has an answer now for a ticket of this record. Everything that failed with it is undone.
    fn settled(&self);
}

/// How a log is set up.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How long a segment is; a multiple of 512.
    pub(crate) segment_bytes: u64,
    /// How many segments there are at most; two at least.
    pub(crate) segments: usize,
    /// Above how many waiting bytes [`Log::room`] waits.
    pub(crate) buffer_bytes: usize,
    /// Whether threads of its own write the log. If not, and there is no runtime, somebody calls [`Log::flush_once`].
    pub(crate) threads: bool,
    /// From where a thread is hired while there is something to write: one that writes, if the log has none of its own, and else one that
    /// does nothing. Time that was paused does not run on by itself meanwhile, because the runtime is not idle.
    pub(crate) runtime: Option<Away>,
    /// Makes the salts follow from a seed, so that a test writes the same bytes each time.
    pub(crate) seed: Option<u64>,
    /// What is counted.
    pub(crate) metrics: StoreMetrics,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: limits::LOG_SEGMENT_BYTES,
            segments: limits::LOG_SEGMENTS,
            buffer_bytes: limits::LOG_BUFFER_BYTES,
            threads: true,
            runtime: None,
            seed: None,
            metrics: StoreMetrics::default(),
        }
    }
}

/// The log. It is closed when it is dropped, if it was not before.
pub(crate) struct Log<E: Entry> {
    engine: Arc<Engine<E>>,
    /// Held while the log is closed; `None` then.
    threads: Mutex<Option<Vec<JoinHandle<()>>>>,
}

impl<E: Entry> Log<E> {
    /// Opens the log in a directory, which is made if it is not there, and starts its threads.
    ///
    /// What is recovered stays in the log until [`Self::mark_recovered`]; records can be appended before.
    ///
    /// # Errors
    /// `store/corrupt` if something is missing that had been synced, `store/newer_format`; `store/io`. Nothing was changed then, except
    /// that a new segment may have been made.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: &Options,
    ) -> Result<(Self, Recovered), StoreError> {
        let (writer, recovered) = recovery::open(disk, dir, options)?;
        let engine = Arc::new(Engine::new(
            writer,
            options.buffer_bytes,
            options.metrics.log.clone(),
        ));
        let log = Self {
            engine,
            threads: Mutex::new(Some(Vec::new())),
        };
        if let Some(runtime) = options.runtime.clone() {
            let engine = Arc::downgrade(&log.engine);
            let hire = move || {
                if let Some(engine) = engine.upgrade() {
                    let hired = Hired::new(engine);
                    runtime.spawn(|| hired.work());
                }
            };
            let hires = if options.threads {
                &log.engine.hold
            } else {
                &log.engine.hire
            };
            let _ = hires.set(Box::new(hire));
        }
        if options.threads {
            // One writes and syncs while the other tells those whose records are settled.
            for name in ["actor-log-1", "actor-log-2"] {
                log.spawn(name)
                    .map_err(StoreError::io("start a thread for", dir))?;
            }
        }
        Ok((log, recovered))
    }

    fn spawn(&self, name: &str) -> std::io::Result<()> {
        let engine = Arc::clone(&self.engine);
        // What it does is told to whoever is told of what the program does here.
        let told = tracing::dispatcher::get_default(Clone::clone);
        let work = move || tracing::dispatcher::with_default(&told, || engine.work(Idle::Wait));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        if let Some(threads) = &mut *self.threads.lock() {
            threads.push(thread);
        }
        Ok(())
    }

    /// Says that everything recovered is in synced files: what an earlier process has left may be written over.
    pub(crate) fn mark_recovered(&self) {
        self.engine.mark_recovered();
    }

    /// Appends a record. `write` adds its bytes to those that are in the buffer already, and returns whose it is; it is not called
    /// when the log takes no records. It runs under the lock of the log: it should do nothing but copy.
    ///
    /// # Errors
    /// `store/poisoned` after a failed sync, `store/closed`.
    #[cfg(test)]
    pub(crate) fn append(
        &self,
        durability: Durability,
        write: impl FnOnce(Lsn, &mut Vec<u8>) -> E,
    ) -> Result<Lsn, StoreError> {
        self.engine.append(durability, write)
    }

    /// Appends what `put` puts, as one: all of it is in the log or nothing. `None`, and `put` is not called, if records were undone
    /// since there were so many [`losses`](Self::losses): what was written down meanwhile may build on them.
    ///
    /// # Errors
    /// `store/poisoned` after a failed sync, `store/closed`.
    pub(crate) fn append_all<T>(
        &self,
        durability: Durability,
        losses: u64,
        put: impl FnOnce(&mut Appender<'_, E>) -> T,
    ) -> Result<Option<T>, StoreError> {
        self.engine.append_all(durability, Some(losses), put)
    }

    /// Returns how often records were undone so far.
    pub(crate) fn losses(&self) -> u64 {
        self.engine.losses()
    }

    /// Returns the record up to which everything is written that did not fail.
    #[cfg(test)]
    pub(crate) fn written(&self) -> Lsn {
        self.engine.written()
    }

    /// Returns the record up to which everything is synced that did not fail.
    pub(crate) fn durable(&self) -> Lsn {
        self.engine.durable()
    }

    /// Returns the last record that was appended.
    #[cfg(test)]
    pub(crate) fn appended(&self) -> Lsn {
        self.engine.appended()
    }

    /// Returns whether a ticket is through.
    ///
    /// # Errors
    /// Why it never will be: one of its two records could not be written (`store/io`), or a sync has failed (`store/poisoned`).
    pub(crate) fn check(&self, ticket: Ticket) -> Result<bool, Arc<StoreError>> {
        self.engine.check(ticket)
    }

    /// Waits until a ticket is through, and asks for the sync that it needs if none of its records did.
    ///
    /// # Errors
    /// Those of [`Self::check`].
    ///
    /// # Cancel safety
    /// It can be dropped at any time.
    pub(crate) async fn wait(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        self.engine.wait(ticket).await
    }

    /// Like [`Self::wait`], for a thread.
    pub(crate) fn wait_blocking(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        self.engine.wait_blocking(ticket)
    }

    /// Asks for a sync up to a record, although no record up to there may need one.
    pub(crate) fn demand(&self, lsn: Lsn) {
        self.engine.demand(lsn);
    }

    /// Asks for a sync of everything that is appended, and returns the ticket of it.
    pub(crate) fn force(&self) -> Ticket {
        self.engine.force()
    }

    /// Says that all records up to this one are in synced files, or undone.
    pub(crate) fn release(&self, lsn: Lsn) {
        self.engine.release(lsn);
    }

    /// Waits until a checkpoint is wanted, and returns up to which record; `None` when there will be no more. Returns at once again
    /// as long as half of the segments are not released: a checkpointer that failed pauses on its own.
    pub(crate) fn pressure(&self) -> Option<Lsn> {
        self.engine.pressure()
    }

    /// Like [`Self::pressure`], for a task.
    #[cfg(feature = "testing")]
    pub(crate) async fn pressed(&self) -> Option<Lsn> {
        self.engine.pressed().await
    }

    /// Makes [`Self::pressure`] return.
    #[cfg(test)]
    pub(crate) fn request_checkpoint(&self) {
        self.engine.request_checkpoint();
    }

    /// Says that checkpoints do not work: [`Self::room`] fails when the log is full.
    pub(crate) fn checkpoint_failed(&self, error: Arc<StoreError>) {
        self.engine.checkpoint_failed(error);
    }

    /// Says that checkpoints work again.
    pub(crate) fn checkpoint_recovered(&self) {
        self.engine.checkpoint_recovered();
    }

    /// Returns whether a turn may begin now; [`Self::room`] waits for it. Costs one load while it may.
    ///
    /// # Errors
    /// Those of [`Self::room`].
    pub(crate) fn has_room(&self) -> Result<bool, StoreError> {
        self.engine.has_room()
    }

    /// Waits until not too much waits for the log, so that a turn may begin.
    ///
    /// # Errors
    /// `store/log_full` if the log is full and checkpoints do not work; `store/poisoned`; `store/closed`.
    ///
    /// # Cancel safety
    /// It can be dropped at any time.
    pub(crate) async fn room(&self) -> Result<(), StoreError> {
        self.engine.room().await
    }

    /// Writes what is waiting, as one batch; returns whether there was anything to do. For a log without threads.
    pub(crate) fn flush_once(&self) -> bool {
        self.engine.flush(Idle::Return)
    }

    /// Returns how many segments there are.
    #[cfg(test)]
    pub(crate) fn segments(&self) -> usize {
        self.engine.space.segments()
    }

    /// Writes and syncs everything, and ends the threads; waits for that. If everything was released, the next start has nothing to
    /// recover.
    ///
    /// # Errors
    /// Why something could not be written or synced; the log is closed all the same.
    pub(crate) fn close(&self) -> Result<(), Arc<StoreError>> {
        self.engine.begin_close();
        let mut threads = self.threads.lock();
        let Some(threads) = threads.take() else {
            return Ok(());
        };
        self.engine.wait_for_hired();
        for thread in threads {
            // Whoever drops the log last may be one whose record was settled.
            if thread.thread().id() != thread::current().id() && thread.join().is_err() {
                tracing::error!("a thread of the log panicked");
            }
        }
        self.engine.finish()
    }
}

impl<E: Entry> Drop for Log<E> {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the log could not be closed");
        }
    }
}

/// Returns the path of a segment.
fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:08}.log"))
}
