//! [`RealDisk`].

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile, Listed, OpenHow};
use crate::limits;

/// The file system of the operating system.
#[derive(Debug)]
pub(crate) struct RealDisk {
    /// The data directory, open from the start: the operating system reports a failed background write to the next sync of each
    /// file that was open when it happened.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    root: File,
    /// Which device one sync covers; `None` if one sync for all is not to be had.
    device: Option<u64>,
}

#[derive(Debug)]
struct RealFile {
    path: PathBuf,
    file: Positioned,
    device: Option<u64>,
}

impl RealDisk {
    /// Returns the file system on which a directory is that exists.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let root = open_dir(root)?;
        let device = if syncfs_reports_errors() {
            device(&root)?
        } else {
            None
        };
        Ok(Self { root, device })
    }

    /// Syncs the whole file system of the root.
    #[cfg(target_os = "linux")]
    fn sync_device(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.root)?)
    }

    /// Returns whether a file on this device is synced by [`Self::sync_device`].
    fn covers(&self, device: Option<u64>) -> bool {
        device.is_some() && device == self.device
    }
}

impl Disk for RealDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn open(&self, path: &Path, how: OpenHow) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        match how {
            OpenHow::Existing => &mut options,
            OpenHow::Create => options.create(true).truncate(false),
            OpenHow::CreateNew => options.create_new(true),
        };
        let file = options.open(path)?;
        let device = device(&file)?;
        Ok(Arc::new(RealFile {
            path: path.to_owned(),
            file: Positioned::new(file),
            device,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn len(&self, path: &Path) -> io::Result<Option<u64>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let mut kind = entry.file_type()?;
            if kind.is_symlink() {
                // A link to a directory counts as one: a user may have put a part of the data elsewhere.
                kind = fs::metadata(entry.path()).map_or(kind, |metadata| metadata.file_type());
            }
            let is_dir = kind.is_dir();
            if let Ok(name) = entry.file_name().into_string() {
                listed.push(Listed { name, is_dir });
            }
        }
        listed.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(listed)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        sync_dir(&open_dir(path)?)
    }

    fn is_native(&self) -> bool {
        true
    }

    fn sync_all(&self, files: &[Arc<dyn DiskFile>], dirs: &[PathBuf]) -> io::Result<()> {
        // One open at a time: a process may have few.
        let devices = dirs
            .iter()
            .map(|path| device(&open_dir(path)?))
            .collect::<io::Result<Vec<_>>>()?;
        let covered = files
            .iter()
            .map(|file| file.device())
            .chain(devices.iter().copied())
            .filter(|device| self.covers(*device))
            .count();
        let at_once = covered > limits::FILES_SYNCED_SINGLY;
        #[cfg(target_os = "linux")]
        if at_once {
            self.sync_device()?;
        }
        // DURABILITY: what is on another device than the root was not in it.
        for file in files {
            if !at_once || !self.covers(file.device()) {
                file.sync_data()?;
            }
        }
        for (path, device) in dirs.iter().zip(devices) {
            if !at_once || !self.covers(device) {
                sync_dir(&open_dir(path)?)?;
            }
        }
        Ok(())
    }
}

impl DiskFile for RealFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut read = 0;
        while read < bytes.len() {
            match self.file.read_at(&mut bytes[read..], offset + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.get().set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.get().metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.get().sync_data()
    }

    fn device(&self) -> Option<u64> {
        self.device
    }
}

/// Returns whether one call syncs a whole file system, and says so when it failed: Linux's does since 5.8.
fn syncfs_reports_errors() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    cfg!(target_os = "linux") && release.is_ok_and(|release| is_since_5_8(&release))
}

fn is_since_5_8(release: &str) -> bool {
    let mut numbers = release
        .split(|character: char| !character.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    let version: (u32, u32) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (5, 8)
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::{FileExt, MetadataExt};
    use std::path::Path;

    /// A file that is read and written at places.
    #[derive(Debug)]
    pub(super) struct Positioned(File);

    impl Positioned {
        pub(super) fn new(file: File) -> Self {
            Self(file)
        }

        pub(super) fn get(&self) -> &File {
            &self.0
        }

        pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
            self.0.read_at(bytes, offset)
        }

        pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.0.write_all_at(bytes, offset)
        }
    }

    pub(super) fn open_dir(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    pub(super) fn sync_dir(dir: &File) -> io::Result<()> {
        dir.sync_all()
    }

    // The result is one on other systems.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn device(file: &File) -> io::Result<Option<u64>> {
        Ok(Some(file.metadata()?.dev()))
    }
}

/// Systems whose files have one position only, and whose directories cannot be synced.
#[cfg(not(unix))]
mod system {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom, Write};
    use std::path::Path;

    use parking_lot::Mutex;

    /// A file that is read and written at places, one at a time.
    #[derive(Debug)]
    pub(super) struct Positioned {
        file: File,
        position: Mutex<()>,
    }

    impl Positioned {
        pub(super) fn new(file: File) -> Self {
            let position = Mutex::new(());
            Self { file, position }
        }

        pub(super) fn get(&self) -> &File {
            &self.file
        }

        pub(super) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
            let _alone = self.position.lock();
            (&self.file).seek(SeekFrom::Start(offset))?;
            (&self.file).read(bytes)
        }

        pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            let _alone = self.position.lock();
            (&self.file).seek(SeekFrom::Start(offset))?;
            (&self.file).write_all(bytes)
        }
    }

    /// Directories cannot be opened; a file that is always there stands for them.
    pub(super) fn open_dir(_path: &Path) -> io::Result<File> {
        File::open(std::env::current_exe()?)
    }

    pub(super) fn sync_dir(_dir: &File) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn device(_file: &File) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

use system::{Positioned, device, open_dir, sync_dir};

#[cfg(test)]
mod tests {
    use super::is_since_5_8;

    #[test]
    fn the_release_of_the_kernel_is_understood() {
        for release in ["5.8.0", "5.10.12-generic", "6.18.0-rc1", "10.0"] {
            assert!(is_since_5_8(release), "{release}");
        }
        for release in ["5.7.19", "4.19.0-amd64", "", "unknown"] {
            assert!(!is_since_5_8(release), "{release}");
        }
    }
}
