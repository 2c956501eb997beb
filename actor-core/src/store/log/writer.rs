//! [`Writer`]: who holds it may write the log.
//!
//! # Invariants
//!
//! 1. A batch has the number after the one before it in the log, whatever failed in between.
//! 2. Nothing is written behind a batch that failed before its place is made empty, durably: what was reported as failed does not
//!    come back in place of what follows it.
//! 3. Behind the last batch of a segment there is room for one without records, which may be what makes a released segment free.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{ALIGN, HEADER, Header, SECTOR, aligned};
use super::salts::Salts;
use super::space::{Next, Segment, Space};
use super::{Lsn, segment_path};
use crate::store::StoreError;
use crate::store::disk::{Disk, DiskFile, OpenHow};

/// How much of a new segment is zeroed at once.
const ZEROS: usize = 1 << 20;

/// Writes batches and syncs them.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) space: Arc<Space>,
    pub(super) salts: Salts,
    pub(super) segment_bytes: u64,
    /// The number of the next file.
    pub(super) next_number: u64,
    pub(super) epoch: u64,
    pub(super) current: Option<Current>,
    /// The salt of the segment after the current one.
    pub(super) next_salt: u64,
    pub(super) next_seq: u64,
    /// All batches up to this one are synced.
    pub(super) synced_seq: u64,
    /// What the last batch says is needed.
    pub(super) last_needed: u64,
    /// The last record in a batch.
    pub(super) last_lsn: Lsn,
    /// The files with batches that are not synced, by their numbers, oldest first.
    pub(super) unsynced: Vec<(u64, Arc<dyn DiskFile>)>,
    /// Whether there may be a failed batch at the current place.
    pub(super) spoiled: bool,
}

/// The segment that batches go to.
#[derive(Debug)]
pub(super) struct Current {
    segment: Segment,
    position: u64,
    salt: u64,
}

/// Why something is not in the log.
#[derive(Debug)]
pub(super) enum WriteError {
    /// It is not written; what comes after it can be.
    Failed(StoreError),
    /// A sync failed, and nobody knows what is on the disk.
    Unsynced(StoreError),
}

impl Writer {
    /// Returns whether a batch of so many bytes has a place.
    pub(super) fn has_place(&self, len: usize) -> bool {
        let len = aligned(len as u64);
        self.fits(len) || self.space.next(len + ALIGN) != Next::Nowhere
    }

    /// Writes a batch, whose first bytes are room for the header; `last` is its last record.
    pub(super) fn write(
        &mut self,
        batch: &mut Vec<u8>,
        records: u32,
        last: Lsn,
    ) -> Result<(), WriteError> {
        if self.spoiled {
            // INVARIANT 2
            self.empty_place()?;
        }
        self.find_place(aligned(batch.len() as u64))?;
        self.put(batch, records, last)
    }

