//! The checkpoint: from the log to the actors' files, so that the log has room again.
//!
//! # Invariants
//!
//! 1. A record is released when every page that it changed, and every file that it ended, is in synced files.
//! 2. Only one checkpoint runs at a time.
//! 3. After a failed sync of a file nothing is acknowledged any more: what the file has is not known.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::MutexGuard;

use super::disk::DiskFile;
use super::error::StoreError;
use super::log::Lsn;
use super::pages::{Busy, Pages, Snapshot, Taken};
use super::volume::Volume;
use crate::limits;
use crate::observe::trace;

/// The thread that takes checkpoints when the log asks for one.
pub(super) fn spawn(volume: Arc<Volume>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("actor-checkpoint".to_owned())
        .spawn(move || {
            let mut pause = limits::CHECKPOINT_RETRY_MIN;
            while let Some(up_to) = volume.log().pressure() {
                match volume.checkpoint(up_to) {
                    Ok(()) => {
                        volume.log().checkpoint_recovered();
                        pause = limits::CHECKPOINT_RETRY_MIN;
                    }
                    Err(error) => {
                        tracing::error!(%error, "a checkpoint failed and is tried again");
                        volume.log().checkpoint_failed(Arc::new(error));
                        std::thread::sleep(pause);
                        pause = (pause * 2).min(limits::CHECKPOINT_RETRY_MAX);
                    }
                }
            }
        })
}

/// Takes checkpoints when the log asks for one, as a task: its pauses are times of tokio's, which a test moves.
#[cfg(feature = "testing")]
pub(super) async fn tend(volume: Arc<Volume>) {
    let mut pause = limits::CHECKPOINT_RETRY_MIN;
    while let Some(up_to) = volume.log().pressed().await {
        let taken = Arc::clone(&volume);
        match super::blocking(move || taken.checkpoint(up_to)).await {
            Ok(()) => {
                volume.log().checkpoint_recovered();
                pause = limits::CHECKPOINT_RETRY_MIN;
            }
            Err(error) => {
                tracing::error!(%error, "a checkpoint failed and is tried again");
                volume.log().checkpoint_failed(Arc::new(error));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(limits::CHECKPOINT_RETRY_MAX);
            }
        }
    }
}

/// One actor's part of a checkpoint.
struct Job<'v> {
    /// The first commit of it that is not in the file.
    first: Lsn,
    pages: &'v Arc<Pages>,
    /// What goes to the file; nothing if the file has everything, and only has to be synced.
    snapshot: Option<Snapshot>,
    /// The commit up to which the log must be synced before.
    needs: Lsn,
    /// The file, if there is one.
    file: Option<Arc<dyn DiskFile>>,
    /// Keeps others from writing to the file.
    _writing: MutexGuard<'v, ()>,
}

impl Volume {
    /// Brings the files of all actors up to date whose first missing commit is not above `up_to`, and releases the log so far.
    pub(super) fn checkpoint(&self, up_to: Lsn) -> Result<(), StoreError> {
        let began = self.metrics.begins();
        let taken = trace::checkpoint().enter(|| self.checkpoint_to(up_to));
        self.metrics.ended(began, taken.as_ref().ok().copied());
        taken.map(drop)
    }

