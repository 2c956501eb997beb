//! [`Engine`]: the meeting place of those who append, those who write and those who wait.
//!
//! # Invariants
//!
//! 1. Records get their numbers, and their places in the buffer, under one lock: in the order of the commits.
//! 2. Who takes the buffer holds the writer, from before it takes it until the batch is written and synced: batches are written in
//!    the order in which they were taken.
//! 3. `written` and `durable` pass a record that failed only after it is among the failures.
//! 4. When a batch fails, all that was appended after it is undone with it, under the lock of the buffer: what they built on is
//!    not there.
//! 5. After a failed sync `durable` does not change any more, and nothing is written.
//! 6. Locks are taken in the order writer, buffer, then any one of the others; nothing of the user's runs under the writer's and
//!    the buffer's lock but [`Entry::undo`] and the closure that writes a record.
//! 7. Whoever appends while there is something to do finds a hired thread that has not looked for the last time, or hires one.
//! 8. A thread that waits for a ticket has looked for something to write since the last progress that it saw; progress is a change of
//!    `written`, `durable` or the failures, and room in the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::appender::Appender;
use super::hired::Idle;
use super::sync::{AtomicBool, AtomicU64, Condvar, Mutex, Ordering};
use crate::caught::caught;
use crate::observe::metrics::{Failed, LogMetrics};
use crate::observe::trace;
use crate::store::log::failures::Failures;
use crate::store::log::format::HEADER;
use crate::store::log::space::Space;
use crate::store::log::writer::{WriteError, Writer};
use crate::store::log::{Entry, Lsn};
use crate::store::{Durability, StoreError};

/// The log without its threads.
pub(super) struct Engine<E> {
    pub(super) dir: PathBuf,
    /// Above how many waiting bytes turns wait.
    pub(super) buffer_bytes: usize,
    pub(super) writer: Mutex<Writer>,
    pub(super) buffer: Mutex<Buffer<E>>,
    pub(super) space: Arc<Space>,
    pub(super) failures: Mutex<Failures>,
    /// Whether there are any.
    pub(super) has_failures: AtomicBool,
    /// The sync that failed.
    pub(super) poison: OnceLock<Arc<StoreError>>,
    /// How often records were undone.
    pub(super) losses: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) durable: AtomicU64,
    /// Whether turns may begin without a closer look.
    pub(super) is_roomy: AtomicBool,
    /// There may be something to write, or a hired thread has left.
    pub(super) work: Condvar,
    /// Gets a thread to [`flush`](Self::flush) until there is nothing to do, if the log has none of its own.
    pub(super) hire: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Gets a thread to [`stay`](Self::stay) until there is nothing to do, if the log has threads of its own on a runtime whose time may be
    /// paused.
    pub(super) hold: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// There may be nothing to do any more.
    pub(super) rested: Condvar,
    /// A checkpoint may be wanted.
    pub(super) pressing: Condvar,
    /// The same, for a task.
    pub(super) pressed: Notify,
    /// `written`, `durable` or the failures changed; for tasks, and for threads.
    pub(super) advanced: Notify,
    /// Counts what may let a thread go on that waits.
    pub(super) progress: Mutex<u64>,
    pub(super) progressed: Condvar,
    /// Turns may begin, or never will.
    pub(super) roomy: Notify,
    pub(super) metrics: LogMetrics,
}

/// What is appended and not taken to be written.
pub(super) struct Buffer<E> {
    /// Room for a header, then the records.
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<E>,
    /// The last record that was appended.
    pub(super) last: Lsn,
    /// Up to which record a sync is asked for.
    pub(super) sync_to: Lsn,
    pub(super) is_open: bool,
    /// How many hired threads are at work, or about to be.
    pub(super) hired: usize,
    /// How many of these are at work.
    pub(super) at_work: usize,
    /// How many batches were taken out whose writers are not through, where a thread stays for them.
    pub(super) under_way: usize,
    /// Whether a thread waits for work.
    pub(super) is_idle: bool,
    /// Whether what is in the buffer has no place in the log.
    pub(super) is_stalled: bool,
    pub(super) checkpoint: Checkpoint,
    spare: Option<(Vec<u8>, Vec<E>)>,
}

/// What is known of the checkpoints.
#[derive(Default)]
pub(super) struct Checkpoint {
    /// Whether somebody asked for one.
    pub(super) is_requested: bool,
    /// Why they do not work.
    pub(super) error: Option<Arc<StoreError>>,
}