    /// Makes everything durable that was written.
    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        for (_, file) in &self.unsynced {
            // DURABILITY: replies may leave when the last of them has returned.
            file.sync_data()
                .map_err(StoreError::io("sync", file.path()))
                .map_err(WriteError::Unsynced)?;
        }
        self.unsynced.clear();
        self.synced_seq = self.next_seq - 1;
        for segment in self.space.reclaim(self.last_needed) {
            self.remove(segment.file.path());
        }
        Ok(())
    }

    /// Says durably what is released, if the last batch does not.
    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        if self.space.needed() > self.last_needed {
            self.write(&mut vec![0; HEADER], 0, self.last_lsn)?;
        }
        self.sync()
    }

    fn fits(&self, len: u64) -> bool {
        // INVARIANT 3
        self.current
            .as_ref()
            .is_some_and(|current| current.position + len + ALIGN <= current.segment.len)
    }

    /// Sees to it that a batch of so many bytes fits into the current segment.
    fn find_place(&mut self, len: u64) -> Result<(), WriteError> {
        if self.fits(len) {
            return Ok(());
        }
        let needed = len + ALIGN;
        let mut next = self.space.next(needed);
        // INVARIANT 3: it needs no place to be found, unless the room was used and no new segment could be made then.
        if next == Next::AfterMarker && self.fits(0) {
            self.put(&mut vec![0; HEADER], 0, self.last_lsn)?;
            self.sync()?;
            next = self.space.next(needed);
        }
        let free = match next {
            Next::Free => self.space.take(),
            Next::New | Next::AfterMarker | Next::Nowhere => None,
        };
        let segment = if let Some(segment) = free {
            segment
        } else {
            let segment = self.create(needed)?;
            if let Some(instead) = self.space.make_room() {
                self.remove(instead.file.path());
            }
            segment
        };
        self.rotate(segment);
        Ok(())
    }

    /// Writes a batch at the current place.
    fn put(&mut self, batch: &mut Vec<u8>, records: u32, last: Lsn) -> Result<(), WriteError> {
        let current = self.current.as_mut().expect("a place was found");
        let needed = self.space.needed();
        let header = Header {
            salt: current.salt,
            next_salt: self.next_salt,
            epoch: self.epoch,
            seq: self.next_seq,
            needed,
            synced: self.synced_seq,
            payload: (batch.len() - HEADER) as u64,
            records,
        };
        header.seal(batch);
        let space = header.space();
        batch.resize(
            usize::try_from(space).expect("a buffer fits into memory"),
            0,
        );
        let file = Arc::clone(&current.segment.file);
        if let Err(source) = file.write_at(batch, current.position) {
            self.spoiled = true;
            let error = StoreError::io("write", file.path())(source);
            return match self.empty_place() {
                // What failed may be on the disk until it can be emptied, before the next batch.
                Ok(()) | Err(WriteError::Failed(_)) => Err(WriteError::Failed(error)),
                Err(unsynced) => Err(unsynced),
            };
        }
        current.position += space;
        let number = current.segment.number;
        if self
            .unsynced
            .last()
            .is_none_or(|(newest, _)| *newest != number)
        {
            self.unsynced.push((number, file));
        }
        // INVARIANT 1
        self.space.wrote(last, self.next_seq);
        self.next_seq += 1;
        self.last_needed = needed;
        self.last_lsn = last;
        Ok(())
    }

    /// Makes sure that no batch is at the current place.
    fn empty_place(&mut self) -> Result<(), WriteError> {
        let current = self.current.as_ref().expect("a write to it failed");
        let file = &current.segment.file;
        file.write_at(&[0; SECTOR], current.position)
            .map_err(StoreError::io("write", file.path()))
            .map_err(WriteError::Failed)?;
        // DURABILITY: before anybody is told, or anything else is written.
        file.sync_data()
            .map_err(StoreError::io("sync", file.path()))
            .map_err(WriteError::Unsynced)?;
        self.spoiled = false;
        Ok(())
    }

    fn rotate(&mut self, segment: Segment) {
        let (old, last_seq, salt) = match self.current.take() {
            // The next segment takes its place, in the chain too.
            Some(old) if old.position == 0 => (Some(old.segment), None, old.salt),
            old => {
                let salt = std::mem::replace(&mut self.next_salt, self.salts.next());
                (old.map(|old| old.segment), Some(self.next_seq - 1), salt)
            }
        };
        if let Some(unused) = self.space.replace(old, last_seq) {
            self.remove(unused.file.path());
        }
        self.current = Some(Current {
            segment,
            position: 0,
            salt,
        });
    }

    /// Makes a segment, of the usual length if that is enough.
    pub(super) fn create(&mut self, needed: u64) -> Result<Segment, WriteError> {
        let number = self.next_number;
        self.next_number += 1;
        let path = segment_path(&self.dir, number);
        let file = self
            .disk
            .open(&path, OpenHow::CreateNew)
            .map_err(StoreError::io("create", &path))
            .map_err(WriteError::Failed)?;
        let len = needed.max(self.segment_bytes);
        let segment = Segment { number, file, len };
        if len == self.segment_bytes {
            // One that is longer is written once, as a whole.
            if let Err(source) = zero(&*segment.file, len) {
                self.remove(segment.file.path());
                let error = StoreError::io("write", &path)(source);
                return Err(WriteError::Failed(error));
            }
            segment
                .file
                .sync_data()
                .map_err(StoreError::io("sync", &path))
                .map_err(WriteError::Unsynced)?;
        }
        // DURABILITY: a batch counts for nothing in a file without a name.
        self.disk
            .sync_dir(&self.dir)
            .map_err(StoreError::io("sync", &self.dir))
            .map_err(WriteError::Unsynced)?;
        Ok(segment)
    }

    /// Removes a segment that is not needed. What stays is found, and removed, by the next start.
    pub(super) fn remove(&self, path: &Path) {
        if let Err(error) = self.disk.remove_file(path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove a segment of the log");
        }
    }
}

fn zero(file: &dyn DiskFile, len: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS.min(usize::try_from(len).unwrap_or(ZEROS))];
    let mut position = 0;
    while position < len {
        let rest = usize::try_from(len - position).unwrap_or(ZEROS);
        let part = &zeros[..zeros.len().min(rest)];
        file.write_at(part, position)?;
        position += part.len() as u64;
    }
    Ok(())
}
