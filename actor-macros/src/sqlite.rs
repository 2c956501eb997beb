//! The one safe wrapper over the C interface of SQLite, as small as the macros need it.
//!
//! # Invariants
//! 1. A [`Connection`] owns its `sqlite3*` and its [`Gate`]; the gate's address never changes while the handle is open.
//! 2. A [`Statement`] borrows its connection, so it is finalized before the handle is closed.
//! 3. Nothing here unwinds into C: callbacks catch panics and deny.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_uchar, c_void};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::OnceLock;

use libsqlite3_sys as ffi;

/// SQLite's clock counts milliseconds from noon of 24 November 4714 BC; this is the Unix epoch on that scale.
const UNIX_EPOCH_JULIAN_MS: i64 = 210_866_760_000_000;

/// How many steps of SQLite's virtual machine lie between two looks at the budget.
const PROGRESS_STEPS: c_int = 100_000;

/// How often the budget may be looked at before a statement is stopped: some seconds of work, because a migration that
/// never ends must not hang the compiler or the editor.
const PROGRESS_LOOKS_MAX: u32 = 500;

/// The name under which the virtual file system with the fixed clock is registered.
const CLOCK_VFS: &CStr = c"actor-macros-fixed-clock";

thread_local! {
    /// What SQLite's clock shows on this thread, in milliseconds since the Unix epoch.
    static CLOCK_MS: Cell<i64> = const { Cell::new(0) };
}

/// Something that SQLite did not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlError {
    /// SQLite's own words.
    pub(crate) message: String,
    /// Where in the text that was prepared the cause stands, in bytes, when SQLite knows.
    pub(crate) offset: Option<usize>,
    /// Why the policy refused the statement, when it was the policy.
    pub(crate) denied: Option<Denial>,
}

/// Why a policy refused what a statement wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// What is wrong, as the headline of an error.
    pub(crate) message: String,
    /// What to do instead.
    pub(crate) help: String,
    /// The name in the statement that the refusal is about, to point at it.
    pub(crate) name: Option<String>,
}

/// What a statement is about to do, as SQLite's authorizer describes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action<'a> {
    /// One of SQLite's action codes, for instance [`ffi::SQLITE_PRAGMA`].
    pub(crate) code: i32,
    /// The first argument of the action, most often the name of what is touched.
    pub(crate) first: Option<&'a str>,
    /// The second argument of the action.
    pub(crate) second: Option<&'a str>,
    /// The schema that is touched: `main` or `temp`.
    pub(crate) database: Option<&'a str>,
}

