//! The VFS `actor-pages`: under a connection of it lie the pages of whichever actor is mounted.
//!
//! SQLite believes that it opens one file, which other processes write to now and then. The file is a [`Mount`]. Mounting
//! another actor moves the file's change counter, upon which SQLite drops the pages that it has cached, and keeps the schema
//! that it has parsed and the statements that it has prepared.
//!
//! # Invariants
//!
//! 1. A file of this VFS holds a counted reference to its [`Mount`] from `xOpen` to `xClose`. Both calls happen inside of opening
//!    and closing the connection that owns the mount, on the thread that does so.
//! 2. A mount is reached by one thread at a time: through the connection that it belongs to, or by the owner of that connection.
//! 3. The change counter that SQLite reads is the mount's. What SQLite writes there goes to the mount and never into a page,
//!    so that an actor's first page does not change with each commit.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::size_of;
use std::ptr::{null, null_mut};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use libsqlite3_sys as ffi;

use crate::store::pages::Pages;

/// The name that a URI gives in `vfs=`.
pub(super) const NAME: &CStr = c"actor-pages";

/// The longest name of a file that SQLite may ask for: ours are short.
const PATH_BYTES: c_int = 512;

/// What lies under one connection.
#[derive(Debug, Default)]
pub(super) struct Mount {
    /// The pages of the actor that the connection works on.
    pages: RefCell<Option<Arc<Pages>>>,
    /// INVARIANT 3: the change counter that SQLite sees.
    counter: Cell<u32>,
    /// Whether SQLite may not begin to write.
    read_only: Cell<bool>,
}

impl Mount {
    /// Puts other pages under the connection. SQLite drops what it has cached of the last ones.
    pub(super) fn mount(&self, pages: Arc<Pages>) {
        self.counter.set(self.counter.get().wrapping_add(1));
        *self.pages.borrow_mut() = Some(pages);
    }

    /// Takes the pages away. Until the next [`mount`](Self::mount) every access fails.
    pub(super) fn unmount(&self) {
        self.pages.borrow_mut().take();
    }

    /// Allows or refuses transactions that write.
    pub(super) fn set_read_only(&self, read_only: bool) {
        self.read_only.set(read_only);
    }

    /// Runs `work` on the pages; its error is logged, because SQLite has codes only.
    fn with(&self, code: c_int, work: impl FnOnce(&Pages) -> io::Result<()>) -> c_int {
        let pages = self.pages.borrow();
        let Some(pages) = &*pages else {
            return code;
        };
        match work(pages) {
            Ok(()) => ffi::SQLITE_OK,
            Err(error) => {
                tracing::error!(name = pages.name(), %error, "the pages of an actor cannot be used");
                code
            }
        }
    }
}

/// Where the first page says how often the file was changed, and for which change its other fields hold.
const COUNTERS: [usize; 2] = [24, 92];

/// Puts the mount's counter into what was read from `offset` on.
fn show_counter(buffer: &mut [u8], offset: u64, counter: u32) {
    let end = offset + buffer.len() as u64;
    for at in COUNTERS {
        for (index, byte) in counter.to_be_bytes().into_iter().enumerate() {
            let place = (at + index) as u64;
            if (offset..end).contains(&place) {
                buffer[usize::try_from(place - offset).expect("it lies in the buffer")] = byte;
            }
        }
    }
}

/// The file that SQLite allocates for us.
#[repr(C)]
struct MountedFile {
    base: ffi::sqlite3_file,
    /// INVARIANT 1: made by `Rc::into_raw` in `open`, given back in `close`.
    mount: *const Mount,
}

thread_local! {
    /// The mount for the connection that this thread is about to open.
    static OPENING: RefCell<Option<Rc<Mount>>> = const { RefCell::new(None) };
}

