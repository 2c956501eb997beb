//! How fast the log is, beside the disk alone. Run by hand, in a release build:
//! `cargo test --release -p actor-core --lib store::log::tests::timing -- --ignored --nocapture`.

#![allow(clippy::cast_precision_loss)] // Numbers for people.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::store::Durability;
use crate::store::disk::{Disk, OpenHow, RealDisk};
use crate::store::log::{Entry, Log, Options, Ticket};

const TIME: Duration = Duration::from_secs(2);

/// What one small action leaves.
const RECORD: [u8; 200] = [7; 200];

/// Counts what is settled, a batch being what is settled without a pause.
struct Settled(Arc<AtomicU64>);

impl Entry for Settled {
    fn undo(&mut self) {}

    fn settled(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the median, in microseconds.
fn median(mut times: Vec<Duration>) -> u128 {
    times.sort_unstable();
    times[times.len() / 2].as_micros()
}

/// Writes and syncs 4 KiB in a segment of zeros, again and again; returns how often a second, and how long one took.
fn bare(disk: &dyn Disk, directory: &std::path::Path) -> (f64, u128) {
    let file = disk.open(&directory.join("bare"), OpenHow::Create).unwrap();
    let len = 16 << 20;
    file.write_at(&vec![0; 16 << 20], 0).unwrap();
    file.sync_data().unwrap();
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < TIME {
        let before = Instant::now();
        let offset = times.len() as u64 * 4_096 % len;
        file.write_at(&[7; 4_096], offset).unwrap();
        file.sync_data().unwrap();
        times.push(before.elapsed());
    }
    let count = times.len() as f64 / start.elapsed().as_secs_f64();
    (count, median(times))
}

/// Appends from so many threads, each of which has so many records under way; returns how many records a second, and how long
/// the last of those under way took.
fn log(log: &Log<Settled>, appenders: u64, under_way: usize) -> (f64, u128) {
    let settled = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let times = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..appenders {
            scope.spawn(|| {
                let mut mine = Vec::new();
                while start.elapsed() < TIME {
                    let before = Instant::now();
                    let mut last = Ticket::default();
                    for _ in 0..under_way {
                        let lsn = log
                            .append(Durability::Synced, |_, bytes| {
                                bytes.extend_from_slice(&RECORD);
                                Settled(Arc::clone(&settled))
                            })
                            .unwrap();
                        last = Ticket {
                            written: lsn,
                            synced: lsn,
                        };
                    }
                    log.wait_blocking(last).unwrap();
                    mine.push(before.elapsed());
                    log.release(log.durable());
                }
                times.lock().extend(mine);
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let times = times.into_inner();
    ((times.len() * under_way) as f64 / seconds, median(times))
}

#[test]
#[ignore = "measures for half a minute, and asserts nothing"]
fn records_a_second_beside_the_disk_alone() {
    let base = std::env::var_os("ACTOR_TIMING_DIR").map_or_else(std::env::temp_dir, Into::into);
    let directory = tempfile::tempdir_in(base).unwrap();
    let disk = Arc::new(RealDisk::new(directory.path()).unwrap());
    let dir = directory.path().join("log");
    let (opened, _) = Log::open(disk.clone(), &dir, &Options::default()).unwrap();
    for _ in 0..2 {
        let (alone, median) = bare(&*disk, directory.path());
        println!("4 KiB + fdatasync: {alone:.0} a second, median {median} us");
        for (appenders, under_way) in [(1, 1), (1, 64), (64, 1), (64, 16)] {
            let before = opened.engine.space.needed();
            let start = Instant::now();
            let (records, median) = log(&opened, appenders, under_way);
            opened.release(opened.durable());
            let batches = opened.engine.space.needed() - before;
            let batches = batches as f64 / start.elapsed().as_secs_f64();
            println!(
                "{appenders} appenders with {under_way} each: {records:.0} records and {batches:.0} batches a second ({:.2} of the disk's), median {median} us",
                batches / alone
            );
        }
    }
    opened.close().unwrap();
}
