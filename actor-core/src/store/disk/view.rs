//! [`View`]: files and names as of some moment, and the [`Effect`]s that change them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::Seeded;

const SECTOR: usize = 512;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    /// The number of a file: names come and go, the file stays.
    File(u64),
}

/// Names, and the bytes of files.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) names: BTreeMap<PathBuf, Node>,
    pub(super) files: HashMap<u64, Vec<u8>>,
}

/// One change of a file or of a name.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Write {
        file: u64,
        offset: usize,
        bytes: Vec<u8>,
    },
    SetLen {
        file: u64,
        len: usize,
    },
    Add {
        path: PathBuf,
        node: Node,
    },
    Remove {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        node: Node,
    },
}

/// How much of an effect is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Torn {
    /// All or nothing.
    Whole,
    /// Sectors from the beginning.
    Sectors,
    /// Bytes from the beginning.
    Bytes,
    /// Any sectors.
    Scattered,
}

impl View {
    pub(super) fn is_dir(&self, path: &Path) -> bool {
        // The top of the disk is always there.
        path.parent().is_none()
            || path.as_os_str().is_empty()
            || self.names.get(path) == Some(&Node::Dir)
    }

    pub(super) fn apply(&mut self, effect: &Effect) {
        match effect {
            Effect::Write {
                file,
                offset,
                bytes,
            } => self.write(*file, *offset, bytes),
            Effect::SetLen { file, len } => {
                self.files.entry(*file).or_default().resize(*len, 0);
            }
            Effect::Add { path, node } => self.add(path, *node),
            Effect::Remove { path } => {
                self.names.remove(path);
            }
            Effect::Rename { from, to, node } => {
                self.names.remove(from);
                self.add(to, *node);
            }
        }
    }

    /// Applies a part of an effect, or nothing of it, or all.
    pub(super) fn apply_some(&mut self, effect: &Effect, torn: Torn, random: &mut Seeded) {
        let Effect::Write {
            file,
            offset,
            bytes,
        } = effect
        else {
            if random.coin() {
                self.apply(effect);
            }
            return;
        };
        if torn == Torn::Scattered {
            let mut start = 0;
            while start < bytes.len() {
                let end = next_sector(offset + start) - offset;
                let end = end.min(bytes.len());
                if random.coin() {
                    self.write(*file, offset + start, &bytes[start..end]);
                }
                start = end;
            }
            return;
        }
        if !random.coin() {
            return;
        }
        let mut kept = bytes.len();
        if torn != Torn::Whole && random.coin() {
            kept = usize::try_from(random.below(bytes.len() as u64 + 1)).expect("below a length");
            let end = (offset + kept) / SECTOR * SECTOR;
            if torn == Torn::Sectors {
                kept = end.saturating_sub(*offset);
            }
        }
        self.write(*file, *offset, &bytes[..kept]);
    }

    /// Removes the names whose directory is not there.
    pub(super) fn drop_orphans(&mut self) {
        // A directory comes before what is in it.
        for path in self.names.keys().cloned().collect::<Vec<_>>() {
            if !path.parent().is_none_or(|parent| self.is_dir(parent)) {
                self.names.remove(&path);
            }
        }
    }

    fn add(&mut self, path: &Path, node: Node) {
        if let Node::File(file) = node {
            self.files.entry(file).or_default();
        }
        self.names.insert(path.to_owned(), node);
    }

    fn write(&mut self, file: u64, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let data = self.files.entry(file).or_default();
        let end = offset + bytes.len();
        if data.len() < end {
            data.resize(end, 0);
        }
        data[offset..end].copy_from_slice(bytes);
    }
}

impl Effect {
    /// Returns whether it is of the bytes or the length of a file.
    pub(super) fn is_of_file(&self, wanted: u64) -> bool {
        match self {
            Self::Write { file, .. } | Self::SetLen { file, .. } => *file == wanted,
            Self::Add { .. } | Self::Remove { .. } | Self::Rename { .. } => false,
        }
    }

    /// Returns whether it is of a name.
    pub(super) fn is_of_name(&self) -> bool {
        !matches!(self, Self::Write { .. } | Self::SetLen { .. })
    }

    /// Returns whether it is of a name in a directory.
    pub(super) fn is_in_dir(&self, dir: &Path) -> bool {
        match self {
            Self::Write { .. } | Self::SetLen { .. } => false,
            Self::Add { path, .. } | Self::Remove { path } => path.parent() == Some(dir),
            Self::Rename { from, to, .. } => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

fn next_sector(offset: usize) -> usize {
    (offset / SECTOR + 1) * SECTOR
}