/// What was taken to be written.
struct Batch<E> {
    bytes: Vec<u8>,
    entries: Vec<E>,
    last: Lsn,
    sync: bool,
}

impl<E> Batch<E> {
    /// Returns a batch of nothing: what is written up to a record is only synced.
    fn synced(last: Lsn) -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
            last,
            sync: true,
        }
    }
}

impl<E: Entry> Engine<E> {
    pub(super) fn new(writer: Writer, buffer_bytes: usize, metrics: LogMetrics) -> Self {
        Self {
            dir: writer.dir.clone(),
            buffer_bytes,
            space: Arc::clone(&writer.space),
            writer: Mutex::new(writer),
            buffer: Mutex::new(Buffer {
                bytes: vec![0; HEADER],
                entries: Vec::new(),
                last: Lsn::NONE,
                sync_to: Lsn::NONE,
                is_open: true,
                hired: 0,
                at_work: 0,
                under_way: 0,
                is_idle: false,
                is_stalled: false,
                checkpoint: Checkpoint::default(),
                spare: None,
            }),
            failures: Mutex::new(Failures::default()),
            has_failures: AtomicBool::new(false),
            poison: OnceLock::new(),
            losses: AtomicU64::new(0),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            is_roomy: AtomicBool::new(true),
            work: Condvar::default(),
            hire: OnceLock::new(),
            hold: OnceLock::new(),
            rested: Condvar::default(),
            pressing: Condvar::default(),
            pressed: Notify::new(),
            advanced: Notify::new(),
            progress: Mutex::new(0),
            progressed: Condvar::default(),
            roomy: Notify::new(),
            metrics,
        }
    }

    #[cfg(test)]
    pub(super) fn append(
        &self,
        durability: Durability,
        write: impl FnOnce(Lsn, &mut Vec<u8>) -> E,
    ) -> Result<Lsn, StoreError> {
        let appended = self.append_all(durability, None, |appender| appender.put(write))?;
        Ok(appended.expect("losses do not matter to it"))
    }

