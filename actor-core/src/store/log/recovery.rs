//! [`open`]: from the files of a log to a writer, and to what is to be recovered.
//!
//! # Invariants
//!
//! 1. All files are read and judged before anything is changed.
//! 2. What was read and does not count as synced is written again, as it is, and synced, before anybody builds on it: an earlier
//!    process may not have synced it, or its sync may have failed, after which the operating system shows what is not on the disk
//!    and does not write it any more.
//! 3. The writer begins with a segment in which nothing is needed.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::chain::Chain;
use super::format::{Found, HEADER, Header, Records};
use super::salts::Salts;
use super::scan::{self, Scan};
use super::space::{Segment, Space, State, Used};
use super::writer::{WriteError, Writer};
use super::{Lsn, Options};
use crate::store::StoreError;
use crate::store::disk::{Disk, DiskFile};

/// What an earlier process had written and not brought into the files of the actors.
#[derive(Debug)]
pub(crate) struct Recovered {
    batches: VecDeque<Place>,
    /// The batch that is read, without what follows it.
    batch: Vec<u8>,
    /// Where its next record is.
    position: usize,
    records: u64,
}

/// Where a batch is.
#[derive(Debug)]
struct Place {
    file: Arc<dyn DiskFile>,
    offset: u64,
    header: Header,
}

impl Recovered {
    /// Returns how many records there are that were not returned yet.
    #[cfg(test)]
    pub(crate) fn remaining(&self) -> u64 {
        self.records
    }

    /// Returns the next payload, oldest first. One batch is in memory at a time.
    ///
    /// # Errors
    /// `store/io` and `store/corrupt` if what was there when the log was opened cannot be read any more.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, StoreError> {
        while self.position == self.batch.len() {
            let Some(place) = self.batches.pop_front() else {
                return Ok(None);
            };
            self.batch.clear();
            self.position = 0;
            self.batch = place.read()?;
            self.position = HEADER;
        }
        let rest = &self.batch[self.position - HEADER..];
        let record = Records::new(rest).next().flatten();
        let record = record.expect("the records of a batch were counted when it was read");
        self.position += super::format::RECORD_HEADER + record.len();
        self.records -= 1;
        Ok(Some(record))
    }
}

impl Place {
    fn new(scan: &Scan, offset: u64, header: &Header) -> Self {
        Self {
            file: Arc::clone(&scan.file),
            offset,
            header: *header,
        }
    }

    fn read(&self) -> Result<Vec<u8>, StoreError> {
        let path = self.file.path();
        let len = HEADER as u64 + self.header.payload;
        let mut batch = vec![0; usize::try_from(len).expect("it was in memory before")];
        let read = self
            .file
            .read_at(&mut batch, self.offset)
            .map_err(StoreError::io("read", path))?;
        if Header::find(&batch[..read]) == Found::Batch(self.header) {
            return Ok(batch);
        }
        Err(StoreError::Corrupt {
            path: path.to_owned(),
            message: format!("batch {} of the log has changed", self.header.seq),
        })
    }
}

