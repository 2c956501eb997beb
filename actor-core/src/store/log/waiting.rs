//! Those who wait for the log: for a ticket, for room, for a reason to write a checkpoint.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use super::engine::{Buffer, Engine};
use super::hired::Idle;
use crate::store::StoreError;
use crate::store::log::{Entry, Lsn, Ticket};

impl<E: Entry> Engine<E> {
    pub(super) fn written(&self) -> Lsn {
        Lsn(self.written.load(Ordering::Acquire))
    }

    pub(super) fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    #[cfg(test)]
    pub(super) fn appended(&self) -> Lsn {
        self.buffer.lock().last
    }

    /// Returns whether records can be appended.
    pub(super) fn check_open(&self, buffer: &Buffer<E>) -> Result<(), StoreError> {
        if let Some(poisoned) = self.poisoned() {
            return Err(poisoned);
        }
        if !buffer.is_open {
            let path = self.dir.clone();
            return Err(StoreError::Closed { path });
        }
        Ok(())
    }

    /// Returns the error after which nothing becomes durable any more.
    pub(super) fn poisoned(&self) -> Option<StoreError> {
        let source = Arc::clone(self.poison.get()?);
        Some(StoreError::Poisoned { source })
    }

    /// Returns the newest failure, and the record up to which it is.
    pub(super) fn failed(&self) -> Option<(Lsn, Arc<StoreError>)> {
        self.failures.lock().newest()
    }

    pub(super) fn check(&self, ticket: Ticket) -> Result<bool, Arc<StoreError>> {
        let durable = self.durable();
        let passed = self.written() >= ticket.written && durable >= ticket.synced;
        // What failed is known before it is passed.
        if self.has_failures.load(Ordering::Acquire) {
            let failures = self.failures.lock();
            let failed = failures.find(ticket.written);
            if let Some(error) = failed.or_else(|| failures.find(ticket.synced)) {
                return Err(Arc::clone(error));
            }
        }
        if passed {
            return Ok(true);
        }
        // What was durable before the failed sync stays so.
        self.poisoned()
            .map_or(Ok(false), |error| Err(Arc::new(error)))
    }

    pub(super) async fn wait(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        loop {
            let mut advanced = std::pin::pin!(self.advanced.notified());
            // Registered before the look, so that what happens between the two is not missed.
            advanced.as_mut().enable();
            if self.check(ticket)? {
                return Ok(());
            }
            self.demand(ticket.synced);
            advanced.await;
        }
    }

    pub(super) fn wait_blocking(&self, ticket: Ticket) -> Result<(), Arc<StoreError>> {
        self.demand(ticket.synced);
        // The thread that is hired may never come: its runtime ends, or this thread has the last place in it. So who waits writes.
        let helps = self.hire.get().is_some();
        loop {
            let seen = *self.progress.lock();
            if self.check(ticket)? {
                return Ok(());
            }
            if helps && self.flush(Idle::Return) {
                continue;
            }
            // INVARIANT 8
            let mut progress = self.progress.lock();
            while *progress == seen {
                progress = self.progressed.wait(progress);
            }
        }
    }

    pub(super) fn demand(&self, lsn: Lsn) {
        if self.durable() >= lsn {
            return;
        }
        let mut buffer = self.buffer.lock();
        let wanted = lsn.min(buffer.last);
        if wanted > buffer.sync_to {
            buffer.sync_to = wanted;
            let hire = self.rouse(&mut buffer);
            drop(buffer);
            self.hire_if(hire);
        }
    }

    pub(super) fn force(&self) -> Ticket {
        let mut buffer = self.buffer.lock();
        let failed = self.failures.lock().find(buffer.last).is_some();
        // Nothing was appended after what failed.
        let last = if failed { self.written() } else { buffer.last };
        let mut hire = false;
        if last > self.durable() {
            buffer.sync_to = buffer.sync_to.max(last);
            hire = self.rouse(&mut buffer);
        }
        drop(buffer);
        self.hire_if(hire);
        Ticket {
            written: last,
            synced: last,
        }
    }