/// Decides what statements may do; a plain function, so that it cannot hold anything that outlives the connection.
pub(crate) type Policy = fn(&Action<'_>) -> Result<(), Denial>;

/// What the callbacks of one connection read and write.
#[derive(Default)]
struct Gate {
    policy: Cell<Option<Policy>>,
    denied: RefCell<Option<Denial>>,
    looks: Cell<u32>,
}

/// An in-memory SQLite database whose clock stands still.
pub(crate) struct Connection {
    raw: NonNull<ffi::sqlite3>,
    gate: Rc<Gate>,
    clock_ms: i64,
}

impl Connection {
    /// Opens an empty database in memory, in which it is always `clock_ms` milliseconds after the Unix epoch.
    pub(crate) fn open(clock_ms: i64) -> Result<Self, SqlError> {
        let vfs = clock_vfs().ok_or_else(|| plain_error("SQLite has no virtual file system"))?;
        let mut raw = ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | ffi::SQLITE_OPEN_MEMORY;
        // SAFETY: both names are C strings that live for ever, and `raw` is a place that SQLite may write to.
        let code = unsafe {
            ffi::sqlite3_open_v2(c":memory:".as_ptr(), &raw mut raw, flags, vfs.as_ptr())
        };
        let raw = NonNull::new(raw).ok_or_else(|| plain_error("SQLite is out of memory"))?;
        let connection = Self {
            raw,
            gate: Rc::default(),
            clock_ms,
        };
        if code != ffi::SQLITE_OK {
            return Err(connection.error());
        }
        let gate = Rc::as_ptr(&connection.gate).cast_mut().cast::<c_void>();
        // SAFETY: the handle is open, and by invariant 1 the gate lives at this address until the handle is closed.
        unsafe {
            ffi::sqlite3_set_authorizer(raw.as_ptr(), Some(authorize), gate);
            ffi::sqlite3_progress_handler(raw.as_ptr(), PROGRESS_STEPS, Some(progress), gate);
        }
        Ok(connection)
    }

    /// Opens a copy of the database that [`Self::serialize`] wrote.
    pub(crate) fn from_image(image: &[u8], clock_ms: i64) -> Result<Self, SqlError> {
        let connection = Self::open(clock_ms)?;
        if image.is_empty() {
            return Ok(connection);
        }
        let length =
            i64::try_from(image.len()).map_err(|_| plain_error("the image is too large"))?;
        // SAFETY: asks SQLite for `length` bytes; a null pointer is looked at before it is used.
        let copy = unsafe { ffi::sqlite3_malloc64(image.len() as u64) }.cast::<c_uchar>();
        if copy.is_null() {
            return Err(plain_error("SQLite is out of memory"));
        }
        let flags = ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE;
        // SAFETY: `copy` has room for the whole image and does not overlap it; from here on SQLite owns it.
        let code = unsafe {
            ptr::copy_nonoverlapping(image.as_ptr(), copy, image.len());
            let handle = connection.raw.as_ptr();
            ffi::sqlite3_deserialize(handle, c"main".as_ptr(), copy, length, length, flags)
        };
        if code == ffi::SQLITE_OK {
            Ok(connection)
        } else {
            Err(connection.error())
        }
    }

    /// Returns the bytes of the database file that holds what this database holds.
    pub(crate) fn serialize(&self) -> Result<Vec<u8>, SqlError> {
        // SQLite asks a PRAGMA for the size, which a policy need not allow to the user.
        let policy = self.gate.policy.take();
        let mut length = 0_i64;
        // SAFETY: the handle is open, the name is a C string, and `length` is a place that SQLite may write to.
        let bytes = unsafe {
            ffi::sqlite3_serialize(self.raw.as_ptr(), c"main".as_ptr(), &raw mut length, 0)
        };
        self.gate.policy.set(policy);
        let Some(bytes) = NonNull::new(bytes) else {
            // An empty database has no pages, so there is nothing that SQLite could allocate.
            return if length == 0 {
                Ok(Vec::new())
            } else {
                Err(plain_error("SQLite is out of memory"))
            };
        };
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: SQLite wrote `length` bytes there, and the buffer is ours to read and to free, once.
        unsafe {
            let image = std::slice::from_raw_parts(bytes.as_ptr(), length).to_vec();
            ffi::sqlite3_free(bytes.as_ptr().cast());
            Ok(image)
        }
    }

    /// Puts every statement that is prepared from now on under `policy`, or under none.
    pub(crate) fn set_policy(&self, policy: Option<Policy>) {
        self.gate.policy.set(policy);
    }

    /// Prepares the first statement of `sql`; also returns how many bytes of `sql` it took.
    ///
    /// Returns no statement where nothing but space, comments and semicolons is left.
    pub(crate) fn prepare(&self, sql: &str) -> Result<(Option<Statement<'_>>, usize), SqlError> {
        CLOCK_MS.set(self.clock_ms);
        self.gate.looks.set(0);
        self.gate.denied.take();
        let length = c_int::try_from(sql.len())
            .map_err(|_| plain_error("the file is too long for SQLite"))?;
        let mut raw = ptr::null_mut();
        let mut tail: *const c_char = ptr::null();
        let start = sql.as_ptr().cast::<c_char>();
        // SAFETY: the handle is open, `start` is valid for `length` bytes, and both places may be written to.
        let code = unsafe {
            ffi::sqlite3_prepare_v2(
                self.raw.as_ptr(),
                start,
                length,
                &raw mut raw,
                &raw mut tail,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(self.error());
        }
        // The tail points into `sql` or just behind it, so the difference of the addresses is the length taken.
        let taken = if tail.is_null() {
            sql.len()
        } else {
            tail.addr() - start.addr()
        };
        let statement = NonNull::new(raw).map(|raw| Statement {
            raw,
            connection: self,
            _not_send: PhantomData,
        });
        Ok((statement, taken))
    }

    /// Runs every statement of `sql`, which is ours: no policy applies to it.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), SqlError> {
        self.trusted(|| {
            let mut rest = sql;
            while !rest.is_empty() {
                let (statement, taken) = self.prepare(rest)?;
                if let Some(mut statement) = statement {
                    while statement.step()? {}
                }
                rest = rest.get(taken..).unwrap_or_default();
            }
            Ok(())
        })
    }

    /// Runs one query of ours and returns its rows as text, with `parameters` bound in their order.
    pub(crate) fn rows(
        &self,
        sql: &str,
        parameters: &[&str],
    ) -> Result<Vec<Vec<Option<String>>>, SqlError> {
        self.trusted(|| {
            let (statement, _) = self.prepare(sql)?;
            let Some(mut statement) = statement else {
                return Ok(Vec::new());
            };
            for (index, parameter) in (1..).zip(parameters) {
                statement.bind_text(index, parameter)?;
            }
            let mut rows = Vec::new();
            while statement.step()? {
                rows.push(statement.row());
            }
            Ok(rows)
        })
    }

    /// Runs `body` without the policy and puts the policy back.
    fn trusted<T>(&self, body: impl FnOnce() -> Result<T, SqlError>) -> Result<T, SqlError> {
        let policy = self.gate.policy.take();
        let result = body();
        self.gate.policy.set(policy);
        result
    }

    /// Says whether the database is between two transactions.
    pub(crate) fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_get_autocommit(self.raw.as_ptr()) != 0 }
    }

    /// Describes the last failure of this connection.
    fn error(&self) -> SqlError {
        // SAFETY: the handle is open; the text belongs to SQLite and is copied before anything else is called.
        let (message, offset) = unsafe {
            let message = ffi::sqlite3_errmsg(self.raw.as_ptr());
            let message = CStr::from_ptr(message).to_string_lossy().into_owned();
            (message, ffi::sqlite3_error_offset(self.raw.as_ptr()))
        };
        let stopped = self.gate.looks.get() > PROGRESS_LOOKS_MAX;
        let message = if stopped {
            "the statement takes too long".to_owned()
        } else {
            message
        };
        SqlError {
            message,
            offset: usize::try_from(offset).ok(),
            denied: self.gate.denied.take(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and by invariant 2 no statement of it is left.
        unsafe { ffi::sqlite3_close(self.raw.as_ptr()) };
    }
}

/// One prepared statement.
pub(crate) struct Statement<'c> {
    raw: NonNull<ffi::sqlite3_stmt>,
    connection: &'c Connection,
    _not_send: PhantomData<*mut ()>,
}

