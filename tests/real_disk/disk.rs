//! [`LoopDisk`]: a file system of its own on a loop device, whose power can be cut.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A file system and the command that makes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    make: &'static [&'static str],
}

pub(crate) const EXT4: Kind = Kind {
    name: "ext4",
    make: &["mkfs.ext4", "-q", "-F"],
};

pub(crate) const XFS: Kind = Kind {
    name: "xfs",
    make: &["mkfs.xfs", "-q", "-f"],
};

/// XFS takes no less than 300 MiB. The image is sparse.
const BYTES: u64 = 320 << 20;

/// A mounted file system. It is unmounted when it is dropped.
#[derive(Debug)]
pub(crate) struct LoopDisk {
    home: TempDir,
    mounted: bool,
}

impl LoopDisk {
    /// Makes the file system and mounts it; `None`, with a printed reason, where that cannot be had.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        match Self::make(kind) {
            Ok(disk) => Some(disk),
            Err(reason) => {
                let required = std::env::var("DURABLE_ACTORS_REAL_DISK");
                assert!(
                    required.as_deref() != Ok("required"),
                    "no {} to cut: {reason}",
                    kind.name
                );
                eprintln!("skipped: no {} to cut: {reason}", kind.name);
                None
            }
        }
    }

    fn make(kind: Kind) -> Result<Self, String> {
        // `xfs_io` makes the shutdown call of ext4 as well.
        run("xfs_io", &["-V".as_ref()])?;
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut disk = Self {
            home,
            mounted: false,
        };
        let image = File::create(disk.image()).and_then(|file| file.set_len(BYTES));
        image.map_err(|error| error.to_string())?;
        std::fs::create_dir(disk.root()).map_err(|error| error.to_string())?;
        let image = disk.image();
        let (command, options) = kind.make.split_first().expect("a command");
        let mut arguments: Vec<&Path> = options.iter().map(Path::new).collect();
        arguments.push(&image);
        run(command, &arguments)?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.home.path().join("image")
    }

    /// Returns where it is mounted.
    pub(crate) fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// Has the journal written, as the file system itself does every few seconds. The data of
    /// other files stays where it is.
    pub(crate) fn commit_journal(&self) {
        let file = File::create(self.root().join("unrelated")).unwrap();
        file.sync_all().unwrap();
    }

    /// Cuts the power: whatever is not on the device by now never will be.
    pub(crate) fn cut(&self) {
        let root = self.root();
        let shutdown = ["-x".as_ref(), "-c".as_ref(), "shutdown".as_ref(), &*root];
        run("xfs_io", &shutdown).unwrap();
    }

    /// Mounts the file system again, which replays its journal. Nobody may have a file of it open.
    pub(crate) fn power_on(&mut self) {
        run("umount", &[&self.root()]).unwrap();
        self.mounted = false;
        self.mount().unwrap();
    }

    fn mount(&mut self) -> Result<(), String> {
        run(
            "mount",
            &["-o".as_ref(), "loop".as_ref(), &*self.image(), &self.root()],
        )?;
        self.mounted = true;
        Ok(())
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        if self.mounted {
            // A test that failed may have files open still.
            let _ = run("umount", &["-l".as_ref(), &*self.root()]);
        }
    }
}

fn run(command: &str, arguments: &[&Path]) -> Result<(), String> {
    let ended = Command::new(command)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command}: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(format!("{command}: {}", said.trim()))
}
