//! The one place that calls SQLite's C interface directly.
//!
//! Diesel owns the connection. What it does not offer is added through the raw handle: an authorizer, which
//! keeps handlers out of the framework's transaction and tables, and a deadline for running statements.
//!
//! # Invariants
//!
//! 1. A [`Guarded`] holds the only path to its raw handle, and the handle is closed by the Diesel connection
//!    in the same struct. No pointer to it leaves this module.
//! 2. The [`Policy`] that the callbacks point to lives longer than the connection: fields drop in their order.
//! 3. A connection is used by one thread at a time; callbacks run on that thread, inside of a call on it.
//! 4. Our own statements are finalized before the connection is closed: fields drop in their order.
#![allow(unsafe_code)]

mod counts;
mod policy;
mod vfs;

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;
use std::sync::{Arc, Once};

use diesel::connection::CacheSize;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError};
use libsqlite3_sys as ffi;

pub(super) use self::policy::{Mode, Policy};
use self::vfs::Mount;
use super::pages::Pages;
use crate::limits;

/// A statement of the framework's that runs often, and is prepared once for each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Begin,
    Commit,
    Rollback,
    /// Begins what belongs to one call.
    SaveCall,
    /// Keeps what belongs to one call.
    ReleaseCall,
    /// Undoes what belongs to one call.
    UndoCall,
    /// Changes one row, and nothing in it.
    Touch,
}

impl Own {
    const COUNT: usize = 7;

    /// Returns the statement.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::SaveCall => "SAVEPOINT _actor_call",
            Self::ReleaseCall => "RELEASE _actor_call",
            Self::UndoCall => "ROLLBACK TO _actor_call",
            Self::Touch => "UPDATE _actor_meta SET format = format",
        }
    }
}

/// A prepared statement.
struct Statement(*mut ffi::sqlite3_stmt);

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: it was prepared on a connection that is still open (invariant 4), and nobody else has it.
        unsafe { ffi::sqlite3_finalize(self.0) };
    }
}

/// A Diesel connection with our callbacks on its handle.
pub(super) struct Guarded {
    // INVARIANT 4: declared, and so dropped, before the connection.
    own: [Option<Statement>; Own::COUNT],
    // INVARIANT 2: the connection is declared, and so dropped, before the policy.
    pub(super) connection: SqliteConnection,
    handle: *mut ffi::sqlite3,
    policy: Rc<Policy>,
    /// What lies under a connection of our VFS.
    mount: Option<Rc<Mount>>,
    /// How many statements ran since their memory was looked at.
    statements: u32,
}

// SAFETY: `SqliteConnection` is `Send`. The handle is the connection's own, and the policy and the mount (ours and
// the pointers that SQLite has) move together with it, so that only one thread at a time reaches them (invariant 3).
unsafe impl Send for Guarded {}

thread_local! {
    /// The handle that the last `sqlite3_open_v2` of this thread made.
    static OPENED: Cell<*mut ffi::sqlite3> = const { Cell::new(std::ptr::null_mut()) };
}

/// Runs inside every `sqlite3_open_v2` and leaves the new handle in [`OPENED`].
unsafe extern "C" fn note_opened(
    handle: *mut ffi::sqlite3,
    _message: *mut *mut c_char,
    _api: *const c_void,
) -> c_int {
    OPENED.with(|opened| opened.set(handle));
    ffi::SQLITE_OK
}

/// Asks SQLite to call [`note_opened`] for every connection of this process.
fn note_handles() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A connection of Diesel's is used by one thread at a time, so SQLite need not lock it, and nobody asks how much
        // memory it has. Both are refused, and not needed, when the program used SQLite before us.
        // SAFETY: both options take the arguments given, and SQLite checks itself that it was not initialized yet.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MULTITHREAD);
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0 as c_int);
        }
        // SAFETY: `note_opened` has the signature that SQLite documents for extension entry points. The binding's type
        // for it differs between the releases of libsqlite3-sys, hence the transmute to what the function takes.
        #[allow(
            clippy::missing_transmute_annotations,
            reason = "the type differs between releases"
        )]
        let code = unsafe {
            ffi::sqlite3_auto_extension(Some(std::mem::transmute::<*const (), _>(
                note_opened as *const (),
            )))
        };
        assert_eq!(
            code,
            ffi::SQLITE_OK,
            "sqlite3_auto_extension fails only without memory"
        );
    });
}

impl Guarded {
    /// Opens a connection to a file or to memory, and puts our callbacks on it.
    pub(super) fn establish(url: &str) -> Result<Self, ConnectionError> {
        Self::open(url, None)
    }

    /// Opens a connection with these pages under it.
    pub(super) fn over(pages: Arc<Pages>) -> Result<Self, ConnectionError> {
        note_handles();
        let mount = Rc::new(Mount::default());
        mount.mount(pages);
        let url = format!("file:actor?vfs={}", vfs::NAME.to_string_lossy());
        vfs::opening(&mount, || Self::open(&url, Some(Rc::clone(&mount))))
    }

