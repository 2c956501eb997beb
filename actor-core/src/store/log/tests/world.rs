//! [`World`]: a log without threads on a disk in memory, and what it must remember.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::observe::metrics::StoreMetrics;
use crate::store::disk::SimDisk;
use crate::store::log::{Entry, Log, Lsn, Options, Recovered, Ticket};
use crate::store::{Durability, StoreError};

pub(super) const DIR: &str = "/data/log";

/// What was appended, and what was promised about it.
#[derive(Debug, Default)]
pub(in crate::store::log) struct Book {
    /// The ids of all records that count, oldest first, over all processes.
    pub(in crate::store::log) history: Vec<u64>,
    /// How many of them are written, synced, and in the files of the actors.
    pub(in crate::store::log) written: usize,
    pub(in crate::store::log) durable: usize,
    pub(in crate::store::log) released: usize,
    pub(in crate::store::log) appended: Vec<u64>,
    pub(in crate::store::log) undone: Vec<u64>,
    pub(in crate::store::log) settled: Vec<u64>,
    /// What happens after the power went off is seen by nobody.
    disk: Option<SimDisk>,
}

/// A record of the tests.
#[derive(Debug)]
pub(in crate::store::log) struct Record {
    id: u64,
    book: Arc<Mutex<Book>>,
}

impl Record {
    pub(in crate::store::log) fn new(id: u64, book: &Arc<Mutex<Book>>) -> Self {
        let book = Arc::clone(book);
        Self { id, book }
    }
}

impl Entry for Record {
    fn undo(&mut self) {
        let mut book = self.book.lock();
        if book.disk.as_ref().is_some_and(SimDisk::is_off) {
            return;
        }
        let newest = book.history.pop();
        assert_eq!(newest, Some(self.id), "the newest is undone first");
        assert!(book.written <= book.history.len(), "{}", self.id);
        book.undone.push(self.id);
    }

    fn settled(&self) {
        let mut book = self.book.lock();
        assert!(!book.settled.contains(&self.id), "{}", self.id);
        book.settled.push(self.id);
    }
}

/// A process with a log.
pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) book: Arc<Mutex<Book>>,
    pub(super) log: Option<Log<Record>>,
    /// The records of this process that are not durable: where each is in the history.
    open: BTreeMap<Lsn, usize>,
    /// The newest durable one.
    durable: Option<(Lsn, usize)>,
    next_id: u64,
    /// Counts the processes: no two have the same salts.
    seed: u64,
}

pub(super) fn options() -> Options {
    Options {
        segment_bytes: 4_096,
        segments: 4,
        buffer_bytes: 8_192,
        threads: false,
        runtime: None,
        seed: Some(7),
        metrics: StoreMetrics::default(),
    }
}

/// Returns what a record with this id holds.
pub(super) fn payload(id: u64, len: usize) -> Vec<u8> {
    let mut payload = id.to_le_bytes().to_vec();
    payload.extend((31 * id..).take(len).map(|at| at.to_le_bytes()[0]));
    payload
}

/// Returns the ids of what is recovered, after a look at all of its bytes.
pub(super) fn ids(recovered: &mut Recovered) -> Result<Vec<u64>, StoreError> {
    let mut ids = Vec::new();
    while let Some(found) = recovered.next()? {
        let id = u64::from_le_bytes(found[..8].try_into().unwrap());
        assert_eq!(found, payload(id, found.len() - 8), "record {id} is whole");
        ids.push(id);
    }
    assert_eq!(recovered.remaining(), 0);
    Ok(ids)
}

impl World {
    pub(super) fn new(disk: SimDisk) -> Self {
        // The data directory is there, durably.
        disk.put(Path::new("/data/lock"), b"");
        let book = Book {
            disk: Some(disk.clone()),
            ..Book::default()
        };
        Self::with(disk, Arc::new(Mutex::new(book)), 0)
    }

    fn with(disk: SimDisk, book: Arc<Mutex<Book>>, seed: u64) -> Self {
        let next_id = book.lock().history.iter().max().map_or(1, |last| last + 1);
        Self {
            disk,
            book,
            log: None,
            open: BTreeMap::new(),
            durable: None,
            next_id: next_id + 1_000,
            seed,
        }
    }

    /// Goes on with what is on another disk, and with what was promised.
    pub(super) fn on(&self, disk: SimDisk) -> Self {
        let book = self.book.lock();
        let book = Book {
            history: book.history.clone(),
            written: book.written,
            durable: book.durable,
            released: book.released,
            disk: Some(disk.clone()),
            ..Book::default()
        };
        Self::with(disk, Arc::new(Mutex::new(book)), self.seed + 1_000)
    }

    pub(super) fn log(&self) -> &Log<Record> {
        self.log.as_ref().unwrap()
    }

