//! From the changes of a unit to a record in the log, and back if the record is lost.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Base, Fate, Inner, PENDING, Pages, Unit, UnitStage};
use crate::observe::trace;
use crate::store::durability::{Durability, Gatekeeper};
use crate::store::error::StoreError;
use crate::store::log::{Entry, Lsn, Ticket};
use crate::store::record::{self, Extent, Kind};

/// One commit of one actor, as long as the log has it in memory.
pub(crate) struct Commit {
    pages: Arc<Pages>,
    unit: u64,
    lsn: Lsn,
    keeper: Arc<dyn Gatekeeper>,
    /// Whether it was undone.
    lost: bool,
}

impl Entry for Commit {
    fn undo(&mut self) {
        self.pages.lose(self.unit, self.lsn);
        self.lost = true;
    }

    fn settled(&self) {
        self.pages.settle(self.unit);
        self.keeper.advanced();
        if self.lost {
            Arc::clone(&self.keeper).lost();
        }
    }
}

/// A unit whose record is about to be appended.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Prepared {
    unit: u64,
    /// Whether it is the first since the file was up to date.
    pub(in crate::store) first: bool,
}

/// What is appended for some pages: whose it is, the record, and who is told of it.
pub(in crate::store) type Part<'p> = (&'p Arc<Pages>, Prepared, &'p [u8], &'p Arc<dyn Gatekeeper>);

