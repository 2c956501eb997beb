//! [`Volume`]: what all actors of a store share: the disk, the log, and the list of those whose files are behind the log.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, OpenHow};
use super::durability::Durability;
use super::error::StoreError;
use super::handles::Handles;
use super::images;
use super::lock::Lock;
#[cfg(test)]
use super::log::Ticket;
use super::log::{self, Log, Lsn};
use super::pages::{Commit, Image, Pages, Part};
use super::permits::{Permit, Permits};
use super::recovery;
use crate::observe::metrics::CheckpointMetrics;
use crate::observe::trace;

/// What all actors of a store share.
pub(crate) struct Volume {
    root: PathBuf,
    disk: Arc<dyn Disk>,
    log: Log<Commit>,
    /// Actors with commits that are not in their files on disk, by the first of those commits.
    pub(super) listed: Mutex<BTreeMap<Lsn, Arc<Pages>>>,
    /// Files of destroyed actors that could not be removed.
    orphans: Mutex<HashSet<Box<str>>>,
    /// Actors whose files could not be written when they fell asleep.
    stranded: Mutex<Vec<Arc<Pages>>>,
    /// Whose files are open, oldest first.
    open: Mutex<VecDeque<Weak<Pages>>>,
    /// Whether the file of the directory could not be brought up to what the log has.
    doubts_directory: AtomicBool,
    /// Held by whoever takes a checkpoint.
    pub(super) checkpointing: Mutex<()>,
    pub(super) metrics: CheckpointMetrics,
    pub(super) handles: Handles,
    /// Held by whoever writes the file of an actor that falls asleep.
    writers: Permits,
    /// Keeps others out of the data directory as long as anybody can write to it: it is dropped last.
    lock: Mutex<Option<Lock>>,
}

/// What a store has besides its disk.
#[derive(Default)]
pub(super) struct Held {
    pub(super) handles: Handles,
    pub(super) lock: Option<Lock>,
}

/// Where the log is, below the data directory. No type of actor has a name that begins like this.
pub(crate) const LOG_DIRECTORY: &str = "_log";

