//! [`Place`]: where a system has its data.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, RealDisk};
use super::error::StoreError;
use super::handles::Handles;
use super::lock::Lock;
use super::log;
use crate::error::SystemError;

/// Where a system has its data.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a directory of this machine.
    Directory(PathBuf),
    /// On a disk in memory.
    #[cfg(feature = "testing")]
    Simulated(super::SimDisk),
}

/// A place that no other system has.
pub(super) struct TakenPlace {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) root: PathBuf,
    /// How the log is set up there.
    pub(super) log: log::Options,
    /// What keeps others out.
    pub(super) lock: Option<Lock>,
    /// How many files the store may have open.
    pub(super) handles: Handles,
}

impl Place {
    /// Takes the place, and makes the directories of some types there.
    pub(super) fn take(self, types: &[&'static str]) -> Result<TakenPlace, SystemError> {
        match self {
            Self::Directory(root) => take_directory(&root, types),
            #[cfg(feature = "testing")]
            Self::Simulated(disk) => take_simulated(Arc::new(disk), types),
        }
    }
}

fn take_directory(root: &Path, types: &[&'static str]) -> Result<TakenPlace, SystemError> {
    fs::create_dir_all(root).map_err(StoreError::io("create", root))?;
    let root = root.canonicalize().map_err(StoreError::io("find", root))?;
    if let Some(parent) = root.parent() {
        // It may be new; a parent that cannot be opened is not ours to care for.
        let _ = File::open(parent).and_then(|directory| directory.sync_all());
    }
    let lock = Lock::take(&root)?;
    let handles = Handles::of_process()?;
    for actor in types {
        let directory = root.join(actor);
        fs::create_dir_all(&directory).map_err(StoreError::io("create", &directory))?;
    }
    // DURABILITY: the names of the directories must outlive a power cut before any file in them counts.
    File::open(&root)
        .and_then(|directory| directory.sync_all())
        .map_err(StoreError::io("sync", &root))?;
    let disk = RealDisk::new(&root).map_err(StoreError::io("open", &root))?;
    Ok(TakenPlace {
        disk: Arc::new(disk),
        root,
        log: log::Options::default(),
        lock: Some(lock),
        handles,
    })
}

#[cfg(feature = "testing")]
fn take_simulated(disk: Arc<dyn Disk>, types: &[&'static str]) -> Result<TakenPlace, SystemError> {
    use crate::testing::limits;

    let root = PathBuf::from(limits::ROOT);
    for actor in types {
        let directory = root.join(actor);
        disk.create_dir_all(&directory)
            .map_err(StoreError::io("create", &directory))?;
    }
    for path in [Path::new("/"), &root] {
        disk.sync_dir(path).map_err(StoreError::io("sync", path))?;
    }
    Ok(TakenPlace {
        disk,
        root,
        log: log::Options {
            segment_bytes: limits::LOG_SEGMENT_BYTES,
            segments: limits::LOG_SEGMENTS,
            buffer_bytes: limits::LOG_BUFFER_BYTES,
            ..log::Options::default()
        },
        lock: None,
        handles: Handles::default(),
    })
}
