//! [`Lock`]: what keeps others out of a data directory.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::error::StoreError;
use crate::error::SystemError;

/// The data directories that systems of this process have.
static TAKEN: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// What keeps others out of a data directory: unlocked when it is dropped, by the operating system if need be.
#[derive(Debug)]
pub(super) struct Lock {
    root: PathBuf,
    file: File,
}

impl Lock {
    /// Takes the lock of a data directory, whose path is canonical.
    pub(super) fn take(root: &Path) -> Result<Self, SystemError> {
        let path = root.join("lock");
        // Held over both, so that the two never disagree.
        let mut taken = TAKEN.lock();
        if taken.contains(root) {
            return Err(SystemError::InUseHere {
                path: root.to_owned(),
            });
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SystemError::InUse {
                    path: root.to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::io("lock", &path)(error).into());
            }
        }
        taken.insert(root.to_owned());
        Ok(Self {
            root: root.to_owned(),
            file,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock();
        // Where that fails, the operating system does it when the file is closed.
        let _ = self.file.unlock();
        taken.remove(&self.root);
    }
}