impl Volume {
    /// Opens the log, and brings the files up to what it has. `images` are those of the types that the program has.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        root: &Path,
        images: &[Arc<Image>],
        options: &log::Options,
        held: Held,
    ) -> Result<Arc<Self>, StoreError> {
        let directory = root.join(LOG_DIRECTORY);
        disk.create_dir_all(&directory)
            .map_err(StoreError::io("create", &directory))?;
        disk.sync_dir(root).map_err(StoreError::io("sync", root))?;
        let known = images::load(&*disk, &directory, images)?;
        let (log, recovered) = Log::open(Arc::clone(&disk), &directory, options)?;
        let metrics = options.metrics.checkpoints.clone();
        let volume = Self::new(root.to_owned(), disk, (log, metrics), held);
        let traced = trace::recovery();
        let count = traced.enter(|| recovery::recover(&volume, recovered, &known))?;
        drop(traced);
        if count > 0 {
            tracing::info!(actors = count, "files were brought up to what the log has");
        }
        if count == 0 {
            // DURABILITY: what was just recovered is in the log until it says otherwise on disk.
            images::forget_others(&*volume.disk, &directory, &known, images)?;
        }
        Ok(volume)
    }

    fn new(
        root: PathBuf,
        disk: Arc<dyn Disk>,
        (log, metrics): (Log<Commit>, CheckpointMetrics),
        held: Held,
    ) -> Arc<Self> {
        Arc::new(Self {
            root,
            disk,
            log,
            listed: Mutex::new(BTreeMap::new()),
            orphans: Mutex::new(HashSet::new()),
            stranded: Mutex::new(Vec::new()),
            open: Mutex::new(VecDeque::new()),
            doubts_directory: AtomicBool::new(false),
            checkpointing: Mutex::new(()),
            metrics,
            handles: held.handles,
            writers: Permits::new(held.handles.writers),
            lock: Mutex::new(held.lock),
        })
    }

    /// Brings all files up to date, and closes the log: the next start has nothing to recover.
    pub(super) fn close(&self) -> Result<(), StoreError> {
        // What was lost is not waited for.
        let last = self.log.force().synced;
        let written = self.sync_to(last).and_then(|()| self.checkpoint(last));
        let closed = self.log.close();
        written?;
        closed.map_err(|source| StoreError::Lost { source })
    }

    /// Ends the log as it is, and lets go of what waits for a checkpoint: what the log has on disk is recovered at the next start.
    ///
    /// Pages hold the volume, so that one that holds pages would never be gone.
    pub(super) fn give_up(&self) {
        let _ = self.log.close();
        let listed = std::mem::take(&mut *self.listed.lock());
        let stranded = std::mem::take(&mut *self.stranded.lock());
        drop((listed, stranded));
    }

    /// Lets others have the data directory. Nobody may write to it any more.
    pub(super) fn unlock(&self) {
        drop(self.lock.lock().take());
    }

    /// Waits until few enough files are written. Taken before the lock of a file.
    pub(super) fn permit(&self) -> Permit<'_> {
        self.writers.take()
    }

    /// Waits until everything up to a record is synced, or lost.
    pub(super) fn sync_to(&self, lsn: Lsn) -> Result<(), StoreError> {
        #[cfg(test)]
        if !self.log.has_threads() {
            for attempt in 0.. {
                self.log.demand(lsn);
                while self.log.flush_once() {}
                if !matches!(self.log.check(Ticket::synced_to(lsn)), Ok(false)) {
                    break;
                }
                assert!(attempt < 10, "a checkpoint makes room");
                // Nobody else does.
                self.checkpoint(self.log.written())?;
            }
        }
        let synced = self.log.sync_to(lsn);
        synced.map_err(|source| StoreError::Lost { source })
    }

    /// Returns the log.
    pub(crate) fn log(&self) -> &Log<Commit> {
        &self.log
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where a file is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Puts records into the log, as one: all are there or none. The first of an actor since its file was up to date lists the actor, in
    /// the same step. `None`, and nothing is appended, if the log has undone records since there were so many losses.
    ///
    /// There are at most two parts.
    pub(super) fn append(
        &self,
        durability: Durability,
        losses: u64,
        parts: &[Part<'_>],
    ) -> Result<Option<[Lsn; 2]>, StoreError> {
        // A checkpoint that looks for what it may release sees both or none.
        let lists = parts.iter().any(|(_, prepared, ..)| prepared.first);
        let mut listed = lists.then(|| self.listed.lock());
        self.log.append_all(durability, losses, |appender| {
            let mut lsns = [Lsn::NONE; 2];
            for ((pages, prepared, record, keeper), number) in parts.iter().zip(&mut lsns) {
                let lsn = appender.put(|lsn, out| {
                    out.extend_from_slice(record);
                    pages.entry(*prepared, lsn, keeper)
                });
                if let (true, Some(listed)) = (prepared.first, &mut listed) {
                    listed.insert(lsn, Arc::clone(pages));
                }
                *number = lsn;
            }
            lsns
        })
    }

    /// Opens the file of an actor.
    pub(super) fn open_file(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.path(name), OpenHow::Existing)
    }

    /// Makes the file of an actor, empty.
    pub(super) fn create_file(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.disk.open(&self.path(name), OpenHow::Create)?;
        self.orphans.lock().remove(name);
        Ok(file)
    }

    /// Removes the file of an actor that was destroyed.
    pub(super) fn remove_file(&self, name: &str) -> io::Result<()> {
        match self.disk.remove_file(&self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                self.orphans.lock().insert(name.into());
                Err(error)
            }
            _ => {
                self.orphans.lock().remove(name);
                Ok(())
            }
        }
    }

    /// Returns whether a file belongs to an actor that was destroyed.
    pub(super) fn is_orphan(&self, name: &str) -> bool {
        self.orphans.lock().contains(name)
    }

    /// Notes that the file of the directory is not what the log has.
    pub(super) fn doubt_directory(&self) {
        self.doubts_directory.store(true, Ordering::Relaxed);
    }

    /// Returns whether the file of the directory is not what the log has.
    pub(super) fn doubts_directory(&self) -> bool {
        self.doubts_directory.load(Ordering::Relaxed)
    }

    /// Keeps pages in memory whose file could not be written.
    pub(super) fn strand(&self, pages: Arc<Pages>) {
        self.stranded.lock().push(pages);
    }

    /// Takes the pages of an actor that are kept in memory, if they are.
    pub(super) fn rescue(&self, name: &str) -> Option<Arc<Pages>> {
        let mut stranded = self.stranded.lock();
        let index = stranded.iter().position(|pages| pages.name() == name)?;
        let pages = stranded.swap_remove(index);
        pages.start_again();
        Some(pages)
    }

    /// Forgets pages that are in their file by now.
    pub(super) fn unstrand(&self, pages: &Arc<Pages>) {
        self.stranded
            .lock()
            .retain(|stranded| !Arc::ptr_eq(stranded, pages) || !pages.is_clean());
    }

    /// Notes that an actor's file is open, and closes the one that was opened first when there are too many.
    pub(super) fn note_open(&self, pages: Weak<Pages>) {
        let mut open = self.open.lock();
        open.push_back(pages);
        if open.len() <= self.handles.open_files {
            return;
        }
        let Some(first) = open.pop_front() else {
            return;
        };
        // One that is in use keeps its file until it is its turn again.
        if first.upgrade().is_some_and(|pages| !pages.close_file()) {
            open.push_back(first);
        }
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Volume")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
