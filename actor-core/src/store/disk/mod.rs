//! [`Disk`] and [`DiskFile`]: the seam under everything of the store that touches a file.
//!
//! What is written through it is *visible* at once, to this process and to the next one. It is *durable*, which is to say that it
//! survives a power cut, only when it was synced: the bytes and the length of a file by [`DiskFile::sync_data`], the names in a
//! directory (new, renamed and removed ones) by [`Disk::sync_dir`] of that directory. [`RealDisk`] passes this on to the
//! operating system; `SimDisk` is a disk in memory that keeps the two apart, and fails or loses power where a test says so.
//!
//! # Invariants
//!
//! 1. Nothing below this module is retried: a failed sync says that something is not on disk, and the same call later would say
//!    that it is although it is not.

#[cfg(any(test, feature = "testing"))]
#[cfg_attr(
    not(all(test, feature = "testing")),
    allow(
        dead_code,
        reason = "the test kit needs a part of it, and the tests another"
    )
)]
mod fault;
mod real;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "the test kit needs a part of it")
)]
mod seeded;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "the test kit needs a part of it")
)]
mod sim;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
mod view;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "testing")]
pub(crate) use fault::{Class, Place, Standing};
#[cfg(any(test, feature = "testing"))]
pub(crate) use fault::{Fault, PowerCut};
pub(crate) use real::RealDisk;
#[cfg(any(test, feature = "testing"))]
pub(crate) use seeded::Seeded;
#[cfg(any(test, feature = "testing"))]
pub(crate) use sim::SimDisk;

/// A place for files. All paths are absolute, or all relative to one place.
pub(crate) trait Disk: Send + Sync + Debug + 'static {
    /// Makes a directory, and those above it that are not there.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Opens a file to read and to write.
    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, in place of a file that may have that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes the name of a file. Those who have it open keep it.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Returns the length of a file, `None` if there is none.
    fn len(&self, path: &Path) -> io::Result<Option<u64>>;

    /// Returns what is in a directory, in the order of the names.
    fn list(&self, path: &Path) -> io::Result<Vec<Listed>>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Returns whether the paths are those of the operating system, so that another library finds the files too.
    fn is_native(&self) -> bool {
        false
    }

    /// Makes the data of these files, and the names in these directories, durable; perhaps more than that.
    fn sync_all(&self, files: &[Arc<dyn DiskFile>], dirs: &[PathBuf]) -> io::Result<()>;
}

/// A file that is open.
pub(crate) trait DiskFile: Send + Sync + Debug {
    /// Returns the path by which it was opened.
    fn path(&self) -> &Path;

    /// Fills the buffer from a place of the file; returns how many bytes there were, fewer only at the end.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of the bytes, beyond the end if need be. After an error any part of them may be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file off, or fills it up with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Returns how long the file is.
    fn len(&self) -> io::Result<u64>;

    /// Makes the bytes and the length of the file durable; not its name.
    fn sync_data(&self) -> io::Result<()>;

    /// Returns which device the file is on, where that is known: one call syncs a whole device.
    fn device(&self) -> Option<u64> {
        None
    }
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenHow {
    /// It must be there.
    Existing,
    /// It is made if it is not there.
    Create,
    /// It must not be there.
    CreateNew,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The name, without the directory. A name that is not UTF-8 is none of ours and is not listed.
    pub(crate) name: String,
    /// Whether it is a directory.
    pub(crate) is_dir: bool,
}
