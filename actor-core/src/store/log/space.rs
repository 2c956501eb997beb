//! [`Space`]: which segment is in use, and what is released.
//!
//! # Invariants
//!
//! 1. A segment is written over, or removed, only when a *synced* batch says that nothing in it is needed any more. Before that a
//!    power cut could bring back an older tail that needs it.
//! 2. Until an earlier process's batches are recovered they are needed.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Lsn;
use crate::store::disk::DiskFile;

/// A file of the log.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) len: u64,
}

/// A segment with batches that is not written to any more.
#[derive(Debug)]
pub(super) struct Used {
    pub(super) segment: Segment,
    /// The last batch in it that counts.
    pub(super) last_seq: u64,
}

/// The segments of a log.
#[derive(Debug)]
pub(super) struct Space(Mutex<State>);

#[derive(Debug)]
pub(super) struct State {
    /// How long a segment is that is used again and again.
    pub(super) segment_bytes: u64,
    /// How many segments are kept.
    pub(super) kept: usize,
    /// How many segments there may be; more than are kept if an earlier process left so many.
    pub(super) limit: usize,
    /// Oldest first.
    pub(super) used: VecDeque<Used>,
    pub(super) free: Vec<Segment>,
    /// Whether there is a segment that batches go to.
    pub(super) has_current: bool,
    /// The batches of this process that are not released: the last record of each, and its number.
    pub(super) batches: VecDeque<(Lsn, u64)>,
    /// Up to which record all is in the files of the actors.
    pub(super) released: Lsn,
    /// The oldest batch that is not released.
    pub(super) oldest: u64,
    /// The oldest batch that is to be recovered, until it is.
    pub(super) unrecovered: Option<u64>,
    /// Whether the limit does not count any more: what was appended shall be written before the log is closed.
    pub(super) closing: bool,
}

/// Where a batch can go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// To a free segment.
    Free,
    /// To a segment that is released, after a batch was synced that says so.
    AfterMarker,
    /// To a new segment.
    New,
    /// Nowhere, until something is released.
    Nowhere,
}

impl Space {
    pub(super) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// Returns the oldest batch that a recovery needs.
    pub(super) fn needed(&self) -> u64 {
        self.0.lock().needed()
    }

    /// Notes a batch that was written.
    pub(super) fn wrote(&self, last: Lsn, seq: u64) {
        let mut state = self.0.lock();
        state.batches.push_back((last, seq));
        state.advance();
    }

    /// Notes that all records up to this one are in synced files.
    pub(super) fn release(&self, lsn: Lsn) {
        let mut state = self.0.lock();
        state.released = state.released.max(lsn);
        state.advance();
    }

    /// Notes that what an earlier process has left is in synced files.
    pub(super) fn mark_recovered(&self) {
        self.0.lock().unrecovered = None;
    }

    /// From now on all is written, whatever the limit.
    pub(super) fn begin_closing(&self) {
        self.0.lock().closing = true;
    }

    /// Returns where a batch can go that does not fit into the current segment, with what must stay free behind it.
    pub(super) fn next(&self, len: u64) -> Next {
        self.0.lock().next(len)
    }

    /// Takes a free segment.
    pub(super) fn take(&self) -> Option<Segment> {
        let mut state = self.0.lock();
        let segment = state.free.pop();
        state.has_current |= segment.is_some();
        segment
    }

    /// Adds a segment that was made.
    pub(super) fn add(&self, segment: Segment) {
        self.0.lock().free.push(segment);
    }

    /// Gives up a free segment for one that was made, if there are as many as may be.
    pub(super) fn make_room(&self) -> Option<Segment> {
        let mut state = self.0.lock();
        let full = state.total() >= state.limit;
        if full { state.free.pop() } else { None }
    }

    /// Notes that there is a new current segment, and what became of the one before: it has batches, or none.
    pub(super) fn replace(&self, old: Option<Segment>, last_seq: Option<u64>) -> Option<Segment> {
        let mut state = self.0.lock();
        state.has_current = true;
        match (old, last_seq) {
            (Some(segment), Some(last_seq)) => {
                state.used.push_back(Used { segment, last_seq });
                None
            }
            (Some(segment), None) => state.keep(segment),
            (None, _) => None,
        }
    }

    /// Frees the segments that no recovery needs after a batch was synced that said so; returns those that are not kept.
    #[must_use = "what is not kept is to be removed"]
    pub(super) fn reclaim(&self, synced_needed: u64) -> Vec<Segment> {
        let mut state = self.0.lock();
        let mut removed = Vec::new();
        // INVARIANT 1
        while let Some(used) = state
            .used
            .pop_front_if(|used| used.last_seq < synced_needed)
        {
            removed.extend(state.keep(used.segment));
        }
        removed
    }

    /// Returns whether a checkpoint is wanted: half of the segments cannot be used again before one; or any, if the log is stalled.
    pub(super) fn is_pressing(&self, is_stalled: bool) -> bool {
        let state = self.0.lock();
        let oldest = state.oldest;
        let held = state.used.iter().filter(|used| used.last_seq >= oldest);
        let enough = if is_stalled { 1 } else { state.kept / 2 };
        held.count() >= enough.max(1)
    }

    /// Returns how many segments a recovery would need, and how many there are besides.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.0.lock();
        let needed = state.needed();
        let held = state.used.iter().filter(|used| used.last_seq >= needed);
        let in_use = held.count() + usize::from(state.has_current);
        (in_use, state.total() - in_use)
    }

    /// Returns how many segments there are.
    #[cfg(test)]
    pub(super) fn segments(&self) -> usize {
        self.0.lock().total()
    }
}

impl State {
    fn needed(&self) -> u64 {
        // INVARIANT 2
        self.unrecovered.unwrap_or(self.oldest)
    }

    fn total(&self) -> usize {
        self.used.len() + self.free.len() + usize::from(self.has_current)
    }

    fn advance(&mut self) {
        let released = self.released;
        while let Some((_, seq)) = self.batches.pop_front_if(|(last, _)| *last <= released) {
            self.oldest = seq + 1;
        }
    }

    fn next(&self, len: u64) -> Next {
        let special = len > self.segment_bytes;
        let needed = self.needed();
        let released = self.used.front().is_some_and(|used| used.last_seq < needed);
        if !special && !self.free.is_empty() {
            Next::Free
        } else if released && self.has_current && (!special || self.total() >= self.limit) {
            Next::AfterMarker
        } else if self.total() < self.limit || self.closing || special && !self.free.is_empty() {
            Next::New
        } else {
            Next::Nowhere
        }
    }

    /// Keeps a segment for later, unless it is not like the others or there are too many.
    fn keep(&mut self, segment: Segment) -> Option<Segment> {
        if segment.len == self.segment_bytes && self.total() < self.kept {
            self.free.push(segment);
            None
        } else {
            Some(segment)
        }
    }
}
