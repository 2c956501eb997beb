//! [`Chain`]: which of the batches on a disk are the log.
//!
//! # Invariants
//!
//! 1. The log ends with the newest batch from which on nothing is missing down to what it says is needed.
//! 2. What is missing had never been synced: no batch that is left says that it was. Otherwise the log is refused.
//! 3. A batch of an earlier process never follows one of a later: where a process went on, what was behind does not count.

use std::path::{Path, PathBuf};

use super::format::Header;
use super::scan::Scan;
use crate::store::StoreError;

/// The batches that are the log.
#[derive(Debug)]
pub(super) struct Chain {
    /// The files, oldest first: the index of each, and its first and last batch that counts.
    pub(super) parts: Vec<Part>,
    /// The last batch.
    pub(super) tail: Header,
}

/// The batches of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) index: usize,
    pub(super) last_seq: u64,
}

/// Where the way back from a tail ended.
enum Walked {
    /// Nothing that is needed is missing.
    Whole(Vec<Part>),
    /// This batch is missing; what comes after it is in these files.
    Missing(u64, Vec<Part>),
}

impl Chain {
    /// Finds the log; `None` if there is none.
    pub(super) fn find(scans: &[Scan], dir: &Path) -> Result<Option<Self>, StoreError> {
        let mut left: Vec<usize> = (0..scans.len())
            .filter(|index| scans[*index].first().is_some())
            .collect();
        loop {
            let Some(newest) = newest(scans, &left, None) else {
                return no_chain(scans);
            };
            let tail = *scans[newest].last().expect("it has a first batch");
            match walk_back(scans, &left, newest, &tail) {
                Walked::Whole(mut parts) => {
                    parts.reverse();
                    check_end(scans, newest, &tail)?;
                    return Ok(Some(Self { parts, tail }));
                }
                Walked::Missing(missing, after) => {
                    let claim = after.iter().map(|part| {
                        let last = scans[part.index].last().expect("it has a first batch");
                        last.synced
                    });
                    // INVARIANT 2
                    if claim.max() >= Some(missing) {
                        let path = damaged(scans, missing, &after, dir);
                        return Err(lost(path, missing));
                    }
                    left.retain(|index| after.iter().all(|part| part.index != *index));
                }
            }
        }
    }
}

/// Returns the newest file of those that are left; or the newest that has a batch which may precede another.
fn newest(scans: &[Scan], left: &[usize], before: Option<&Header>) -> Option<usize> {
    let candidates = left.iter().copied().filter(|index| {
        let scan = &scans[*index];
        let (Some(first), Some(last), Some(next)) = (scan.first(), scan.last(), before) else {
            return before.is_none();
        };
        // INVARIANT 3
        first.epoch <= next.epoch && first.seq < next.seq && last.seq + 1 >= next.seq
    });
    candidates.max_by_key(|index| {
        let first = scans[*index].first().expect("only those are left");
        (first.epoch, first.seq)
    })
}

/// Goes back from a tail to the oldest batch that it needs.
fn walk_back(scans: &[Scan], left: &[usize], newest_index: usize, tail: &Header) -> Walked {
    let mut parts = vec![Part {
        index: newest_index,
        last_seq: tail.seq,
    }];
    let mut first = *scans[newest_index].first().expect("only those are left");
    while first.seq > tail.needed {
        let Some(index) = newest(scans, left, Some(&first)) else {
            return Walked::Missing(first.seq - 1, parts);
        };
        parts.push(Part {
            index,
            last_seq: first.seq - 1,
        });
        first = *scans[index].first().expect("only those are left");
    }
    Walked::Whole(parts)
}

/// Makes sure that nothing that had been synced is missing behind the tail.
fn check_end(scans: &[Scan], newest: usize, tail: &Header) -> Result<(), StoreError> {
    for (index, scan) in scans.iter().enumerate() {
        let mut searched = Vec::new();
        if scan.batches.is_empty() {
            // Its first batch may be what is damaged.
            searched = scan.search(Some(tail.next_salt))?;
        }
        let headers = scan.batches.iter().map(|(_, header)| header);
        for header in headers.chain(&scan.beyond).chain(&searched) {
            let later = header.epoch >= tail.epoch && header.seq > tail.seq;
            // INVARIANT 2
            if later && header.synced > tail.seq {
                let follows = header.salt == tail.next_salt;
                let index = if follows { index } else { newest };
                return Err(lost(scans[index].path().to_owned(), tail.seq + 1));
            }
        }
    }
    Ok(())
}

/// Makes sure that there was never anything, if there is no file with a whole first batch.
fn no_chain(scans: &[Scan]) -> Result<Option<Chain>, StoreError> {
    for scan in scans {
        let found = scan.search(None)?;
        if let Some(header) = found.iter().find(|header| header.synced > 0) {
            return Err(lost(scan.path().to_owned(), header.synced));
        }
    }
    Ok(None)
}

/// Returns the file in which a missing batch should be, as far as that can be said.
fn damaged(scans: &[Scan], missing: u64, after: &[Part], dir: &Path) -> PathBuf {
    let next = after
        .last()
        .and_then(|part| scans[part.index].first())
        .expect("what is missing comes before something");
    let before = scans.iter().filter(|scan| {
        scan.last()
            .is_some_and(|last| last.epoch <= next.epoch && last.seq < missing)
    });
    let before = before.max_by_key(|scan| scan.last().map(|last| (last.epoch, last.seq)));
    let headless = || scans.iter().filter(|scan| scan.batches.is_empty());
    if let Some(before) = before.filter(|before| !before.beyond.is_empty()) {
        return before.path().to_owned();
    }
    // A file whose first batch is damaged, but not all of them.
    let next_salt = before
        .and_then(Scan::last)
        .map_or(next.salt, |last| last.next_salt);
    let follows = |header: &Header| header.salt == next_salt || header.next_salt == next.salt;
    let has_part = |scan: &&Scan| {
        let found = scan.search(None);
        found.is_ok_and(|found| found.iter().any(follows))
    };
    let found = headless()
        .find(has_part)
        .or_else(|| headless().find(|scan| !scan.is_blank))
        .or(before);
    found.map_or_else(|| dir.to_owned(), |scan| scan.path().to_owned())
}

fn lost(path: PathBuf, seq: u64) -> StoreError {
    StoreError::Corrupt {
        path,
        message: format!("batch {seq} of the log was on disk and is missing or damaged"),
    }
}