/// Reads a log and makes a writer that goes on with it.
pub(super) fn open(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: &Options,
) -> Result<(Writer, Recovered), StoreError> {
    disk.create_dir_all(dir)
        .map_err(StoreError::io("create", dir))?;
    if let Some(parent) = dir.parent() {
        disk.sync_dir(parent)
            .map_err(StoreError::io("sync", parent))?;
    }
    // INVARIANT 1
    let mut scans = Vec::new();
    for (number, path) in scan::files(&*disk, dir)? {
        scans.push(Scan::read(&*disk, &path, number)?);
    }
    let chain = Chain::find(&scans, dir)?;
    if let Some(chain) = &chain {
        make_durable(&scans, chain)?;
    }
    // INVARIANT 2: of the segments that are only free too, since an earlier process may have made them just before it ended.
    disk.sync_dir(dir).map_err(StoreError::io("sync", dir))?;
    let recovered = recovered(&scans, chain.as_ref());
    let next_number = scans.iter().map(|scan| scan.number + 1).max().unwrap_or(1);
    let epochs = scans.iter().filter_map(|scan| Some(scan.first()?.epoch));
    let epoch = epochs.max().unwrap_or(0) + 1;
    let tail = chain.as_ref().map(|chain| chain.tail);
    let (state, removed) = space(scans, chain, options, recovered.records > 0);
    let mut salts = Salts::new(options.seed.map(|seed| seed.wrapping_add(epoch << 32)));
    let tail_seq = tail.map_or(0, |tail| tail.seq);
    let has_free = !state.free.is_empty();
    let space = Arc::new(Space::new(state));
    let mut writer = Writer {
        dir: dir.to_owned(),
        space: Arc::clone(&space),
        segment_bytes: options.segment_bytes,
        next_number,
        epoch,
        current: None,
        next_salt: salts.next(),
        salts,
        next_seq: tail_seq + 1,
        synced_seq: tail_seq,
        last_needed: tail.map_or(1, |tail| tail.needed),
        last_lsn: Lsn::NONE,
        unsynced: Vec::new(),
        spoiled: false,
        disk,
    };
    for file in removed {
        writer.remove(file.path());
    }
    if !has_free {
        // INVARIANT 3, and the first batch does not wait for zeros to be written.
        match writer.create(0) {
            Ok(segment) => space.add(segment),
            Err(WriteError::Failed(error) | WriteError::Unsynced(error)) => return Err(error),
        }
    }
    Ok((writer, recovered))
}

/// Makes durable what was read.
fn make_durable(scans: &[Scan], chain: &Chain) -> Result<(), StoreError> {
    // INVARIANT 2
    for part in &chain.parts {
        let scan = &scans[part.index];
        for (offset, header) in &scan.batches {
            if header.seq > chain.tail.synced && header.seq <= part.last_seq {
                let place = Place::new(scan, *offset, header);
                scan.file
                    .write_at(&place.read()?, *offset)
                    .map_err(StoreError::io("write", scan.path()))?;
            }
        }
        scan.file
            .sync_data()
            .map_err(StoreError::io("sync", scan.path()))?;
    }
    Ok(())
}

/// Lists the batches that have to be recovered.
fn recovered(scans: &[Scan], chain: Option<&Chain>) -> Recovered {
    let mut batches = VecDeque::new();
    let mut records = 0;
    for part in chain.iter().flat_map(|chain| &chain.parts) {
        let scan = &scans[part.index];
        let needed = chain.map_or(0, |chain| chain.tail.needed);
        for (offset, header) in &scan.batches {
            if header.seq < needed || header.seq > part.last_seq || header.records == 0 {
                continue;
            }
            records += u64::from(header.records);
            batches.push_back(Place::new(scan, *offset, header));
        }
    }
    Recovered {
        batches,
        batch: Vec::new(),
        position: 0,
        records,
    }
}

/// Sorts the files into those that are needed, those that are free, and those to be removed.
fn space(
    scans: Vec<Scan>,
    chain: Option<Chain>,
    options: &Options,
    must_recover: bool,
) -> (State, Vec<Arc<dyn DiskFile>>) {
    let tail = chain.as_ref().map(|chain| chain.tail);
    let parts = chain.map_or_else(Vec::new, |chain| chain.parts);
    let mut used: Vec<_> = parts.iter().map(|_| None).collect();
    let mut free = Vec::new();
    let mut removed = Vec::new();
    let kept = options.segments.max(2);
    for (index, scan) in scans.into_iter().enumerate() {
        let segment = Segment {
            number: scan.number,
            file: scan.file,
            len: scan.len,
        };
        if let Some(place) = parts.iter().position(|part| part.index == index) {
            let last_seq = parts[place].last_seq;
            used[place] = Some(Used { segment, last_seq });
        } else if segment.len == options.segment_bytes && free.len() + parts.len() < kept {
            free.push(segment);
        } else {
            removed.push(segment.file);
        }
    }
    let state = State {
        segment_bytes: options.segment_bytes,
        kept,
        // INVARIANT 3
        limit: kept.max(parts.len() + 1),
        used: used.into_iter().flatten().collect(),
        free,
        has_current: false,
        batches: VecDeque::new(),
        released: Lsn::NONE,
        oldest: tail.map_or(1, |tail| tail.seq + 1),
        unrecovered: tail.filter(|_| must_recover).map(|tail| tail.needed),
        closing: false,
    };
    (state, removed)
}