/// Runs `open`, in which SQLite opens one connection of this VFS, with the mount for it.
pub(super) fn opening<T>(mount: &Rc<Mount>, open: impl FnOnce() -> T) -> T {
    register();
    OPENING.with(|opening| *opening.borrow_mut() = Some(Rc::clone(mount)));
    let opened = open();
    OPENING.with(|opening| opening.borrow_mut().take());
    opened
}

/// The functions of a file. Those of the version behind the first are for shared memory, which nobody shares here.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// A VFS in memory that lives as long as the process, as SQLite wants it.
struct Registered(#[allow(dead_code, reason = "SQLite points to it")] Box<ffi::sqlite3_vfs>);

// SAFETY: after it is registered, only SQLite reads and changes it, under a mutex of its own.
unsafe impl Send for Registered {}
// SAFETY: as above; we never look at it again.
unsafe impl Sync for Registered {}

/// Makes the VFS known to SQLite.
fn register() {
    static VFS: OnceLock<Registered> = OnceLock::new();
    VFS.get_or_init(|| {
        // SAFETY: a null name asks for the default VFS, which lives as long as the process.
        let default = unsafe { ffi::sqlite3_vfs_find(null()) };
        assert!(!default.is_null(), "SQLite has a VFS for this system");
        let mut vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<MountedFile>()).expect("a few bytes"),
            mxPathname: PATH_BYTES,
            pNext: null_mut(),
            zName: NAME.as_ptr(),
            pAppData: default.cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: Some(current_time_int64),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        // SAFETY: the struct is whole and is kept in a static for the rest of the process.
        let code = unsafe { ffi::sqlite3_vfs_register(&raw mut *vfs, 0) };
        assert_eq!(
            code,
            ffi::SQLITE_OK,
            "registering fails only without memory"
        );
        Registered(vfs)
    });
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    _name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let mount = (flags & ffi::SQLITE_OPEN_MAIN_DB != 0)
        .then(|| OPENING.with(|opening| opening.borrow_mut().take()))
        .flatten();
    let (methods, code, mount) = match mount {
        Some(mount) => (&raw const METHODS, ffi::SQLITE_OK, Rc::into_raw(mount)),
        // Journals and temporary files are in memory; nothing else is ever opened.
        None => (null(), ffi::SQLITE_CANTOPEN, null()),
    };
    // SAFETY: SQLite passes `szOsFile` bytes that are ours to fill, and null or a place for the flags.
    unsafe {
        file.cast::<MountedFile>().write(MountedFile {
            base: ffi::sqlite3_file { pMethods: methods },
            mount,
        });
        if let Some(out) = out_flags.as_mut() {
            *out = flags;
        }
    }
    code
}