    fn open(url: &str, mount: Option<Rc<Mount>>) -> Result<Self, ConnectionError> {
        note_handles();
        OPENED.with(|opened| opened.set(std::ptr::null_mut()));
        let connection = SqliteConnection::establish(url)?;
        let handle = OPENED.with(|opened| opened.replace(std::ptr::null_mut()));
        if handle.is_null() {
            return Err(ConnectionError::BadConnection(
                "SQLite did not run its extension entry points".to_owned(),
            ));
        }
        let policy = Rc::new(Policy::new());
        // Without it a statement with a bound `LIMIT` is prepared anew each time, for a plan that fits the value.
        // SAFETY: the handle is open, and the option takes an `int` and a pointer that may be null.
        unsafe {
            ffi::sqlite3_db_config(
                handle,
                ffi::SQLITE_DBCONFIG_ENABLE_QPSG,
                1 as c_int,
                std::ptr::null_mut::<c_int>(),
            );
        }
        // SAFETY: the handle is open, and the policy outlives it (invariants 2 and 3).
        unsafe { policy::guard(handle, Rc::as_ptr(&policy)) };
        Ok(Self {
            own: [const { None }; Own::COUNT],
            connection,
            handle,
            policy,
            mount,
            statements: 0,
        })
    }

    /// Returns what the callbacks look at.
    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Splits into what runs statements and what explains their errors.
    pub(super) fn split(&mut self) -> (&mut SqliteConnection, &Policy) {
        (&mut self.connection, &self.policy)
    }

    /// Returns whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is open as long as `self.connection` lives (invariant 1).
        unsafe { ffi::sqlite3_get_autocommit(self.handle) != 0 }
    }
}

impl Guarded {
    /// Returns what lies under the connection.
    ///
    /// # Panics
    ///
    /// When it is not one of our VFS.
    fn mount(&self) -> &Mount {
        self.mount
            .as_ref()
            .expect("the connection has pages under it")
    }

    /// Puts other pages under the connection, with the same schema.
    pub(super) fn mount_other(&self, pages: Arc<Pages>) {
        self.mount().mount(pages);
    }

    /// Takes the pages away from under the connection.
    pub(super) fn unmount(&self) {
        self.mount().unmount();
    }

    /// Allows or refuses transactions that write.
    pub(super) fn set_read_only(&self, read_only: bool) {
        self.mount().set_read_only(read_only);
    }

    /// Returns whether a statement is still running: a cursor that nobody dropped.
    pub(super) fn is_busy(&self) -> bool {
        // SAFETY: the handle is open (invariant 1), and the name of the schema is a C string.
        unsafe { ffi::sqlite3_txn_state(self.handle, c"main".as_ptr()) != ffi::SQLITE_TXN_NONE }
    }

    /// Forgets all prepared statements now and then, when they take too much memory.
    pub(super) fn bound_statements(&mut self) {
        self.statements += 1;
        if self.statements < limits::STATEMENTS_PER_LOOK {
            return;
        }
        self.statements = 0;
        if self.status(ffi::SQLITE_DBSTATUS_STMT_USED) > limits::STATEMENT_CACHE_BYTES {
            self.connection
                .set_prepared_statement_cache_size(CacheSize::Disabled);
            self.connection
                .set_prepared_statement_cache_size(CacheSize::Unbounded);
        }
    }

    /// Returns the present value of one of SQLite's counters of a connection.
    fn status(&self, verb: c_int) -> c_int {
        let (mut current, mut highest) = (0, 0);
        // SAFETY: the handle is open (invariant 1), and both results are written to locals of ours.
        let code = unsafe {
            ffi::sqlite3_db_status(self.handle, verb, &raw mut current, &raw mut highest, 0)
        };
        debug_assert_eq!(code, ffi::SQLITE_OK, "the verb is known");
        current
    }

    /// Runs a statement of the framework's. `None` if SQLite refuses; then [`batch_execute`] says why.
    ///
    /// [`batch_execute`]: diesel::connection::SimpleConnection::batch_execute
    pub(super) fn run(&mut self, own: Own) -> Option<()> {
        if self.own[own as usize].is_none() {
            let mut statement = std::ptr::null_mut();
            let text = own.text();
            let length = c_int::try_from(text.len()).expect("a few words");
            // SAFETY: the handle is open (invariant 1), the text is as long as said, and the result is written to a local of ours.
            let code = unsafe {
                ffi::sqlite3_prepare_v3(
                    self.handle,
                    text.as_ptr().cast(),
                    length,
                    ffi::SQLITE_PREPARE_PERSISTENT as _,
                    &raw mut statement,
                    std::ptr::null_mut(),
                )
            };
            if code != ffi::SQLITE_OK {
                return None;
            }
            self.own[own as usize] = Some(Statement(statement));
        }
        let statement = self.own[own as usize].as_ref()?;
        // SAFETY: it was prepared on this connection, which is open, and is reset after each run.
        let code = unsafe {
            let code = ffi::sqlite3_step(statement.0);
            ffi::sqlite3_reset(statement.0);
            code
        };
        (code == ffi::SQLITE_DONE).then_some(())
    }

    /// Returns how many statements are prepared.
    #[cfg(test)]
    pub(super) fn prepared(&self) -> usize {
        let mut statement = std::ptr::null_mut();
        let mut count = 0;
        loop {
            // SAFETY: the handle is open (invariant 1), and `statement` is null or one of its statements.
            statement = unsafe { ffi::sqlite3_next_stmt(self.handle, statement) };
            if statement.is_null() {
                return count;
            }
            count += 1;
        }
    }

    /// Returns whether the open transaction has begun to write.
    pub(super) fn has_written(&self) -> bool {
        // SAFETY: the handle is open (invariant 1), and the name of the schema is a C string.
        unsafe { ffi::sqlite3_txn_state(self.handle, c"main".as_ptr()) == ffi::SQLITE_TXN_WRITE }
    }

    /// Returns whether a row refers to one that does not exist, with a check that waits for the commit.
    pub(super) fn has_deferred_violations(&self) -> bool {
        self.status(ffi::SQLITE_DBSTATUS_DEFERRED_FKS) != 0
    }
}
