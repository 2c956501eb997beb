//! [`Pages`]: the database of one awake actor, as the pages that SQLite reads and writes.
//!
//! A page is found in this order: among the dirty ones, in the base (the image of the actor's type, or the actor's own file),
//! or it is zeros.
//!
//! # Invariants
//!
//! 1. What was changed since the last commit is the *unit*. It has what was there before each of its pages, so that it can be undone,
//!    and so that others see what is committed only.
//! 2. A page is dirty from its first change until it is in the file, and no change of it came meanwhile.
//! 3. Pages go to the file only when the log has them on disk: there is nothing that could undo a page in a file.
//! 4. After a commit of these pages was lost, nothing is committed any more and nothing that was lost goes to the file.

mod base;
mod commit;
mod pair;
mod write_back;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use base::header_counters;
pub(super) use base::{Base, HEADER, Image, ReadAt, has_own_log};
pub(super) use commit::{Commit, Part};
pub(super) use pair::{Pair, commit_pair};
pub(super) use write_back::{Busy, Snapshot, Taken};

use super::disk::DiskFile;
use super::error::StoreError;
use super::log::{Lsn, Ticket};
use super::record::Extent;
use super::volume::Volume;

/// Stands for the number of a commit that is not made yet.
const PENDING: Lsn = Lsn::LAST;

/// The database of one awake actor.
pub(crate) struct Pages {
    this: Weak<Self>,
    volume: Arc<Volume>,
    /// The file, below the data directory.
    name: Box<str>,
    /// Held by whoever writes to the file.
    writing: Mutex<()>,
    inner: Mutex<Inner>,
}

struct Inner {
    page_size: u32,
    /// How many pages there are, with those of the unit.
    count: u32,
    base: Base,
    /// How many pages of the base count.
    base_count: u32,
    dirty: BTreeMap<u32, Page>,
    /// INVARIANT 1
    unit: Option<Box<Unit>>,
    /// How often a unit began.
    units: u64,
    /// Units that are committed and not settled by the log, oldest first.
    in_flight: VecDeque<Box<Unit>>,
    /// Whether the database became smaller since the last snapshot.
    cut: bool,
    /// Whether the first commit, which creates the actor, was made.
    created: bool,
    /// Whether the file of an actor that has ended was removed, or that was tried.
    removed: bool,
    /// What the last commits wait for.
    last: Ticket,
    /// The first commit that is not in the file, as the volume knows it.
    listed: Option<Lsn>,
    fate: Fate,
    /// The open file; it may be closed at any time.
    file: Option<Arc<dyn DiskFile>>,
}

/// A page that is not in the base like this.
struct Page {
    bytes: Box<[u8]>,
    /// The commit that changed it last.
    lsn: Lsn,
}

/// What changed since the last commit, as it was before.
struct Unit {
    id: u64,
    /// The number of its commit, once it has one.
    lsn: Lsn,
    count: u32,
    base_count: u32,
    /// How many of the pages from before were there all the time.
    kept: u32,
    before: Vec<Before>,
    /// Whether the commit of the unit creates the actor.
    creates: bool,
    /// Whether the commit of the unit ends the actor.
    ends: bool,
    stage: UnitStage,
}

/// How far a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnitStage {
    /// SQLite writes.
    Open,
    /// Its record is about to be in the log; its number is not known here yet.
    Appending,
    /// The log was done with it before its number was known here.
    Settled,
}

/// One page as it was before the unit.
struct Before {
    number: u32,
    bytes: Box<[u8]>,
    /// The commit that it was dirty from; none if it was not.
    dirty: Option<Lsn>,
}

/// What became of an actor's pages.
enum Fate {
    /// They are as they should be.
    Good,
    /// INVARIANT 4: a commit was lost, and is undone here.
    Lost(Lsn),
    /// The actor was destroyed.
    Ended,
}

impl Pages {
    /// Makes the pages of a new actor of a type's image. Nothing is on disk before the first commit.
    pub(super) fn new(volume: Arc<Volume>, name: &str, image: Arc<Image>) -> Arc<Self> {
        let extent = image.extent();
        Self::with(volume, name, Base::Image(image), extent, None)
    }