impl Statement<'_> {
    /// Advances to the next row; returns `false` when the statement is done.
    pub(crate) fn step(&mut self) -> Result<bool, SqlError> {
        CLOCK_MS.set(self.connection.clock_ms);
        // SAFETY: the statement is ours and not finalized.
        match unsafe { ffi::sqlite3_step(self.raw.as_ptr()) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            // SQLite's offset belongs to the text of a statement that failed to compile, which this is not.
            _ => Err(SqlError {
                offset: None,
                ..self.connection.error()
            }),
        }
    }

    /// Returns how many parameters (`?`, `:name`) the statement waits for.
    pub(crate) fn parameter_count(&self) -> i32 {
        // SAFETY: the statement is ours and not finalized.
        unsafe { ffi::sqlite3_bind_parameter_count(self.raw.as_ptr()) }
    }

    /// Returns the table and the column from which the statement takes its column at `index` as it is, if it does.
    pub(crate) fn origin(&self, index: i32) -> Option<(String, String)> {
        // SAFETY: the statement is ours and not finalized; SQLite keeps both texts alive until it is, and answers an index that
        // is out of bounds with a null pointer. The bundled SQLite is built with the metadata of columns.
        unsafe {
            let table = ffi::sqlite3_column_table_name(self.raw.as_ptr(), index);
            let column = ffi::sqlite3_column_origin_name(self.raw.as_ptr(), index);
            (!table.is_null() && !column.is_null()).then(|| {
                let text = |raw| CStr::from_ptr(raw).to_string_lossy().into_owned();
                (text(table), text(column))
            })
        }
    }

    /// Binds `value` to the parameter at `index`, which counts from 1.
    fn bind_text(&mut self, index: i32, value: &str) -> Result<(), SqlError> {
        let length = c_int::try_from(value.len())
            .map_err(|_| plain_error("the value is too long for SQLite"))?;
        let start = value.as_ptr().cast::<c_char>();
        // SAFETY: `start` is valid for `length` bytes, and SQLite copies them before this returns.
        let code = unsafe {
            ffi::sqlite3_bind_text(
                self.raw.as_ptr(),
                index,
                start,
                length,
                ffi::SQLITE_TRANSIENT(),
            )
        };
        if code == ffi::SQLITE_OK {
            Ok(())
        } else {
            Err(self.connection.error())
        }
    }

    /// Returns the row that the last step reached, every value as text.
    fn row(&mut self) -> Vec<Option<String>> {
        // SAFETY: the statement is ours and stands on a row; SQLite keeps each text alive until the next call for the
        // same column, and it is copied before that.
        unsafe {
            let count = ffi::sqlite3_column_count(self.raw.as_ptr());
            (0..count)
                .map(|index| {
                    let text = ffi::sqlite3_column_text(self.raw.as_ptr(), index);
                    (!text.is_null())
                        .then(|| CStr::from_ptr(text.cast()).to_string_lossy().into_owned())
                })
                .collect()
        }
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: the statement is ours and is finalized only here.
        unsafe { ffi::sqlite3_finalize(self.raw.as_ptr()) };
    }
}

