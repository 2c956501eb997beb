//! [`Scan`]: what is in the files of a log, before anybody judges it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{FORMAT, Found, Header, SECTOR};
use crate::store::StoreError;
use crate::store::disk::{Disk, DiskFile, OpenHow};

/// One file of the log.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) number: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len: u64,
    /// Whether it begins with a sector of zeros: nothing was ever written to it.
    pub(super) is_blank: bool,
    /// The batches from the beginning of the file on: of one use of it, without a gap.
    pub(super) batches: Vec<(u64, Header)>,
    /// Batches of the same use that stand behind something that is none.
    pub(super) beyond: Vec<Header>,
}

impl Scan {
    /// Reads a file.
    pub(super) fn read(disk: &dyn Disk, path: &Path, number: u64) -> Result<Self, StoreError> {
        let file = disk
            .open(path, OpenHow::Existing)
            .map_err(StoreError::io("open", path))?;
        let bytes = read(&*file)?;
        let (batches, end) = walk(&bytes, path)?;
        let beyond = match batches.first() {
            Some((_, first)) => search(&bytes, end, Some(first.salt)),
            None => Vec::new(),
        };
        Ok(Self {
            number,
            file,
            len: bytes.len() as u64,
            is_blank: bytes.iter().take(SECTOR).all(|byte| *byte == 0),
            batches,
            beyond,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns the first of the batches.
    pub(super) fn first(&self) -> Option<&Header> {
        self.batches.first().map(|(_, header)| header)
    }

    /// Returns the last of the batches.
    pub(super) fn last(&self) -> Option<&Header> {
        self.batches.last().map(|(_, header)| header)
    }

    /// Looks everywhere in a file that does not begin with a batch for one with this salt, or with any.
    pub(super) fn search(&self, salt: Option<u64>) -> Result<Vec<Header>, StoreError> {
        Ok(search(&read(&*self.file)?, 0, salt))
    }
}

/// Returns the files of a log and their numbers, in the order of these.
pub(super) fn files(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let listed = disk.list(dir).map_err(StoreError::io("list", dir))?;
    let mut files: Vec<_> = listed
        .into_iter()
        .filter(|listed| !listed.is_dir)
        .filter_map(|listed| {
            let number = listed.name.strip_suffix(".log")?.parse().ok()?;
            Some((number, dir.join(&listed.name)))
        })
        .collect();
    files.sort_unstable();
    Ok(files)
}

/// Reads a whole file.
fn read(file: &dyn DiskFile) -> Result<Vec<u8>, StoreError> {
    let path = file.path();
    let len = file.len().map_err(StoreError::io("read", path))?;
    let mut bytes = vec![0; usize::try_from(len).expect("a segment fits into memory")];
    let read = file
        .read_at(&mut bytes, 0)
        .map_err(StoreError::io("read", path))?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Follows the batches from the beginning; returns them, and where they end.
fn walk(bytes: &[u8], path: &Path) -> Result<(Vec<(u64, Header)>, usize), StoreError> {
    let mut batches: Vec<(u64, Header)> = Vec::new();
    let mut position = 0;
    loop {
        let rest = bytes.get(position..).unwrap_or(&[]);
        let header = match Header::find(rest) {
            Found::Batch(header) => header,
            // A newer program begins with a segment of its own; nothing else can be at the beginning of one.
            Found::Newer(format) if position == 0 => {
                return Err(StoreError::NewerFormat {
                    path: path.to_owned(),
                    found: i32::try_from(format).unwrap_or(i32::MAX),
                    known: FORMAT.cast_signed(),
                });
            }
            Found::Newer(_) | Found::Nothing => break,
        };
        if let Some((_, last)) = batches.last() {
            let follows = header.salt == last.salt
                && header.epoch == last.epoch
                && header.seq == last.seq + 1;
            if !follows {
                break;
            }
        }
        batches.push((position as u64, header));
        position += usize::try_from(header.space()).expect("it was found in memory");
    }
    Ok((batches, position))
}

/// Looks at every sector for a batch.
fn search(bytes: &[u8], from: usize, salt: Option<u64>) -> Vec<Header> {
    let mut found = Vec::new();
    let mut position = from;
    while let Some(rest) = bytes.get(position..) {
        position += SECTOR;
        let candidate = Header::salt_of(rest);
        // Most of the sectors are passed here, without a checksum.
        if candidate.is_none() || salt.is_some() && candidate != salt {
            continue;
        }
        if let Found::Batch(header) = Header::find(rest) {
            found.push(header);
        }
    }
    found
}
