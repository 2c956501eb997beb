//! What stands between two calls: nothing that one leaves on the connection is there for the next.

use diesel::connection::{
    AnsiTransactionManager, Connection, SimpleConnection as _, TransactionDepthChange,
    TransactionManager as _, TransactionManagerStatus,
};
use diesel::result::QueryResult;

use super::Db;
use super::connection::error;
use crate::store::sqlite::Mode;

impl Db {
    /// Makes Diesel believe that one transaction is open, whatever the last call left, so that
    /// those of the next call are savepoints in it.
    pub(super) fn end_transactions(&mut self) {
        self.fresh = true;
        if self.heard.reset() != 0 {
            self.left_open = true;
        }
        note_one_open(self);
    }

    /// Refuses to keep what was done in a transaction of Diesel's that nobody ended.
    pub(super) fn check_left_open(&self) -> QueryResult<()> {
        if self.left_open {
            return Err(error("a transaction of Diesel's was begun and not ended"));
        }
        Ok(())
    }

    /// Ends the statements of cursors that were never dropped: the next call may run the same ones,
    /// and SQLite commits nothing while one of them writes.
    pub(super) fn end_cursors(&mut self) {
        if let Some(guarded) = &self.guarded
            && guarded.policy().unfinished.get() != 0
        {
            guarded.end_statements();
        }
    }

    /// Has SQLite check foreign keys immediately again, as the next call expects it.
    pub(super) fn end_deferral(&mut self) -> QueryResult<()> {
        let Some(guarded) = &mut self.guarded else {
            return Ok(());
        };
        if !guarded.policy().defers.get() {
            return Ok(());
        }
        let before = guarded.policy().mode.replace(Mode::Internal);
        let ended = guarded
            .connection
            .batch_execute("PRAGMA defer_foreign_keys = OFF");
        guarded.policy().mode.set(before);
        ended
    }
}

/// Notes in Diesel's transaction manager that one transaction is open, and nothing else.
pub(super) fn note_one_open<C>(connection: &mut C)
where
    C: Connection<TransactionManager = AnsiTransactionManager>,
{
    *connection.transaction_state() = AnsiTransactionManager::default();
    let status = AnsiTransactionManager::transaction_manager_status_mut(connection);
    if let TransactionManagerStatus::Valid(valid) = status {
        let noted = valid.change_transaction_depth(TransactionDepthChange::IncreaseDepth);
        debug_assert!(noted.is_ok(), "it only fails to count down");
    }
}
