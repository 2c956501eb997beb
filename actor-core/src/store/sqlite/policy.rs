//! [`Policy`]: what the callbacks of a connection look at, and what handlers may do.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::time::Instant;

use libsqlite3_sys as ffi;

/// Who is running statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Mode {
    /// The framework: everything is allowed.
    Internal,
    /// A hook or an action.
    User,
}

/// What the callbacks of one connection look at.
#[derive(Debug)]
pub(in crate::store) struct Policy {
    /// Who is running statements.
    pub(in crate::store) mode: Cell<Mode>,
    /// When the running hook or action must have ended.
    pub(in crate::store) deadline: Cell<Option<Instant>>,
    /// Whether a statement was interrupted because the deadline had passed.
    pub(in crate::store) interrupted: Cell<bool>,
    /// Why the authorizer refused the last statement.
    pub(in crate::store) denied: RefCell<Option<String>>,
    /// Whether the statement that runs is a savepoint of Diesel's transactions.
    pub(in crate::store) savepoint: Cell<bool>,
    /// Whether a statement was prepared that puts off the checks of foreign keys. Diesel may keep it.
    pub(in crate::store) defers: Cell<bool>,
    /// Whether the connection is one actor's alone.
    pub(in crate::store) private: Cell<bool>,
    /// How many cursors were not read to their end. Most of them were dropped since.
    pub(in crate::store) unfinished: Cell<u32>,
    /// Whether a cursor was never dropped, so that nobody finalizes its statement.
    pub(super) leaked: Cell<bool>,
    /// How many rows the connection had changed that are not the running call's.
    pub(super) foreign: Cell<i64>,
    /// What the connection's counters were when the call continued after work of the framework's.
    pub(super) shown: Cell<Shown>,
}

/// What `changes()` was to the running call when it continued after work of the framework's, and
/// the connection's own counters then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    /// What the call sees until a statement of its own changes rows.
    pub(super) changes: i64,
    /// SQLite's own `changes()`.
    pub(super) raw: i64,
    /// SQLite's own `total_changes()`.
    pub(super) total: i64,
}

impl Shown {
    /// Returns what `changes()` is to the call, when SQLite's own counters are these.
    pub(super) fn now(self, raw: i64, total: i64) -> i64 {
        if raw == self.raw && total == self.total {
            self.changes
        } else {
            raw
        }
    }
}

impl Policy {
    pub(super) fn new() -> Self {
        Self {
            mode: Cell::new(Mode::Internal),
            deadline: Cell::new(None),
            interrupted: Cell::new(false),
            denied: RefCell::new(None),
            savepoint: Cell::new(false),
            defers: Cell::new(false),
            private: Cell::new(false),
            unfinished: Cell::new(0),
            leaked: Cell::new(false),
            foreign: Cell::new(0),
            shown: Cell::default(),
        }
    }
}

/// Puts our callbacks on a connection.
///
/// # Safety
///
/// The handle is open, and `policy` outlives the connection and is reached by one thread at a time.
pub(super) unsafe fn guard(handle: *mut ffi::sqlite3, policy: *const Policy) {
    let data = policy.cast_mut().cast::<c_void>();
    let functions = [
        (c"changes", changes as SqlFunction),
        (c"total_changes", total_changes as SqlFunction),
    ];
    // SAFETY: the caller's promise. The callbacks take `data` back as `*const Policy`, and only read and set its cells.
    unsafe {
        ffi::sqlite3_set_authorizer(handle, Some(authorize), data);
        ffi::sqlite3_progress_handler(
            handle,
            crate::limits::DEADLINE_STEPS,
            Some(past_deadline),
            data,
        );
        for (name, function) in functions {
            let code = ffi::sqlite3_create_function_v2(
                handle,
                name.as_ptr(),
                0,
                ffi::SQLITE_UTF8 | ffi::SQLITE_INNOCUOUS,
                data,
                Some(function),
                None,
                None,
                None,
            );
            debug_assert_eq!(code, ffi::SQLITE_OK, "it fails only without memory");
        }
    }
}

/// A function of SQL's.
type SqlFunction =
    unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

/// SQL's `total_changes()`, of the running call alone.
unsafe extern "C" fn total_changes(
    context: *mut ffi::sqlite3_context,
    _count: c_int,
    _arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite runs what `guard` registered, with a policy that outlives the connection.
    unsafe {
        let policy = &*ffi::sqlite3_user_data(context).cast::<Policy>();
        let handle = ffi::sqlite3_context_db_handle(context);
        let total = ffi::sqlite3_total_changes64(handle);
        ffi::sqlite3_result_int64(context, total - policy.foreign.get());
    }
}

/// SQL's `changes()`, of the running call alone.
unsafe extern "C" fn changes(
    context: *mut ffi::sqlite3_context,
    _count: c_int,
    _arguments: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite runs what `guard` registered, with a policy that outlives the connection.
    unsafe {
        let policy = &*ffi::sqlite3_user_data(context).cast::<Policy>();
        let handle = ffi::sqlite3_context_db_handle(context);
        let raw = ffi::sqlite3_changes64(handle);
        let total = ffi::sqlite3_total_changes64(handle);
        ffi::sqlite3_result_int64(context, policy.shown.get().now(raw, total));
    }
}

/// Interrupts a statement that runs past the deadline of its hook or action.
unsafe extern "C" fn past_deadline(data: *mut c_void) -> c_int {
    // SAFETY: `data` is what `guard` registered, alive as long as the connection (invariant 2).
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
    // SAFETY: `data` is what `guard` registered, alive as long as the connection (invariant 2).
    let policy = unsafe { &*data.cast::<Policy>() };
    if policy.mode.get() == Mode::Internal {
        return ffi::SQLITE_OK;
    }
    // SAFETY: SQLite passes null or a C string that lives until this call returns.
    let (first, second) = unsafe { (text(first), text(second)) };
    if operation == ffi::SQLITE_SAVEPOINT && policy.savepoint.get() {
        return ffi::SQLITE_OK;
    }
    if operation == ffi::SQLITE_PRAGMA && first.eq_ignore_ascii_case("defer_foreign_keys") {
        policy.defers.set(true);
    }
    let refused = if operation == ffi::SQLITE_PRAGMA
        && first.eq_ignore_ascii_case("data_version")
        && !policy.private.get()
    {
        Some("PRAGMA data_version tells of a connection, which an actor does not have".to_owned())
    } else {
        refusal(operation, first, second)
    };
    match refused {
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
    // FTS5 asks for it, on a connection that is one actor's alone.
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
        // A savepoint of the handler's own could undo what earlier calls in the same transaction did.
        ffi::SQLITE_SAVEPOINT => Some(format!(
            "the savepoint {second} is not for handlers: Diesel's `transaction` makes savepoints"
        )),
        ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH => {
            Some("an actor has one database: ATTACH and DETACH are not for handlers".to_owned())
        }
        ffi::SQLITE_PRAGMA => {
            let name = first.to_ascii_lowercase();
            let sets = !second.is_empty()
                && matches!(
                    name.as_str(),
                    "application_id" | "user_version" | "page_size"
                );
            (sets || !ALLOWED_PRAGMAS.contains(&name.as_str()))
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
        ffi::SQLITE_ANALYZE => {
            Some("statistics belong to the schema: ANALYZE is for migrations".to_owned())
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
        assert!(refusal(ffi::SQLITE_PRAGMA, "User_Version", "7").is_some());
        assert!(refusal(ffi::SQLITE_PRAGMA, "journal_mode", "").is_some());
    }
}