    /// Appends what `put` puts, all of it in one batch. `None`, and nothing is appended, if records were undone since there were so
    /// many `losses`: what was written down meanwhile may build on them.
    pub(super) fn append_all<T>(
        &self,
        durability: Durability,
        losses: Option<u64>,
        put: impl FnOnce(&mut Appender<'_, E>) -> T,
    ) -> Result<Option<T>, StoreError> {
        let mut guard = self.buffer.lock();
        let buffer = &mut *guard;
        self.check_open(buffer)?;
        if losses.is_some_and(|losses| losses != self.losses()) {
            return Ok(None);
        }
        let result = put(&mut Appender(buffer));
        if durability == Durability::Synced {
            buffer.sync_to = buffer.last;
        }
        if buffer.bytes.len() > self.buffer_bytes {
            self.is_roomy.store(false, Ordering::Release);
        }
        let hire = self.rouse(buffer);
        drop(guard);
        self.hire_if(hire);
        Ok(Some(result))
    }

    /// Returns how often records were undone so far.
    pub(super) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    /// Writes until there is nothing to do, or the log is closed.
    pub(super) fn work(&self, idle: Idle) {
        let worked = catch_unwind(AssertUnwindSafe(|| while self.flush(idle) {}));
        if worked.is_err() {
            // Nobody knows what it had done: as after a failed sync.
            let message = "a thread of the log panicked".to_owned();
            self.fail(StoreError::Interrupted { message });
            self.leave(&mut self.buffer.lock(), idle);
            self.rested.notify_all();
        }
    }

    /// Writes what is in the buffer as one batch; returns whether there was anything to do.
    pub(super) fn flush(&self, idle: Idle) -> bool {
        let mut writer = self.writer.lock();
        // INVARIANT 2
        let mut stalls = false;
        let taken = self.take(&writer, idle, &mut stalls);
        self.metrics.stalled(stalls);
        let Some(mut batch) = taken else { return false };
        let mut settled = Vec::new();
        match self.write(&mut writer, &mut batch) {
            Ok(()) => {}
            Err((WriteError::Failed(error), _)) => {
                self.metrics.failed(Failed::Write);
                settled = self.undo(&mut batch, &Arc::new(error));
            }
            Err((WriteError::Unsynced(error), is_written)) => {
                settled = self.poison(&mut batch, error, is_written);
            }
        }
        drop(writer);
        self.metrics.segments(|| self.space.counts());
        self.announce();
        for entry in batch.entries.iter().chain(&settled) {
            guarded(|| entry.settled());
        }
        self.give_back(batch);
        self.batch_ended();
        true
    }

    /// Writes and syncs all that is left, and says durably what is released. Nothing is appended any more.
    pub(super) fn finish(&self) -> Result<(), Arc<StoreError>> {
        self.space.begin_closing();
        let before = self.failed();
        while self.flush(Idle::Return) {}
        let finished = self.finish_writer();
        self.announce();
        self.roomy.notify_waiters();
        finished?;
        match self.failed() {
            Some((last, error)) if before.is_none_or(|(old, _)| old < last) => Err(error),
            _ => Ok(()),
        }
    }

    fn finish_writer(&self) -> Result<(), Arc<StoreError>> {
        let mut writer = self.writer.lock();
        if self.poison.get().is_none() {
            match writer.finish() {
                Ok(()) => {
                    let written = self.written.load(Ordering::Acquire);
                    self.durable.store(written, Ordering::Release);
                }
                Err(WriteError::Failed(error)) => return Err(Arc::new(error)),
                Err(WriteError::Unsynced(error)) => {
                    // The buffer is empty: nobody's record is undone.
                    self.poison(&mut Batch::synced(Lsn::NONE), error, true);
                }
            }
        }
        self.poisoned().map_or(Ok(()), |error| Err(Arc::new(error)))
    }

    /// Takes the buffer, or waits for something to do with it. Notes whether it found the log full that was not full before.
    fn take(&self, writer: &Writer, idle: Idle, stalls: &mut bool) -> Option<Batch<E>> {
        let mut buffer = self.buffer.lock();
        loop {
            if self.poison.get().is_some() || idle == Idle::Wait && !buffer.is_open {
                self.leave(&mut buffer, idle);
                return None;
            }
            let durable = self.durable.load(Ordering::Acquire);
            let sync = buffer.sync_to.0 > durable;
            if !buffer.entries.is_empty() {
                if writer.has_place(buffer.bytes.len()) {
                    buffer.under_way += 1;
                    return Some(self.swap(&mut buffer, sync));
                }
                *stalls |= !std::mem::replace(&mut buffer.is_stalled, true);
                self.roomy.notify_waiters();
                self.press();
            }
            let written = self.written.load(Ordering::Acquire);
            if sync && written > durable {
                // Only to be synced.
                buffer.under_way += 1;
                return Some(Batch::synced(Lsn(written)));
            }
            if idle != Idle::Wait {
                self.leave(&mut buffer, idle);
                return None;
            }
            buffer.is_idle = true;
            buffer = self.work.wait(buffer);
            buffer.is_idle = false;
        }
    }

    fn swap(&self, buffer: &mut Buffer<E>, sync: bool) -> Batch<E> {
        let (mut bytes, entries) = buffer.spare.take().unwrap_or_default();
        bytes.resize(HEADER, 0);
        buffer.is_stalled = false;
        self.make_roomy(buffer);
        Batch {
            bytes: std::mem::replace(&mut buffer.bytes, bytes),
            entries: std::mem::replace(&mut buffer.entries, entries),
            last: buffer.last,
            sync,
        }
    }

    /// Writes a batch, and syncs it if need be. With an error comes whether it is written.
    fn write(&self, writer: &mut Writer, batch: &mut Batch<E>) -> Result<(), (WriteError, bool)> {
        let traced = trace::log_write(batch.entries.len(), batch.bytes.len(), batch.sync);
        traced.enter(|| self.write_batch(writer, batch))
    }

    fn write_batch(
        &self,
        writer: &mut Writer,
        batch: &mut Batch<E>,
    ) -> Result<(), (WriteError, bool)> {
        if !batch.entries.is_empty() {
            let records = u32::try_from(batch.entries.len()).expect("entries take more memory");
            let began = self.metrics.write_begins();
            writer
                .write(&mut batch.bytes, records, batch.last)
                .map_err(|error| (error, false))?;
            self.metrics.written(records, batch.bytes.len(), began);
            self.written.store(batch.last.0, Ordering::Release);
            if self.space.is_pressing(false) {
                drop(self.buffer.lock());
                self.press();
            }
            if batch.sync {
                // A record that needs no sync does not wait for this one.
                self.announce();
            }
        }
        if batch.sync {
            let began = self.metrics.sync_begins();
            writer.sync().map_err(|error| (error, true))?;
            self.metrics.synced(began);
            // INVARIANT 5
            self.durable.store(batch.last.0, Ordering::Release);
        }
        Ok(())
    }

    /// Undoes a batch that is not in the log, and all that was appended since; returns whose that is.
    fn undo(&self, batch: &mut Batch<E>, error: &Arc<StoreError>) -> Vec<E> {
        let mut buffer = self.buffer.lock();
        // INVARIANT 4
        let mut later = std::mem::take(&mut buffer.entries);
        buffer.bytes.truncate(HEADER);
        let failed = batch.entries.len() + later.len();
        self.losses.fetch_add(1, Ordering::AcqRel);
        let first = Lsn(buffer.last.0 + 1 - failed as u64);
        // INVARIANT 3
        self.failures.lock().add(first, buffer.last, error);
        self.has_failures.store(true, Ordering::Release);
        for entry in later.iter_mut().rev() {
            guarded(|| entry.undo());
        }
        for entry in batch.entries.iter_mut().rev() {
            guarded(|| entry.undo());
        }
        let written = Lsn(self.written.load(Ordering::Acquire));
        buffer.sync_to = buffer.sync_to.min(written);
        buffer.is_stalled = false;
        self.make_roomy(&buffer);
        drop(buffer);
        if failed > 0 {
            tracing::error!(%error, records = failed, "records could not be written to the log: they are undone");
        }
        later
    }

    /// Ends the log after a failed sync; returns whose records were not even written, without those of the batch.
    fn poison(&self, batch: &mut Batch<E>, error: StoreError, is_written: bool) -> Vec<E> {
        self.metrics.failed(Failed::Sync);
        tracing::error!(%error, "a sync failed: nothing is acknowledged until the system is started anew");
        let source = Arc::new(error);
        // Who sees the poison finds no room either.
        self.is_roomy.store(false, Ordering::Release);
        // INVARIANT 5
        let _ = self.poison.set(Arc::clone(&source));
        self.abandon(batch, source, is_written)
    }

    /// Undoes what is not written and never will be.
    fn abandon(&self, batch: &mut Batch<E>, source: Arc<StoreError>, is_written: bool) -> Vec<E> {
        let mut unwritten = Batch::synced(batch.last);
        if !is_written {
            std::mem::swap(&mut unwritten, batch);
        }
        let later = self.undo(&mut unwritten, &Arc::new(StoreError::Poisoned { source }));
        if !is_written {
            std::mem::swap(&mut unwritten, batch);
        }
        self.roomy.notify_waiters();
        self.press();
        later
    }

    /// Ends the log for a failure that is not its own.
    pub(super) fn fail(&self, error: StoreError) {
        let source = Arc::new(error);
        self.is_roomy.store(false, Ordering::Release);
        let _ = self.poison.set(Arc::clone(&source));
        // A thread that waits for work has the writer, and gives it up now.
        drop(self.buffer.lock());
        self.work.notify_all();
        self.rested.notify_all();
        let writer = self.writer.lock();
        let settled = self.abandon(&mut Batch::synced(Lsn::NONE), source, true);
        drop(writer);
        self.announce();
        for entry in &settled {
            guarded(|| entry.settled());
        }
    }

    /// Tells those who wait for a ticket.
    fn announce(&self) {
        self.advanced.notify_waiters();
        self.made_progress();
    }

    /// Lets the threads look again that wait for a ticket.
    pub(super) fn made_progress(&self) {
        *self.progress.lock() += 1;
        self.progressed.notify_all();
    }

    /// Keeps the buffers for the next batch, unless they have grown far beyond what is usual.
    fn give_back(&self, batch: Batch<E>) {
        let (mut bytes, mut entries) = (batch.bytes, batch.entries);
        // The user's code may run when an entry is dropped.
        guarded(|| entries.clear());
        bytes.clear();
        if bytes.capacity() == 0 || bytes.capacity() > 2 * self.buffer_bytes {
            return;
        }
        self.buffer.lock().spare = Some((bytes, entries));
    }

    /// Lets turns begin, if the log can take more at all.
    fn make_roomy(&self, buffer: &Buffer<E>) {
        if self.check_open(buffer).is_ok() && !self.is_roomy.load(Ordering::Acquire) {
            self.is_roomy.store(true, Ordering::Release);
            self.roomy.notify_waiters();
        }
    }
}

/// Runs what belongs to somebody else; its panic is not the log's.
fn guarded(run: impl FnOnce()) {
    if let Err(panic) = caught(run) {
        tracing::error!(error = panic, "whoever waited for the log panicked");
    }
}
