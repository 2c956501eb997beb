//! [`SimDisk`].
//!
//! # Invariants
//!
//! 1. What is visible is what is durable with all pending effects applied in their order, except for what a failed sync dropped.
//! 2. Everything random follows from the seeds.

mod inner;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::inner::Inner;
#[cfg(feature = "testing")]
use super::fault::Standing;
use super::fault::{Class, eio};
use super::view::{Effect, Node, Torn, View};
use super::{Disk, DiskFile, Fault, Listed, OpenHow, PowerCut, Seeded};

/// A disk in memory that knows what is durable, counts every operation that changes or syncs something, and fails or loses power
/// at the one that it is told. Clones are the same disk.
///
/// A failed sync leaves each thing that it should have synced in one of two states, as the seed says. It is durable after all; or, if
/// it is of a file, it is visible but never durable, whatever is synced later, and if it is a name, it waits for the next sync: file
/// systems keep names in a journal, and forget no part of it without forgetting all.
#[derive(Clone)]
pub(crate) struct SimDisk {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    path: PathBuf,
    file: u64,
}

impl SimDisk {
    /// Returns an empty disk.
    pub(crate) fn new(seed: u64) -> Self {
        Self::of(View::default(), seed)
    }

    fn of(view: View, seed: u64) -> Self {
        let next_file = view.files.keys().max().map_or(0, |last| last + 1);
        let inner = Inner {
            visible: view.clone(),
            durable: view,
            pending: Vec::new(),
            operations: 0,
            reads: 0,
            failed_syncs: 0,
            opened: BTreeSet::new(),
            power_off_at: None,
            off: false,
            faults: Vec::new(),
            standing: Vec::new(),
            failing_reads: 0..0,
            random: Seeded::new(seed),
            next_file,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Returns how many operations there were that change or sync something.
    pub(crate) fn operations(&self) -> u64 {
        self.inner.lock().operations
    }

    /// Returns how often a file was read.
    pub(crate) fn reads(&self) -> u64 {
        self.inner.lock().reads
    }

    /// Returns the files that were opened.
    pub(crate) fn opened(&self) -> BTreeSet<PathBuf> {
        self.inner.lock().opened.clone()
    }

    /// Returns how many syncs failed while the power was on.
    pub(crate) fn failed_syncs(&self) -> u64 {
        self.inner.lock().failed_syncs
    }

    /// Turns the power off at the n-th operation, counted from 0 and from the beginning. That one may be on the disk, and fails
    /// like all after it, reads too.
    pub(crate) fn crash_at(&self, operation: u64) {
        self.inner.lock().power_off_at = Some(operation);
    }

    /// Returns whether the power is off.
    pub(crate) fn is_off(&self) -> bool {
        self.inner.lock().off
    }

    /// Lets operations fail, from the n-th on, counted from 0 and from the beginning, so many times. May be called for several.
    pub(crate) fn fail_at(&self, operation: u64, fault: Fault, times: u64) {
        let range = operation..operation.saturating_add(times);
        self.inner.lock().faults.push((range, fault));
    }

    /// Lets everything of a class and a place fail until the disk is healed.
    #[cfg(feature = "testing")]
    pub(crate) fn fail_all(&self, standing: Standing) {
        self.inner.lock().standing.push(standing);
    }

    /// Turns the power off: nothing works any more.
    #[cfg(feature = "testing")]
    pub(crate) fn turn_off(&self) {
        self.inner.lock().off = true;
    }

    /// Lets reads fail with `EIO`, from the n-th on, so many times.
    pub(crate) fn fail_read_at(&self, read: u64, times: u64) {
        self.inner.lock().failing_reads = read..read.saturating_add(times);
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        let mut inner = self.inner.lock();
        inner.faults.clear();
        inner.standing.clear();
        inner.failing_reads = 0..0;
    }

    /// Returns a disk that holds what a power cut leaves now, all of it durable. This one stays as it is.
    pub(crate) fn after_power_cut(&self, cut: PowerCut, seed: u64) -> Self {
        let inner = self.inner.lock();
        let mut view = inner.durable.clone();
        let mut random = Seeded::new(seed);
        for effect in &inner.pending {
            let torn = match cut {
                PowerCut::Nothing => break,
                PowerCut::Everything => {
                    view.apply(effect);
                    continue;
                }
                PowerCut::Some => Torn::Whole,
                PowerCut::TornSectors => Torn::Sectors,
                PowerCut::TornBytes => Torn::Bytes,
                PowerCut::Scattered => Torn::Scattered,
            };
            view.apply_some(effect, torn, &mut random);
        }
        view.drop_orphans();
        Self::of(view, random.next())
    }

    /// Returns a disk that holds what is there when the process is killed now: everything, as durable as it is. This one stays
    /// as it is.
    pub(crate) fn after_kill(&self) -> Self {
        let mut inner = self.inner.lock().clone();
        inner.faults.clear();
        inner.standing.clear();
        inner.failing_reads = 0..0;
        inner.power_off_at = None;
        inner.off = false;
        inner.operations = 0;
        inner.reads = 0;
        inner.failed_syncs = 0;
        inner.opened.clear();
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Returns what a file holds. Not an operation.
    pub(crate) fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.inner.lock();
        match inner.visible.names.get(path) {
            Some(Node::File(file)) => Some(inner.visible.files[file].clone()),
            _ => None,
        }
    }

    /// Puts a file there, durable, and the directories above it. Not an operation.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut inner = self.inner.lock();
        let file = inner.next_file;
        inner.next_file += 1;
        let mut effects = Vec::new();
        for dir in path.ancestors().skip(1) {
            if !inner.visible.is_dir(dir) {
                effects.push(Effect::Add {
                    path: dir.to_owned(),
                    node: Node::Dir,
                });
            }
        }
        effects.push(Effect::Add {
            path: path.to_owned(),
            node: Node::File(file),
        });
        effects.push(Effect::Write {
            file,
            offset: 0,
            bytes: bytes.to_owned(),
        });
        for effect in effects {
            inner.visible.apply(&effect);
            inner.durable.apply(&effect);
        }
    }

    /// Returns how many effects are not durable yet.
    pub(crate) fn pending(&self) -> usize {
        self.inner.lock().pending.len()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        formatter
            .debug_struct("SimDisk")
            .field("names", &inner.visible.names)
            .field("operations", &inner.operations)
            .field("pending", &inner.pending.len())
            .field("off", &inner.off)
            .finish_non_exhaustive()
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check_on()?;
        let mut ancestors: Vec<_> = path.ancestors().collect();
        ancestors.reverse();
        for dir in ancestors {
            if inner.visible.is_dir(dir) {
                continue;
            }
            if inner.visible.names.contains_key(dir) {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            inner.add(dir, Node::Dir)?;
        }
        Ok(())
    }

    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Arc<dyn DiskFile>> {
        let mut inner = self.inner.lock();
        inner.check_on()?;
        let file = match (inner.file(path), how) {
            (Ok(_), OpenHow::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(file), _) => file,
            (Err(error), OpenHow::Create | OpenHow::CreateNew)
                if error.kind() == io::ErrorKind::NotFound =>
            {
                let file = inner.next_file;
                inner.next_file += 1;
                inner.add(path, Node::File(file))?;
                file
            }
            (Err(error), _) => return Err(error),
        };
        inner.opened.insert(path.to_owned());
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            path: path.to_owned(),
            file,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check_on()?;
        let node = Node::File(inner.file(from)?);
        inner.change(
            from,
            Effect::Rename {
                from: from.to_owned(),
                to: to.to_owned(),
                node,
            },
        )
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner.lock();
        inner.check_on()?;
        inner.file(path)?;
        inner.change(
            path,
            Effect::Remove {
                path: path.to_owned(),
            },
        )
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        let inner = self.inner.lock();
        inner.check_on()?;
        match inner.visible.names.get(path) {
            Some(Node::File(file)) => Ok(Some(inner.visible.files[file].len() as u64)),
            Some(Node::Dir) => Ok(Some(0)),
            None => Ok(None),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let inner = self.inner.lock();
        inner.check_on()?;
        if !inner.visible.is_dir(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let names = inner.visible.names.iter();
        let children = names.filter(|(name, _)| name.parent() == Some(path));
        let listed = children.filter_map(|(name, node)| {
            Some(Listed {
                name: name.file_name()?.to_str()?.to_owned(),
                is_dir: *node == Node::Dir,
            })
        });
        Ok(listed.collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner
            .lock()
            .sync(path, |effect| effect.is_in_dir(path))
    }

    /// One operation for each of them, so that there are more places to cut.
    fn sync_all(&self, files: &[Arc<dyn DiskFile>], dirs: &[PathBuf]) -> io::Result<()> {
        for file in files {
            file.sync_data()?;
        }
        for dir in dirs {
            self.sync_dir(dir)?;
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut inner = self.disk.inner.lock();
        inner.check_on()?;
        let number = inner.reads;
        inner.reads += 1;
        let standing = inner.standing(&self.path, Class::Read).is_some();
        if standing || inner.failing_reads.contains(&number) {
            return Err(eio());
        }
        let data = &inner.visible.files[&self.file];
        let start = index(offset).min(data.len());
        let read = bytes.len().min(data.len() - start);
        bytes[..read].copy_from_slice(&data[start..start + read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.inner.lock().change(
            &self.path,
            Effect::Write {
                file: self.file,
                offset: index(offset),
                bytes: bytes.to_owned(),
            },
        )
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.inner.lock().change(
            &self.path,
            Effect::SetLen {
                file: self.file,
                len: index(len),
            },
        )
    }

    fn len(&self) -> io::Result<u64> {
        let inner = self.disk.inner.lock();
        inner.check_on()?;
        Ok(inner.visible.files[&self.file].len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk
            .inner
            .lock()
            .sync(&self.path, |effect| effect.is_of_file(self.file))
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("a file in memory is not longer than memory")
}
