//! From dirty pages to the actor's file.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Weak};

use parking_lot::MutexGuard;

use super::{Base, Before, Fate, Inner, PENDING, Page, Pages, ReadAt as _, Unit, UnitStage, base};
use crate::store::disk::DiskFile;
use crate::store::log::{Lsn, Ticket};
use crate::store::record::{Event, Extent, Kind, Record};

/// A page as it was at one moment, and the commit that changed it last.
type Copied = (u32, Box<[u8]>, Lsn);

/// What is committed and not in the file, at one moment.
pub(in crate::store) struct Snapshot {
    pages: Vec<Copied>,
    extent: Extent,
    /// Whether the file is made anew.
    whole: bool,
}

impl Snapshot {
    /// Returns how many bytes of pages it has.
    pub(in crate::store) fn bytes(&self) -> u64 {
        self.pages.len() as u64 * u64::from(self.extent.page_size)
    }
}

/// What [`Pages::snapshot`] found.
pub(in crate::store) struct Taken {
    /// What goes to the file; nothing if the file has everything.
    pub(in crate::store) snapshot: Option<Snapshot>,
    /// By which commit the pages were listed before.
    pub(in crate::store) listed: Option<Lsn>,
    /// By which commit they are listed now.
    pub(in crate::store) rest: Option<Lsn>,
    /// INVARIANT 3: the commit up to which the log must be synced before any of it goes to the file.
    pub(in crate::store) needs: Lsn,
}

/// Nothing can be said of the pages right now: a commit is under way.
#[derive(Debug)]
pub(in crate::store) struct Busy;