thread_local! {
    /// Where a record is put together, before the lock of the log is taken.
    static RECORD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How much room for records a thread keeps: more than all but bulk imports need.
const RECORD_KEPT: usize = 64 * 1024;

impl Pages {
    /// Puts what the unit changed into the log, as one record.
    ///
    /// `None` if it changed nothing. On an error the unit is undone, and SQLite must be told that the pages changed.
    pub(in crate::store) fn commit(
        self: &Arc<Self>,
        durability: Durability,
        keeper: &Arc<dyn Gatekeeper>,
    ) -> Result<Option<Ticket>, StoreError> {
        RECORD.with(|record| {
            let record = &mut *record.borrow_mut();
            let committed = self.commit_with(durability, keeper, record);
            if record.capacity() > RECORD_KEPT {
                *record = Vec::new();
            }
            committed
        })
    }

    fn commit_with(
        self: &Arc<Self>,
        durability: Durability,
        keeper: &Arc<dyn Gatekeeper>,
        record: &mut Vec<u8>,
    ) -> Result<Option<Ticket>, StoreError> {
        loop {
            let losses = self.volume.log().losses();
            let Some(prepared) = self.prepare(record)? else {
                return Ok(None);
            };
            let part = (self, prepared, &**record, keeper);
            match self.volume.append(durability, losses, &[part]) {
                Ok(Some(lsns)) => {
                    trace::committed(record.len());
                    let finished = self.finish(prepared, lsns[0], durability);
                    return finished.map(Some);
                }
                Ok(None) => self.take_back(prepared),
                Err(error) => {
                    self.rollback();
                    return Err(error);
                }
            }
        }
    }

    /// Writes the record of the unit down, which is about to be appended; `None` if it changed nothing. On an error it is undone.
    ///
    /// How often the log has lost records must be looked at before: what is undone between here and there takes the unit with it.
    pub(super) fn prepare(&self, record: &mut Vec<u8>) -> Result<Option<Prepared>, StoreError> {
        record.clear();
        let mut inner = self.inner.lock();
        if let Err(error) = self.check(&inner) {
            inner.undo_unit();
            return Err(error);
        }
        if !inner.record(&self.name, record) {
            inner.undo_unit();
            return Ok(None);
        }
        let creates = !inner.created;
        let unit = inner.unit.as_mut().expect("it has a record");
        unit.stage = UnitStage::Appending;
        unit.creates = creates;
        Ok(Some(Prepared {
            unit: unit.id,
            first: inner.listed.is_none(),
        }))
    }

    /// Has the unit, if it was not undone, as it was before it was prepared.
    pub(super) fn take_back(&self, prepared: Prepared) {
        let mut inner = self.inner.lock();
        if let Some(unit) = &mut inner.unit
            && unit.id == prepared.unit
        {
            unit.stage = UnitStage::Open;
            unit.creates = false;
        }
    }

    /// Notes the number of the record.
    pub(super) fn finish(
        &self,
        prepared: Prepared,
        lsn: Lsn,
        durability: Durability,
    ) -> Result<Ticket, StoreError> {
        let mut inner = self.inner.lock();
        // It may have been lost meanwhile, and then it is undone.
        self.check(&inner)?;
        Ok(inner.appended(prepared.unit, lsn, durability, prepared.first))
    }

    /// Returns what the log tells of this commit.
    pub(in crate::store) fn entry(
        self: &Arc<Self>,
        prepared: Prepared,
        lsn: Lsn,
        keeper: &Arc<dyn Gatekeeper>,
    ) -> Commit {
        Commit {
            pages: Arc::clone(self),
            unit: prepared.unit,
            lsn,
            keeper: Arc::clone(keeper),
            lost: false,
        }
    }

    /// Undoes a commit that the log has lost; the newest first.
    fn lose(&self, unit: u64, lsn: Lsn) {
        let mut inner = self.inner.lock();
        // A unit that runs meanwhile builds on what is lost.
        if inner.unit.as_ref().is_some_and(|open| open.id > unit) {
            inner.undo_unit();
        }
        if inner.unit.as_ref().is_some_and(|open| open.id == unit) {
            inner.undo_unit();
        } else if let Some(lost) = inner.in_flight.pop_back_if(|last| last.id == unit) {
            inner.created &= !lost.creates;
            inner.restore(*lost);
        }
        inner.fate = Fate::Lost(lsn);
    }

    /// Forgets how to undo a commit that the log is done with.
    fn settle(&self, unit: u64) {
        let mut inner = self.inner.lock();
        match &mut inner.unit {
            Some(open) if open.id == unit => open.stage = UnitStage::Settled,
            _ => {
                while inner
                    .in_flight
                    .pop_front_if(|first| first.id <= unit)
                    .is_some()
                {}
                if inner.in_flight.is_empty() {
                    inner.in_flight.shrink_to(4);
                }
            }
        }
    }
}

impl Inner {
    /// Puts the record of the unit together. Returns whether there is anything to record.
    fn record(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let Some(unit) = &self.unit else {
            return false;
        };
        if unit.ends {
            record::write_end(out, name);
            return true;
        }
        let kind = match &self.base {
            Base::Image(image) if !self.created => Kind::Creation(*image.hash()),
            _ => Kind::Changes,
        };
        let extent = Extent {
            page_size: self.page_size,
            count: self.count,
            kept: unit.kept,
        };
        record::write_changes(out, name, kind, extent);
        let head = out.len();
        let zeros = if unit.kept < self.count {
            vec![0; self.page_size as usize]
        } else {
            Vec::new()
        };
        for before in &unit.before {
            let Some(page) = self.dirty.get(&before.number) else {
                continue;
            };
            let was = if before.number <= unit.kept {
                &*before.bytes
            } else {
                &*zeros
            };
            record::write_page(out, before.number, was, &page.bytes);
        }
        let same_size = self.count == unit.count && unit.kept == unit.count;
        out.len() > head || !same_size || matches!(kind, Kind::Creation(_))
    }

    /// Notes the number of the commit that a unit became.
    fn appended(&mut self, id: u64, lsn: Lsn, durability: Durability, first: bool) -> Ticket {
        let unit = self.unit.take_if(|unit| unit.id == id);
        let mut unit = unit.expect("only a lost commit takes the unit away");
        for before in &unit.before {
            if let Some(page) = self.dirty.get_mut(&before.number)
                && page.lsn == PENDING
            {
                page.lsn = lsn;
            }
        }
        if first {
            self.listed = Some(lsn);
        }
        if unit.ends {
            self.fate = Fate::Ended;
        }
        self.created = true;
        self.last.written = lsn;
        if durability == Durability::Synced {
            self.last.synced = lsn;
        }
        if unit.stage != UnitStage::Settled {
            unit.stage = UnitStage::Open;
            unit.lsn = lsn;
            self.in_flight.push_back(unit);
        }
        self.last
    }
}

impl Unit {
    /// Returns whether pages of before are gone, which nobody but the unit knows.
    pub(super) fn has_cut(&self) -> bool {
        self.kept < self.count
    }
}
