//! [`Fault`], [`Standing`] and [`PowerCut`].

use std::io;
use std::path::{Path, PathBuf};

/// What goes wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails with `EIO`. A write has written nothing.
    Eio,
    /// It fails with `ENOSPC`, and has done nothing.
    Enospc,
    /// A part of a write is written before it fails with `ENOSPC`; anything else fails with `EIO`.
    Short,
    /// It is done and fails all the same, with `EIO`.
    Late,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It reads a file.
    Read,
    /// It changes a file or a name.
    Write,
    /// It makes something durable.
    Sync,
}

/// What goes wrong until the disk is healed.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// With which operations.
    pub(crate) class: Class,
    /// Where.
    pub(crate) place: Place,
    /// How.
    pub(crate) fault: Fault,
}

/// A part of a disk.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// All of it.
    Everywhere,
    /// What is in a directory, and the directory.
    In(PathBuf),
    /// Everything else.
    NotIn(PathBuf),
}

impl Place {
    /// Returns whether a path is in it.
    pub(super) fn has(&self, path: &Path) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(directory) => path.starts_with(directory),
            Self::NotIn(directory) => !path.starts_with(directory),
        }
    }
}

/// What a power cut leaves of that which was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PowerCut {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Any of it.
    Some,
    /// Any of it, and of a write any number of whole sectors from its beginning.
    TornSectors,
    /// Any of it, and of a write any number of bytes from its beginning.
    TornBytes,
    /// Any sector of any write.
    Scattered,
}

impl PowerCut {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::Everything,
        Self::Some,
        Self::TornSectors,
        Self::TornBytes,
        Self::Scattered,
    ];

    /// Returns whether the seed makes a difference.
    pub(crate) fn is_random(self) -> bool {
        !matches!(self, Self::Nothing | Self::Everything)
    }
}

/// The error of a disk that fails.
pub(super) fn eio() -> io::Error {
    io::Error::other("the disk fails on purpose")
}

/// The error of a disk that is full.
pub(super) fn enospc() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "the disk is full on purpose")
}