    pub(super) fn release(&self, lsn: Lsn) {
        self.space.release(lsn);
        self.metrics.segments(|| self.space.counts());
        self.space_changed();
    }

    pub(super) fn mark_recovered(&self) {
        self.space.mark_recovered();
        self.metrics.segments(|| self.space.counts());
        self.space_changed();
    }

    pub(super) fn pressure(&self) -> Option<Lsn> {
        let mut buffer = self.buffer.lock();
        loop {
            if let Poll::Ready(found) = self.look_for_pressure(&mut buffer) {
                return found;
            }
            buffer = self.pressing.wait(buffer);
        }
    }

    #[cfg(feature = "testing")]
    pub(super) async fn pressed(&self) -> Option<Lsn> {
        loop {
            if let Poll::Ready(found) = self.look_for_pressure(&mut self.buffer.lock()) {
                return found;
            }
            // What came between the look and this has left its mark.
            self.pressed.notified().await;
        }
    }

    /// Returns up to which record a checkpoint is wanted, if one is now; `None` when there will be no more.
    fn look_for_pressure(&self, buffer: &mut Buffer<E>) -> Poll<Option<Lsn>> {
        if self.check_open(buffer).is_err() {
            return Poll::Ready(None);
        }
        if buffer.checkpoint.is_requested || self.space.is_pressing(buffer.is_stalled) {
            buffer.checkpoint.is_requested = false;
            return Poll::Ready(Some(self.written()));
        }
        Poll::Pending
    }

    /// Lets those look who take checkpoints.
    pub(super) fn press(&self) {
        self.pressing.notify_all();
        self.pressed.notify_one();
    }

    #[cfg(test)]
    pub(super) fn request_checkpoint(&self) {
        self.buffer.lock().checkpoint.is_requested = true;
        self.press();
    }

    pub(super) fn checkpoint_failed(&self, error: Arc<StoreError>) {
        self.buffer.lock().checkpoint.error = Some(error);
        self.roomy.notify_waiters();
    }

    pub(super) fn checkpoint_recovered(&self) {
        self.buffer.lock().checkpoint.error = None;
        self.roomy.notify_waiters();
    }

    pub(super) fn has_room(&self) -> Result<bool, StoreError> {
        if self.is_roomy.load(Ordering::Acquire) {
            return Ok(true);
        }
        let buffer = self.buffer.lock();
        self.check_open(&buffer)?;
        match &buffer.checkpoint.error {
            _ if buffer.bytes.len() <= self.buffer_bytes => Ok(true),
            Some(source) if buffer.is_stalled => {
                let source = Arc::clone(source);
                Err(StoreError::LogFull { source })
            }
            _ => Ok(false),
        }
    }

    pub(super) async fn room(&self) -> Result<(), StoreError> {
        let began = self.metrics.wait_begins();
        loop {
            let mut roomy = std::pin::pin!(self.roomy.notified());
            roomy.as_mut().enable();
            if self.has_room()? {
                self.metrics.waited(began);
                return Ok(());
            }
            roomy.await;
        }
    }

    /// Refuses what is appended from now on, and ends those who wait for work.
    pub(super) fn begin_close(&self) {
        self.buffer.lock().is_open = false;
        self.is_roomy.store(false, Ordering::Release);
        self.work.notify_all();
        self.rested.notify_all();
        self.press();
        self.roomy.notify_waiters();
    }

    /// Lets those look again who wait for a place in the log, and those who make some.
    fn space_changed(&self) {
        // Between their look and their wait they hold the lock.
        let mut buffer = self.buffer.lock();
        let hire = buffer.is_stalled && self.rouse(&mut buffer);
        drop(buffer);
        self.hire_if(hire);
        self.work.notify_all();
        self.made_progress();
        self.press();
    }
}