/// Returns the mount of a file.
///
/// # Safety
///
/// `file` was filled by [`open`] and is not closed; the result is not used longer than that.
unsafe fn mount_of<'a>(file: *mut ffi::sqlite3_file) -> &'a Mount {
    // SAFETY: the caller's promise, with invariant 1.
    unsafe { &*(*file.cast::<MountedFile>()).mount }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once that `open` filled; the reference that it holds is given back here (invariant 1).
    unsafe {
        let file = &mut *file.cast::<MountedFile>();
        drop(Rc::from_raw(file.mount));
        file.mount = null();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let mount = unsafe { mount_of(file) };
    let (Ok(length), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    // SAFETY: SQLite passes a buffer of `amount` bytes, which nobody else has meanwhile.
    let buffer = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    let mut short = false;
    let code = mount.with(ffi::SQLITE_IOERR_READ, |pages| {
        let read = pages.read(offset, buffer)?;
        short = read < buffer.len();
        buffer[read..].fill(0);
        Ok(())
    });
    if code != ffi::SQLITE_OK {
        return code;
    }
    if short {
        return ffi::SQLITE_IOERR_SHORT_READ;
    }
    show_counter(buffer, offset, mount.counter.get());
    ffi::SQLITE_OK
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let mount = unsafe { mount_of(file) };
    let (Ok(length), Ok(offset)) = (usize::try_from(amount), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite passes `amount` bytes that nobody changes meanwhile.
    let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) };
    let code = mount.with(ffi::SQLITE_IOERR_WRITE, |pages| pages.write(offset, bytes));
    if code == ffi::SQLITE_OK
        && offset == 0
        && let Some(counter) = bytes.get(COUNTERS[0]..COUNTERS[0] + 4)
    {
        // INVARIANT 3
        let counter = counter.try_into().expect("four bytes");
        mount.counter.set(u32::from_be_bytes(counter));
    }
    code
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is open.
    let mount = unsafe { mount_of(file) };
    let Ok(size) = u64::try_from(size) else {
        return ffi::SQLITE_IOERR_TRUNCATE;
    };
    mount.with(ffi::SQLITE_IOERR_TRUNCATE, |pages| pages.truncate(size))
}

/// The log is synced, not the pages.
unsafe extern "C" fn sync(_file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the file is open.
    let mount = unsafe { mount_of(file) };
    mount.with(ffi::SQLITE_IOERR_FSTAT, |pages| {
        let bytes = pages.size().try_into().map_err(io::Error::other)?;
        // SAFETY: SQLite passes a place for the result.
        unsafe { size.write(bytes) };
        Ok(())
    })
}

/// Nobody else has the pages, so a lock is only where a transaction becomes one that writes.
unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let mount = unsafe { mount_of(file) };
    if level >= ffi::SQLITE_LOCK_RESERVED && mount.read_only.get() {
        return ffi::SQLITE_READONLY;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn unlock(_file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: SQLite passes a place for the result.
    unsafe { out.write(0) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(
    _file: *mut ffi::sqlite3_file,
    _operation: c_int,
    _argument: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

/// The smallest that SQLite knows, so that it never writes pages for their neighbours' sake.
unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    512
}

unsafe extern "C" fn characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn delete(
    _vfs: *mut ffi::sqlite3_vfs,
    _name: *const c_char,
    _sync_directory: c_int,
) -> c_int {
    ffi::SQLITE_OK
}

/// There is no journal and no log beside the file.
unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    _name: *const c_char,
    _flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite passes a place for the result.
    unsafe { out.write(0) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes a C string, and `length` bytes for the result.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > usize::try_from(length).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        out.cast::<u8>()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    ffi::SQLITE_OK
}

/// Returns the VFS of the system, for what has nothing to do with files.
///
/// # Safety
///
/// `vfs` is ours, as `register` made it.
unsafe fn system<'a>(vfs: *mut ffi::sqlite3_vfs) -> (&'a ffi::sqlite3_vfs, *mut ffi::sqlite3_vfs) {
    // SAFETY: the caller's promise; `pAppData` was set to the default VFS, which lives as long as the process.
    unsafe {
        let default = (*vfs).pAppData.cast::<ffi::sqlite3_vfs>();
        (&*default, default)
    }
}

unsafe extern "C" fn randomness(
    vfs: *mut ffi::sqlite3_vfs,
    length: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    unsafe {
        let (default, pointer) = system(vfs);
        default
            .xRandomness
            .map_or(0, |call| call(pointer, length, out))
    }
}

unsafe extern "C" fn sleep(vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    unsafe {
        let (default, pointer) = system(vfs);
        default.xSleep.map_or(0, |call| call(pointer, microseconds))
    }
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    unsafe {
        let (default, pointer) = system(vfs);
        default
            .xCurrentTime
            .map_or(ffi::SQLITE_ERROR, |call| call(pointer, out))
    }
}

unsafe extern "C" fn current_time_int64(
    vfs: *mut ffi::sqlite3_vfs,
    out: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: the arguments are passed on as they came.
    unsafe {
        let (default, pointer) = system(vfs);
        default
            .xCurrentTimeInt64
            .map_or(ffi::SQLITE_ERROR, |call| call(pointer, out))
    }
}
