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
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::rc::Rc;
use std::sync::Once;
use std::time::Instant;

use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError};
use libsqlite3_sys as ffi;

use crate::limits;

/// Who is running statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The framework: everything is allowed.
    Internal,
    /// A hook or an action.
    User,
}

/// What the callbacks of one connection look at.
#[derive(Debug)]
pub(super) struct Policy {
    /// Who is running statements.
    pub(super) mode: Cell<Mode>,
    /// When the running hook or action must have ended.
    pub(super) deadline: Cell<Option<Instant>>,
    /// Whether a statement was interrupted because the deadline had passed.
    pub(super) interrupted: Cell<bool>,
    /// Why the authorizer refused the last statement.
    pub(super) denied: RefCell<Option<String>>,
}

/// A Diesel connection with our callbacks on its handle.
pub(super) struct Guarded {
    // INVARIANT 2: the connection is declared, and so dropped, before the policy.
    pub(super) connection: SqliteConnection,
    handle: *mut ffi::sqlite3,
    policy: Rc<Policy>,
}

// SAFETY: `SqliteConnection` is `Send`. The handle is the connection's own, and both `Rc`s of the policy (ours and
// the pointer that SQLite has) move together with it, so that only one thread at a time reaches them (invariant 3).
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
    /// Opens a connection and puts our callbacks on it.
    pub(super) fn establish(url: &str) -> Result<Self, ConnectionError> {
        note_handles();
        OPENED.with(|opened| opened.set(std::ptr::null_mut()));
        let connection = SqliteConnection::establish(url)?;
        let handle = OPENED.with(|opened| opened.replace(std::ptr::null_mut()));
        if handle.is_null() {
            return Err(ConnectionError::BadConnection(
                "SQLite did not run its extension entry points".to_owned(),
            ));
        }
        let policy = Rc::new(Policy {
            mode: Cell::new(Mode::Internal),
            deadline: Cell::new(None),
            interrupted: Cell::new(false),
            denied: RefCell::new(None),
        });
        let data = Rc::as_ptr(&policy).cast_mut().cast::<c_void>();
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
        // SAFETY: the handle is open, and `data` points to a `Policy` that outlives it (invariant 2). Both callbacks
        // take it back as `*const Policy` and only read and set its cells.
        unsafe {
            ffi::sqlite3_set_authorizer(handle, Some(authorize), data);
            ffi::sqlite3_progress_handler(
                handle,
                limits::DEADLINE_STEPS,
                Some(past_deadline),
                data,
            );
        }
        Ok(Self {
            connection,
            handle,
            policy,
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
    /// Returns whether the open transaction has begun to write.
    pub(super) fn has_written(&self) -> bool {
        // SAFETY: the handle is open (invariant 1), and the name of the schema is a C string.
        unsafe { ffi::sqlite3_txn_state(self.handle, c"main".as_ptr()) == ffi::SQLITE_TXN_WRITE }
    }

    /// Returns whether a row refers to one that does not exist, with a check that waits for the commit.
    pub(super) fn has_deferred_violations(&self) -> bool {
        let (mut current, mut highest) = (0, 0);
        // SAFETY: the handle is open (invariant 1), and both results are written to locals of ours.
        let code = unsafe {
            ffi::sqlite3_db_status(
                self.handle,
                ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
                &raw mut current,
                &raw mut highest,
                0,
            )
        };
        debug_assert_eq!(code, ffi::SQLITE_OK, "the verb is known");
        current != 0
    }
}

/// Interrupts a statement that runs past the deadline of its hook or action.
unsafe extern "C" fn past_deadline(data: *mut c_void) -> c_int {
    // SAFETY: `data` is what `establish` registered, alive as long as the connection (invariant 2).
    let policy = unsafe { &*data.cast::<Policy>() };
    let past = policy
        .deadline
        .get()
        .is_some_and(|deadline| Instant::now() >= deadline);
    if past {
        policy.interrupted.set(true);
    }
    c_int::from(past)
}

/// Allows or refuses one thing that a statement would do, while it is prepared.
unsafe extern "C" fn authorize(
    data: *mut c_void,
    operation: c_int,
    first: *const c_char,
    second: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: `data` is what `establish` registered, alive as long as the connection (invariant 2).
    let policy = unsafe { &*data.cast::<Policy>() };
    if policy.mode.get() == Mode::Internal {
        return ffi::SQLITE_OK;
    }
    // SAFETY: SQLite passes null or a C string that lives until this call returns.
    let (first, second) = unsafe { (text(first), text(second)) };
    match refusal(operation, first, second) {
        None => ffi::SQLITE_OK,
        Some(reason) => {
            *policy.denied.borrow_mut() = Some(reason);
            ffi::SQLITE_DENY
        }
    }
}

/// Reads an argument of the authorizer; text that is not UTF-8 reads as the empty string.
///
/// # Safety
///
/// `pointer` is null or points to a C string that outlives the result.
unsafe fn text<'a>(pointer: *const c_char) -> &'a str {
    if pointer.is_null() {
        return "";
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap_or("")
}

/// The PRAGMAs that only tell, or that end with the transaction.
const ALLOWED_PRAGMAS: &[&str] = &[
    "application_id",
    "compile_options",
    "data_version",
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "page_count",
    "page_size",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Returns why a handler may not do this, if so.
fn refusal(operation: c_int, first: &str, second: &str) -> Option<String> {
    match operation {
        ffi::SQLITE_TRANSACTION => Some(format!(
            "{first} is not for handlers: an action is a transaction already, and Diesel's `transaction` is a savepoint in it"
        )),
        ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH => {
            Some("an actor has one database: ATTACH and DETACH are not for handlers".to_owned())
        }
        ffi::SQLITE_PRAGMA => {
            let sets = !second.is_empty()
                && matches!(first, "application_id" | "user_version" | "page_size");
            (sets || !ALLOWED_PRAGMAS.contains(&first.to_ascii_lowercase().as_str()))
                .then(|| format!("PRAGMA {first} is not for handlers"))
        }
        ffi::SQLITE_CREATE_TABLE
        | ffi::SQLITE_CREATE_INDEX
        | ffi::SQLITE_CREATE_TRIGGER
        | ffi::SQLITE_CREATE_VIEW
        | ffi::SQLITE_CREATE_VTABLE
        | ffi::SQLITE_DROP_TABLE
        | ffi::SQLITE_DROP_INDEX
        | ffi::SQLITE_DROP_TRIGGER
        | ffi::SQLITE_DROP_VIEW
        | ffi::SQLITE_DROP_VTABLE => Some(format!(
            "the schema changes in migrations only, not in handlers: {first}"
        )),
        ffi::SQLITE_ALTER_TABLE => Some(format!(
            "the schema changes in migrations only, not in handlers: {second}"
        )),
        ffi::SQLITE_CREATE_TEMP_TABLE
        | ffi::SQLITE_CREATE_TEMP_INDEX
        | ffi::SQLITE_CREATE_TEMP_TRIGGER
        | ffi::SQLITE_CREATE_TEMP_VIEW
        | ffi::SQLITE_DROP_TEMP_TABLE
        | ffi::SQLITE_DROP_TEMP_INDEX
        | ffi::SQLITE_DROP_TEMP_TRIGGER
        | ffi::SQLITE_DROP_TEMP_VIEW => Some(format!(
            "temporary objects belong to a connection, which an actor does not have: {first}"
        )),
        ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE
            if first.starts_with("_actor_") || first == "__diesel_schema_migrations" =>
        {
            Some(format!("the table {first} is the framework's"))
        }
        ffi::SQLITE_READ if first.starts_with("_actor_") => {
            Some(format!("the table {first} is the framework's"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_may_read_and_write_their_own_tables_only() {
        assert_eq!(refusal(ffi::SQLITE_INSERT, "messages", ""), None);
        assert_eq!(
            refusal(ffi::SQLITE_UPDATE, "_actor_meta", "key").unwrap(),
            "the table _actor_meta is the framework's"
        );
        assert_eq!(
            refusal(ffi::SQLITE_READ, "__diesel_schema_migrations", ""),
            None
        );
        assert!(refusal(ffi::SQLITE_DELETE, "__diesel_schema_migrations", "").is_some());
    }

    #[test]
    fn pragmas_that_set_something_are_refused() {
        assert_eq!(refusal(ffi::SQLITE_PRAGMA, "user_version", ""), None);
        assert_eq!(refusal(ffi::SQLITE_PRAGMA, "table_info", "messages"), None);
        assert!(refusal(ffi::SQLITE_PRAGMA, "user_version", "7").is_some());
        assert!(refusal(ffi::SQLITE_PRAGMA, "journal_mode", "").is_some());
    }
}