impl Pages {
    /// Keeps others from writing to the file. Taken before a snapshot, and held until it is written.
    pub(in crate::store) fn lock_file(&self) -> MutexGuard<'_, ()> {
        self.writing.lock()
    }

    /// Returns what the log has on disk and the file has not.
    ///
    /// The pages are listed by their first commit that is not on disk from here on, or not at all; the next commit lists them then.
    pub(in crate::store) fn snapshot(&self) -> io::Result<Result<Taken, Busy>> {
        let mut inner = self.inner.lock();
        if inner
            .unit
            .as_ref()
            .is_some_and(|unit| unit.stage != UnitStage::Open)
        {
            return Ok(Err(Busy));
        }
        // INVARIANT 3. What is synced is never undone, and who is told so may not have come to it yet.
        let durable = self.volume.log().durable();
        while inner
            .in_flight
            .pop_front_if(|first| first.lsn <= durable)
            .is_some()
        {}
        let rest = inner.in_flight.front().map(|unit| unit.lsn);
        let listed = std::mem::replace(&mut inner.listed, rest);
        let snapshot = take(&mut inner)?;
        let needs = match &snapshot {
            // A commit that needs no sync is settled when it is only written.
            Some(snapshot) => snapshot.pages.iter().map(|page| page.2).max(),
            None => inner.has_ended().then_some(inner.last.written),
        };
        Ok(Ok(Taken {
            snapshot,
            listed,
            rest,
            needs: needs.unwrap_or(Lsn::NONE),
        }))
    }

    /// Returns the last commit that the log has, or may still have, and that the file has not.
    pub(in crate::store) fn last_kept(&self) -> Lsn {
        self.inner.lock().last_kept()
    }

    /// Returns whether the actor was destroyed, and the log is done with that.
    pub(in crate::store) fn has_ended(&self) -> bool {
        self.inner.lock().has_ended()
    }

    /// Has the pages serve an actor that starts again from what was not lost.
    pub(in crate::store) fn start_again(&self) {
        let mut inner = self.inner.lock();
        if matches!(inner.fate, Fate::Lost(_)) {
            inner.fate = Fate::Good;
            // Nobody waits any more for what was lost.
            inner.last = Ticket::synced_to(inner.last_kept());
        }
    }

    /// Puts back what [`snapshot`](Self::snapshot) took off the list. The volume has kept its own entry.
    pub(in crate::store) fn relist(&self, first: Option<Lsn>) {
        let mut inner = self.inner.lock();
        inner.listed = first.or(inner.listed);
    }

    /// Removes the file of an actor that has ended, once. Held by the caller: the lock of the file.
    pub(in crate::store) fn remove_file(&self) -> io::Result<()> {
        let first = {
            let mut inner = self.inner.lock();
            inner.file = None;
            matches!(inner.fate, Fate::Ended) && !std::mem::replace(&mut inner.removed, true)
        };
        // A new actor may have taken the name once this was tried, unless the name is known to be an old one's.
        if first || self.volume.is_orphan(&self.name) {
            return self.volume.remove_file(&self.name);
        }
        Ok(())
    }

    /// Returns the file of an actor that has nothing more to write, to sync it; none if it never had one or has ended.
    pub(in crate::store) fn finished_file(&self) -> io::Result<Option<Arc<dyn DiskFile>>> {
        let (ended, created) = {
            let inner = self.inner.lock();
            (inner.has_ended(), inner.created)
        };
        if ended {
            return self.remove_file().map(|()| None);
        }
        if !created {
            return Ok(None);
        }
        match self.volume.open_file(&self.name) {
            Ok(file) => Ok(Some(file)),
            // It was destroyed since, and what comes next of that is listed by itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a snapshot to the file; it is not synced here.
    pub(in crate::store) fn write_back(
        &self,
        snapshot: &mut Snapshot,
    ) -> io::Result<Arc<dyn DiskFile>> {
        let file = if snapshot.whole {
            self.volume.create_file(&self.name)?
        } else {
            let mut inner = self.inner.lock();
            self.file(&mut inner)?
        };
        let size = u64::from(snapshot.extent.page_size);
        let mut last = [0; 4];
        if !snapshot.whole {
            file.read_at(&mut last, 24)?;
        }
        let last = u32::from_be_bytes(last);
        let first = snapshot.pages.first_mut().filter(|page| page.0 == 1);
        if let Some((_, bytes, _)) = first {
            base::advance_header_counters(bytes, last);
        } else {
            let next = last.wrapping_add(1).to_be_bytes();
            file.write_at(&next, 24)?;
            file.write_at(&next, 92)?;
        }
        for (number, bytes, _) in &snapshot.pages {
            file.write_at(bytes, u64::from(number - 1) * size)?;
        }
        let length = u64::from(snapshot.extent.count) * size;
        if file.len()? != length {
            file.set_len(length)?;
        }
        Ok(file)
    }

    /// Notes that a snapshot is in the file.
    pub(in crate::store) fn written(&self, snapshot: &Snapshot, file: Arc<dyn DiskFile>) {
        let mut inner = self.inner.lock();
        // Pages that are gone since would come back with the file; they stay dirty until the next time.
        if inner.cut {
            return;
        }
        let count = snapshot.extent.count;
        inner.base = Base::File;
        inner.base_count = count;
        // None of them has cut anything off, so what they go back to has all pages of the file too.
        let inner = &mut *inner;
        for unit in inner.unit.iter_mut().chain(&mut inner.in_flight) {
            unit.base_count = count;
        }
        if inner.file.is_none() {
            self.volume.note_open(Weak::clone(&self.this));
        }
        inner.file = Some(file);
        for (number, _, lsn) in &snapshot.pages {
            inner.clean(*number, *lsn);
        }
    }

    /// Returns whether everything that is committed is in the file.
    pub(in crate::store) fn is_clean(&self) -> bool {
        let inner = self.inner.lock();
        match inner.fate {
            Fate::Ended => true,
            Fate::Good | Fate::Lost(_) => {
                !inner.created || matches!(inner.base, Base::File) && inner.dirty.is_empty()
            }
        }
    }

    /// Applies a record of the log, to bring a file up to date after a crash.
    pub(in crate::store) fn replay(&self, record: &Record<'_>, lsn: Lsn) -> io::Result<()> {
        let Event::Changed {
            kind,
            extent,
            pages,
        } = &record.event
        else {
            return Ok(());
        };
        let mut inner = self.inner.lock();
        if extent.page_size != inner.page_size {
            return Err(io::Error::other("the log has pages of another size"));
        }
        inner.created = true;
        debug_assert!(
            matches!(kind, Kind::Changes) || matches!(inner.base, Base::Image(_)),
            "a creation begins with an image"
        );
        let _gone = inner.dirty.split_off(&extent.kept.saturating_add(1));
        inner.base_count = inner.base_count.min(extent.kept);
        inner.count = extent.count;
        for change in pages {
            let mut bytes = if let Some(page) = inner.dirty.remove(&change.number) {
                page.bytes
            } else {
                let mut bytes = vec![0; extent.page_size as usize].into_boxed_slice();
                self.read_base(&mut inner, change.number, 0, &mut bytes)?;
                bytes
            };
            for (at, range) in &change.ranges {
                bytes[*at..*at + range.len()].copy_from_slice(range);
            }
            inner.dirty.insert(change.number, Page { bytes, lsn });
        }
        Ok(())
    }
}

/// Takes a snapshot of what is committed, if the file has not got everything.
fn take(inner: &mut Inner) -> io::Result<Option<Snapshot>> {
    if inner.has_ended() || !inner.created || inner.creates_later() {
        return Ok(None);
    }
    let (count, base_count) = inner.committed_size();
    let whole = matches!(inner.base, Base::Image(_));
    let mut pages = inner.committed();
    if !whole && pages.is_empty() && count == base_count {
        return Ok(None);
    }
    let (base, size) = (&inner.base, inner.page_size);
    add_missing(&mut pages, (base, base_count), (count, size))?;
    let cut = inner.units().any(Unit::has_cut);
    inner.cut = cut;
    Ok(Some(Snapshot {
        pages,
        extent: Extent {
            page_size: inner.page_size,
            count,
            kept: count,
        },
        whole,
    }))
}

/// Adds the pages that are not dirty and that the file may not have: those of the image, of which so many count, and those by which
/// the database has grown without a write to them. These are zeros, which the log counts on: the file may still have what was cut off
/// there before.
fn add_missing(
    pages: &mut Vec<Copied>,
    (base, base_count): (&Base, u32),
    (count, size): (u32, u32),
) -> io::Result<()> {
    let first = match base {
        Base::Image(_) => 1,
        Base::File => base_count.saturating_add(1),
    };
    let behind = pages.partition_point(|page| page.0 < first);
    let mut dirty = pages.split_off(behind).into_iter().peekable();
    for number in first..=count {
        if let Some(page) = dirty.next_if(|page| page.0 == number) {
            pages.push(page);
            continue;
        }
        let mut bytes = vec![0; size as usize].into_boxed_slice();
        if let Base::Image(image) = base
            && number <= base_count
        {
            image.read_at(u64::from(number - 1) * u64::from(size), &mut bytes)?;
        }
        pages.push((number, bytes, Lsn::NONE));
    }
    Ok(())
}

impl Inner {
    /// Returns what is committed and not on disk, and then what is not committed, oldest first.
    fn units(&self) -> impl Iterator<Item = &Unit> {
        let all = self.in_flight.iter().chain(&self.unit);
        all.map(|unit| &**unit)
    }

    /// Returns whether the actor was destroyed, and the log is done with that.
    fn has_ended(&self) -> bool {
        // An end that is undone leaves an actor that needs its file.
        matches!(self.fate, Fate::Ended) && !self.in_flight.iter().any(|unit| unit.ends)
    }

    /// Returns the last commit that the log has, or may still have, and that the file has not.
    fn last_kept(&self) -> Lsn {
        let ended = matches!(self.fate, Fate::Ended).then_some(self.last.written);
        let in_flight = self.in_flight.back().map(|unit| unit.lsn);
        let dirty = self.dirty.values().map(|page| page.lsn);
        let dirty = dirty.filter(|lsn| *lsn != PENDING).max();
        ended.max(in_flight).max(dirty).unwrap_or(Lsn::NONE)
    }

    /// Returns whether the actor begins with a commit that is not on disk.
    fn creates_later(&self) -> bool {
        self.in_flight.iter().any(|unit| unit.creates)
    }

    /// Returns how many pages there are on disk in the log, and how many of the base count there.
    fn committed_size(&self) -> (u32, u32) {
        self.units()
            .next()
            .map_or((self.count, self.base_count), |unit| {
                (unit.count, unit.base_count)
            })
    }

    /// Returns the dirty pages as the log has them on disk.
    fn committed(&self) -> Vec<Copied> {
        let mut before: BTreeMap<u32, &Before> = BTreeMap::new();
        for unit in self.units() {
            for page in &unit.before {
                // The oldest is what was there before all of them.
                before.entry(page.number).or_insert(page);
            }
        }
        let mut pages = Vec::with_capacity(self.dirty.len());
        for (number, page) in &self.dirty {
            if !before.contains_key(number) {
                pages.push((*number, page.bytes.clone(), page.lsn));
            }
        }
        for (number, page) in before {
            if let Some(lsn) = page.dirty {
                pages.push((number, page.bytes.clone(), lsn));
            }
        }
        pages.sort_unstable_by_key(|page| page.0);
        pages
    }

    /// Notes that a page is in the file as a commit left it, wherever it is still kept.
    fn clean(&mut self, number: u32, lsn: Lsn) {
        if self.dirty.get(&number).is_some_and(|page| page.lsn == lsn) {
            self.dirty.remove(&number);
        }
        for unit in self.unit.iter_mut().chain(&mut self.in_flight) {
            for before in &mut unit.before {
                if before.number == number && before.dirty == Some(lsn) {
                    before.dirty = None;
                }
            }
        }
    }
}