    /// Opens the log, and looks whether what it recovers is what was promised, not more and not twice.
    pub(super) fn open(&mut self) -> Result<Vec<u64>, StoreError> {
        let disk = Arc::new(self.disk.clone());
        self.seed += 1;
        let options = Options {
            seed: Some(self.seed),
            ..options()
        };
        let (log, mut recovered) = Log::open(disk, Path::new(DIR), &options)?;
        let ids = ids(&mut recovered)?;
        self.log = Some(log);
        self.open.clear();
        self.durable = None;
        let mut book = self.book.lock();
        let start = match ids.first() {
            Some(first) => {
                let start = book.history.iter().position(|id| id == first);
                start.unwrap_or_else(|| panic!("{first} is not of the history"))
            }
            None => book.released,
        };
        let end = start + ids.len();
        assert!(start <= book.released, "all that is not released is there");
        assert!(
            end >= book.durable,
            "all that is durable is there: {start}..{end} of {book:?}"
        );
        assert_eq!(ids, book.history[start..end], "in order, none twice");
        book.history.truncate(end);
        book.written = end;
        book.durable = end;
        Ok(ids)
    }

    /// Says that all that was recovered is in the files.
    pub(super) fn recovered(&mut self) {
        self.log().mark_recovered();
        let mut book = self.book.lock();
        if !self.disk.is_off() {
            book.released = book.durable;
        }
    }

    pub(super) fn append(&mut self, durability: Durability, len: usize) -> Result<Lsn, StoreError> {
        let id = self.next_id;
        self.next_id += 1;
        let lsn = self.log().append(durability, |_, bytes| {
            bytes.extend(payload(id, len));
            Record::new(id, &self.book)
        })?;
        let mut book = self.book.lock();
        self.open.insert(lsn, book.history.len());
        book.history.push(id);
        book.appended.push(id);
        Ok(lsn)
    }

    /// Flushes once, and notes what is promised then.
    pub(super) fn flush(&mut self) -> bool {
        let flushed = self.log().flush_once();
        self.look();
        flushed
    }

    pub(super) fn look(&mut self) {
        let log = self.log.as_ref().unwrap();
        let mut book = self.book.lock();
        let durable = &mut self.durable;
        self.open.retain(|lsn, position| {
            let written = Ticket {
                written: *lsn,
                synced: Lsn::NONE,
            };
            let synced = Ticket {
                written: *lsn,
                synced: *lsn,
            };
            if let Ok(true) = log.check(written) {
                book.written = book.written.max(*position + 1);
            }
            if let Ok(true) = log.check(synced) {
                book.durable = book.durable.max(*position + 1);
                *durable = Some((*lsn, *position));
            }
            log.check(synced).is_ok_and(|passed| !passed)
        });
    }

    /// Writes a checkpoint of all that is durable: in this model it is safe at once.
    pub(super) fn release(&mut self) {
        if let Some((lsn, position)) = self.durable
            && !self.disk.is_off()
        {
            self.book.lock().released = position + 1;
            self.log().release(lsn);
        }
    }

    pub(super) fn close(&mut self) -> Result<(), Arc<StoreError>> {
        let closed = self.log().close();
        self.look();
        self.log = None;
        closed
    }
}

/// A run in which everything happens that can happen to a log. Ends early when something fails for good.
pub(super) fn script(world: &mut World) -> Result<(), Arc<StoreError>> {
    use Durability::{Process, Synced};
    world.open()?;
    world.recovered();
    for round in 0..3 {
        world.append(Synced, 100 + round * 37)?;
        world.append(Process, 20)?;
        world.flush();
    }
    for _ in 0..2 {
        world.append(Process, 0)?;
        world.flush();
    }
    world.append(Synced, 1_700)?;
    world.flush();
    world.release();
    for _ in 0..3 {
        for _ in 0..3 {
            world.append(Synced, 600)?;
        }
        world.flush();
    }
    world.append(Synced, 6_000)?;
    world.append(Synced, 10)?;
    world.flush();
    world.append(Process, 30)?;
    world.flush();
    world.release();
    // Several segments without a sync.
    for _ in 0..5 {
        world.append(Process, 1_700)?;
        world.flush();
    }
    let _ = world.log().force();
    world.flush();
    for round in 0..8 {
        world.append(Synced, 1_500)?;
        world.flush();
        if round % 2 == 0 {
            world.release();
        }
    }
    world.close()?;
    world.open()?;
    world.append(Synced, 40)?;
    world.flush();
    world.recovered();
    fill(world)?;
    world.release();
    world.append(Synced, 7_000)?;
    world.flush();
    world.append(Process, 50)?;
    world.release();
    world.close()?;
    world.open()?;
    world.recovered();
    world.append(Synced, 50)?;
    world.flush();
    world.release();
    world.close()?;
    let recovered = world.open()?;
    if world.book.lock().undone.is_empty() {
        assert!(
            recovered.is_empty(),
            "all was released before it was closed"
        );
    }
    world.append(Process, 50)?;
    world.close()
}

/// Appends until nothing is written any more, because nothing is released.
fn fill(world: &mut World) -> Result<(), Arc<StoreError>> {
    for _ in 0..20 {
        world.append(Durability::Synced, 1_800)?;
        if !world.flush() && !world.disk.is_off() {
            assert!(world.log().segments() <= options().segments + 1);
            world.release();
            assert!(world.flush(), "there is room again");
            return Ok(());
        }
    }
    assert!(world.disk.is_off(), "the log is bounded");
    Ok(())
}