/// Describes a failure that is not SQLite's own.
fn plain_error(message: &str) -> SqlError {
    SqlError {
        message: message.to_owned(),
        offset: None,
        denied: None,
    }
}

/// Asks the policy of the connection; called by SQLite while it compiles a statement.
unsafe extern "C" fn authorize(
    gate: *mut c_void,
    code: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    let decide = || {
        // SAFETY: SQLite hands back the pointer of `Connection::open`, which by invariant 1 points at a live gate; the
        // arguments are C strings or null and live until this returns.
        let (gate, first, second, database) = unsafe {
            (
                &*gate.cast::<Gate>(),
                text(first),
                text(second),
                text(database),
            )
        };
        let Some(policy) = gate.policy.get() else {
            return ffi::SQLITE_OK;
        };
        match policy(&Action {
            code,
            first: first.as_deref(),
            second: second.as_deref(),
            database: database.as_deref(),
        }) {
            Ok(()) => ffi::SQLITE_OK,
            Err(denial) => {
                // The first refusal is the cause; later ones of the same statement only follow from it.
                gate.denied.borrow_mut().get_or_insert(denial);
                ffi::SQLITE_DENY
            }
        }
    };
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or(ffi::SQLITE_DENY)
}

/// Counts the work of a statement and stops it when that is too much; called by SQLite while it runs one.
unsafe extern "C" fn progress(gate: *mut c_void) -> c_int {
    // SAFETY: SQLite hands back the pointer of `Connection::open`, which by invariant 1 points at a live gate.
    let gate = unsafe { &*gate.cast::<Gate>() };
    gate.looks.set(gate.looks.get().saturating_add(1));
    c_int::from(gate.looks.get() > PROGRESS_LOOKS_MAX)
}

/// Copies a C string that may be null.
///
/// # Safety
/// `text` is null or points at a C string.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: the caller promises it.
    (!text.is_null()).then(|| {
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned()
    })
}

/// Registers the virtual file system with the fixed clock, once, and returns its name.
fn clock_vfs() -> Option<&'static CStr> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    REGISTERED
        .get_or_init(|| {
            // SAFETY: a null name asks for the default one, which lives for ever once SQLite is initialized.
            let Some(default) = NonNull::new(unsafe { ffi::sqlite3_vfs_find(ptr::null()) }) else {
                return false;
            };
            // SAFETY: the structure is plain data, made to be copied by such shims: its methods work on any copy that
            // keeps `szOsFile` and `pAppData`.
            let mut vfs = unsafe { ptr::read(default.as_ptr()) };
            vfs.pNext = ptr::null_mut();
            vfs.zName = CLOCK_VFS.as_ptr();
            vfs.xCurrentTime = Some(current_time_days);
            vfs.xCurrentTimeInt64 = Some(current_time_ms);
            // SAFETY: SQLite keeps the pointer for ever, and a leaked box lives for ever.
            unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) == ffi::SQLITE_OK }
        })
        .then_some(CLOCK_VFS)
}

/// Tells SQLite the time as a Julian day number.
unsafe extern "C" fn current_time_days(_vfs: *mut ffi::sqlite3_vfs, days: *mut f64) -> c_int {
    #[allow(clippy::cast_precision_loss)]
    // A day number in milliseconds has 48 bits, which an f64 holds exactly.
    let now = (UNIX_EPOCH_JULIAN_MS + CLOCK_MS.get()) as f64 / 86_400_000.0;
    // SAFETY: SQLite passes a place to write to.
    unsafe { *days = now };
    ffi::SQLITE_OK
}

/// Tells SQLite the time as a Julian day number in milliseconds.
unsafe extern "C" fn current_time_ms(
    _vfs: *mut ffi::sqlite3_vfs,
    ms: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes a place to write to.
    unsafe { *ms = UNIX_EPOCH_JULIAN_MS + CLOCK_MS.get() };
    ffi::SQLITE_OK
}

#[cfg(test)]
mod tests;