    /// Opens the pages of a file that holds a database, from the first bytes of it.
    pub(super) fn open(
        volume: Arc<Volume>,
        name: &str,
        file: Arc<dyn DiskFile>,
    ) -> io::Result<Arc<Self>> {
        let extent = base::read_extent(&*file)?;
        let pages = Self::with(volume, name, Base::File, extent, Some(file));
        pages.volume.note_open(Weak::clone(&pages.this));
        Ok(pages)
    }

    pub(super) fn with(
        volume: Arc<Volume>,
        name: &str,
        base: Base,
        extent: Extent,
        file: Option<Arc<dyn DiskFile>>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            volume,
            name: name.into(),
            writing: Mutex::new(()),
            inner: Mutex::new(Inner {
                page_size: extent.page_size,
                count: extent.count,
                base,
                base_count: extent.count,
                dirty: BTreeMap::new(),
                unit: None,
                units: 0,
                in_flight: VecDeque::new(),
                cut: false,
                created: file.is_some(),
                removed: false,
                last: Ticket::default(),
                listed: None,
                fate: Fate::Good,
                file,
            }),
        })
    }

    /// Returns the file, below the data directory.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what all actors of the store share.
    pub(super) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// Returns how many bytes the database has.
    pub(super) fn size(&self) -> u64 {
        let inner = self.inner.lock();
        u64::from(inner.count) * u64::from(inner.page_size)
    }

    /// Reads from `offset` on, and returns how much there was.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.inner.lock();
        let size = u64::from(inner.page_size);
        let mut done = 0;
        while done < buffer.len() {
            let at = offset + done as u64;
            let number = u32::try_from(at / size + 1).map_err(io::Error::other)?;
            if number > inner.count {
                break;
            }
            let from = usize::try_from(at % size).expect("less than a page");
            let length = (inner.page_size as usize - from).min(buffer.len() - done);
            self.read_page(&mut inner, number, from, &mut buffer[done..done + length])?;
            done += length;
        }
        Ok(done)
    }

    /// Reads a part of a page that exists.
    fn read_page(
        &self,
        inner: &mut Inner,
        number: u32,
        from: usize,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        if let Some(page) = inner.dirty.get(&number) {
            buffer.copy_from_slice(&page.bytes[from..from + buffer.len()]);
            return Ok(());
        }
        self.read_base(inner, number, from, buffer)
    }

    /// Reads a part of a page as it is in the base.
    fn read_base(
        &self,
        inner: &mut Inner,
        number: u32,
        from: usize,
        buffer: &mut [u8],
    ) -> io::Result<()> {
        if number > inner.base_count {
            buffer.fill(0);
            return Ok(());
        }
        let offset = u64::from(number - 1) * u64::from(inner.page_size) + from as u64;
        match &inner.base {
            Base::Image(image) => {
                let at = usize::try_from(offset).expect("the image is in memory");
                buffer.copy_from_slice(&image.bytes()[at..at + buffer.len()]);
                Ok(())
            }
            Base::File => {
                let file = self.file(inner)?;
                if file.read_at(buffer, offset)? < buffer.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(())
            }
        }
    }

    /// Returns the file, opened again if it was closed to make room for others.
    fn file(&self, inner: &mut Inner) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(file) = &inner.file {
            return Ok(Arc::clone(file));
        }
        let file = self.volume.open_file(&self.name)?;
        self.volume.note_open(Weak::clone(&self.this));
        inner.file = Some(Arc::clone(&file));
        Ok(file)
    }

    /// Writes one whole page.
    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let size = u64::from(inner.page_size);
        if bytes.len() as u64 != size || !offset.is_multiple_of(size) {
            return Err(io::Error::other("a write that is not one page"));
        }
        let number = u32::try_from(offset / size + 1).map_err(io::Error::other)?;
        inner.begin();
        if let Some(page) = inner.dirty.get_mut(&number)
            && page.lsn == PENDING
        {
            let counters = (number == 1).then(|| header_counters(&page.bytes));
            page.bytes.copy_from_slice(bytes);
            if let Some(counters) = counters {
                base::set_header_counters(&mut page.bytes, counters);
            }
            return Ok(());
        }
        self.write_first(&mut inner, number, bytes)
    }

    /// Writes a page that the unit does not have yet.
    fn write_first(&self, inner: &mut Inner, number: u32, bytes: &[u8]) -> io::Result<()> {
        let mut after: Box<[u8]> = bytes.into();
        let known = number <= inner.count;
        let (before, dirty) = if let Some(page) = inner.dirty.remove(&number) {
            (page.bytes, Some(page.lsn))
        } else {
            let mut before = vec![0; bytes.len()].into_boxed_slice();
            if known {
                self.read_base(inner, number, 0, &mut before)?;
            }
            (before, None)
        };
        if number == 1 {
            base::set_header_counters(&mut after, header_counters(&before));
        }
        if known && before == after {
            if let Some(lsn) = dirty {
                inner.dirty.insert(number, Page { bytes: before, lsn });
            }
            return Ok(());
        }
        inner.count = inner.count.max(number);
        let page = Page {
            bytes: after,
            lsn: PENDING,
        };
        inner.dirty.insert(number, page);
        let unit = inner.unit.as_mut().expect("it was begun");
        unit.before.push(Before {
            number,
            bytes: before,
            dirty,
        });
        Ok(())
    }

    /// Cuts the database to a size.
    pub(super) fn truncate(&self, size: u64) -> io::Result<()> {
        let mut inner = self.inner.lock();
        let count = size.div_ceil(u64::from(inner.page_size));
        let count = u32::try_from(count).map_err(io::Error::other)?;
        inner.begin();
        let gone = inner.dirty.split_off(&count.saturating_add(1));
        let unit = inner.unit.as_mut().expect("it was begun");
        for (number, page) in gone {
            if page.lsn != PENDING {
                unit.before.push(Before {
                    number,
                    bytes: page.bytes,
                    dirty: Some(page.lsn),
                });
            }
        }
        unit.kept = unit.kept.min(count);
        inner.count = count;
        inner.base_count = inner.base_count.min(count);
        inner.cut = true;
        Ok(())
    }

    /// Undoes the unit. SQLite must be told that the pages changed.
    pub(super) fn rollback(&self) {
        self.inner.lock().undo_unit();
    }

    /// Returns what a reply must wait for that has seen what is committed so far.
    pub(super) fn so_far(&self) -> Result<Ticket, StoreError> {
        let inner = self.inner.lock();
        self.check(&inner)?;
        Ok(inner.last)
    }

    /// INVARIANT 4
    fn check(&self, inner: &Inner) -> Result<(), StoreError> {
        let Fate::Lost(lsn) = inner.fate else {
            return Ok(());
        };
        match self.volume.log().check(Ticket::synced_to(lsn)) {
            Err(source) => Err(StoreError::Lost { source }),
            Ok(_) => Err(StoreError::Interrupted {
                message: "a commit was lost".to_owned(),
            }),
        }
    }

    /// Returns whether a commit was lost, so that what others have read of the pages is not what they are.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.inner.lock().fate, Fate::Lost(_))
    }

    /// Says that the next commit ends the actor.
    pub(super) fn end_with_unit(&self) {
        let mut inner = self.inner.lock();
        inner.begin();
        inner.unit.as_mut().expect("it was begun").ends = true;
    }

    /// Closes the file until it is needed again. Returns whether it did: the pages may be in use.
    pub(super) fn close_file(&self) -> bool {
        self.inner
            .try_lock()
            .map(|mut inner| inner.file = None)
            .is_some()
    }
}

impl Inner {
    /// Begins the unit, if it has not begun.
    fn begin(&mut self) {
        if self.unit.is_none() {
            self.units += 1;
            self.unit = Some(Box::new(Unit {
                id: self.units,
                lsn: PENDING,
                count: self.count,
                base_count: self.base_count,
                kept: self.count,
                before: Vec::new(),
                creates: false,
                ends: false,
                stage: UnitStage::Open,
            }));
        }
    }

    /// Puts everything back that the unit changed.
    fn undo_unit(&mut self) {
        let Some(unit) = self.unit.take() else {
            return;
        };
        self.restore(*unit);
    }

    /// Puts everything back that a unit changed, which was the last.
    fn restore(&mut self, unit: Unit) {
        // Newest first: a page that was cut off and written again is there twice.
        for before in unit.before.into_iter().rev() {
            match before.dirty {
                Some(lsn) => {
                    let page = Page {
                        bytes: before.bytes,
                        lsn,
                    };
                    self.dirty.insert(before.number, page);
                }
                None => {
                    self.dirty.remove(&before.number);
                }
            }
        }
        self.count = unit.count;
        self.base_count = unit.base_count;
    }
}

impl ReadAt for Pages {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(offset, buffer)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