    /// Returns how many actors and bytes of pages that were.
    fn checkpoint_to(&self, up_to: Lsn) -> Result<(usize, u64), StoreError> {
        // DURABILITY: no page may be in a file whose record could still be lost, so what was only written is synced too. It is waited
        // for without the lock, because what has no place in the log waits for another checkpoint.
        let synced = self.log().sync_to(up_to);
        synced.map_err(|source| StoreError::Lost { source })?;
        // INVARIANT 2
        let _one = self.checkpointing.lock();
        let mut from = Lsn::NONE;
        let mut written = (0, 0);
        loop {
            let actors: Vec<(Lsn, Arc<Pages>)> = {
                let listed = self.listed.lock();
                let due = listed.range(from..);
                // After a checkpoint that failed pages may be listed twice; each time has a turn of its own.
                let mut seen = HashSet::new();
                due.take_while(|(first, pages)| **first <= up_to && seen.insert(Arc::as_ptr(pages)))
                    .take(self.handles.checkpoint_actors)
                    .map(|(first, pages)| (*first, Arc::clone(pages)))
                    .collect()
            };
            let Some((last, _)) = actors.last() else {
                break;
            };
            from = last.next();
            written.0 += actors.len();
            written.1 += self.checkpoint_some(&actors)?;
        }
        // INVARIANT 1: whoever is still listed needs what comes from there on.
        let first = self
            .listed
            .lock()
            .first_key_value()
            .map(|(first, _)| *first);
        self.log()
            .release(first.map_or(up_to, |first| up_to.min(first.previous())));
        trace::checkpointed(written.0, written.1);
        Ok(written)
    }

    /// Brings the files of some actors up to date, and syncs them. Returns how many bytes of pages that were.
    fn checkpoint_some(&self, actors: &[(Lsn, Arc<Pages>)]) -> Result<u64, StoreError> {
        let mut jobs = Vec::with_capacity(actors.len());
        let mut bytes = 0;
        for (first, pages) in actors {
            jobs.extend(self.job(*first, pages)?);
        }
        let needed = jobs.iter().map(|job| job.needs).max();
        let synced = self.log().sync_to(needed.unwrap_or(Lsn::NONE));
        let outcome = match synced {
            Ok(()) => self.write_and_sync(&mut jobs),
            Err(source) => Err(StoreError::Lost { source }),
        };
        for job in jobs {
            if outcome.is_err() {
                job.pages.relist(Some(job.first));
                continue;
            }
            if let (Some(snapshot), Some(file)) = (job.snapshot, job.file) {
                bytes += snapshot.bytes();
                job.pages.written(&snapshot, file);
            }
            self.listed.lock().remove(&job.first);
            self.unstrand(job.pages);
        }
        outcome.map(|()| bytes)
    }

    /// Looks what there is to do for one actor; nothing while a commit of it is under way.
    fn job<'v>(&self, first: Lsn, pages: &'v Arc<Pages>) -> Result<Option<Job<'v>>, StoreError> {
        let writing = pages.lock_file();
        let path = self.path(pages.name());
        let Taken {
            snapshot,
            rest,
            needs,
            ..
        } = match pages.snapshot() {
            Ok(Ok(taken)) => taken,
            Ok(Err(Busy)) => return Ok(None),
            Err(error) => {
                pages.relist(Some(first));
                return Err(StoreError::io("read", &path)(error));
            }
        };
        if let Some(rest) = rest {
            self.listed.lock().insert(rest, Arc::clone(pages));
        }
        Ok(Some(Job {
            first,
            pages,
            snapshot,
            needs,
            file: None,
            _writing: writing,
        }))
    }

    fn write_and_sync(&self, jobs: &mut [Job<'_>]) -> Result<(), StoreError> {
        let mut directories = BTreeSet::new();
        for job in &mut *jobs {
            let path = self.path(job.pages.name());
            let file = match &mut job.snapshot {
                Some(snapshot) => job.pages.write_back(snapshot).map(Some),
                None => job.pages.finished_file(),
            };
            job.file = file.map_err(StoreError::io("write", &path))?;
            directories.extend(path.parent().map(Path::to_owned));
        }
        let files: Vec<_> = jobs.iter().filter_map(|job| job.file.clone()).collect();
        let directories: Vec<_> = directories.into_iter().collect();
        // DURABILITY: invariant 1.
        let synced = self.disk().sync_all(&files, &directories);
        synced.map_err(|error| {
            // INVARIANT 3
            let message = std::io::Error::new(error.kind(), error.to_string());
            self.log()
                .poison(StoreError::io("sync", self.root())(message));
            StoreError::io("sync", self.root())(error)
        })
    }
}
