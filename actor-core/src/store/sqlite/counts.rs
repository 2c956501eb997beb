//! [`Counts`]: what SQL can ask of a connection is the running call's own, such as
//! `last_insert_rowid()`.
//!
//! # Invariants
//!
//! 1. A call begins with counters of zero, whoever used the connection before it.
//! 2. Work of the framework's in the middle of a call leaves the counters as they were.

use libsqlite3_sys as ffi;

use super::policy::Shown;
use super::{Guarded, Own};

/// What the counters of a connection were before work of the framework's.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Counts {
    last_rowid: i64,
    changes: i64,
    total: i64,
}

impl Guarded {
    fn raw_changes(&self) -> i64 {
        // SAFETY: the handle is open (invariant 1 of the module above).
        unsafe { ffi::sqlite3_changes64(self.handle) }
    }

    fn raw_total(&self) -> i64 {
        // SAFETY: as above.
        unsafe { ffi::sqlite3_total_changes64(self.handle) }
    }

    fn set_last_rowid(&self, last: i64) {
        // SAFETY: as above.
        unsafe { ffi::sqlite3_set_last_insert_rowid(self.handle, last) };
    }

    /// Returns how many rows the last statement of the running call changed that changes rows.
    pub(in crate::store) fn changed_rows(&self) -> i64 {
        let shown = self.policy.shown.get();
        shown.now(self.raw_changes(), self.raw_total())
    }

    /// INVARIANT 1: begins to count for another call.
    pub(in crate::store) fn begin_counts(&self) {
        self.set_last_rowid(0);
        let (raw, total) = (self.raw_changes(), self.raw_total());
        self.policy.foreign.set(total);
        self.policy.shown.set(Shown {
            changes: 0,
            raw,
            total,
        });
    }

    /// Returns the counters of the running call.
    pub(in crate::store) fn counts(&self) -> Counts {
        Counts {
            // SAFETY: as above.
            last_rowid: unsafe { ffi::sqlite3_last_insert_rowid(self.handle) },
            changes: self.changed_rows(),
            total: self.raw_total(),
        }
    }

    /// INVARIANT 2: puts the counters back.
    pub(in crate::store) fn restore_counts(&mut self, before: Counts) {
        self.set_last_rowid(before.last_rowid);
        if self.raw_changes() == 0 && before.changes != 0 {
            // SQLite's own count is 0 after a change of no row, and another change of no row would
            // not alter it. So one row is written as it is, and the call's next change is noticed.
            self.run(Own::Touch);
        }
        let (raw, total) = (self.raw_changes(), self.raw_total());
        let foreign = &self.policy.foreign;
        foreign.set(foreign.get() + total - before.total);
        self.policy.shown.set(Shown {
            changes: before.changes,
            raw,
            total,
        });
    }

    /// Ends all statements that are in progress: those of cursors that nobody dropped.
    ///
    /// No cursor is reachable between two calls, because it borrows what a call is lent, so nobody
    /// steps such a statement again.
    pub(in crate::store) fn end_statements(&self) {
        self.policy.unfinished.set(0);
        let mut statement = std::ptr::null_mut();
        loop {
            // SAFETY: the handle is open, and `statement` is null or one of its statements, none of
            // which is finalized here. One without a text is a virtual table's handle of a BLOB,
            // which stays.
            unsafe {
                statement = ffi::sqlite3_next_stmt(self.handle, statement);
                if statement.is_null() {
                    return;
                }
                if ffi::sqlite3_stmt_busy(statement) != 0 && !ffi::sqlite3_sql(statement).is_null()
                {
                    self.policy.leaked.set(true);
                    ffi::sqlite3_reset(statement);
                    // What was bound may be gone by now.
                    ffi::sqlite3_clear_bindings(statement);
                }
            }
        }
    }

    /// Returns whether a cursor was never dropped.
    pub(in crate::store) fn has_leaked(&self) -> bool {
        self.policy.leaked.get() || (self.is_busy() && self.is_autocommit())
    }
}
