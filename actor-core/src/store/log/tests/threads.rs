//! The log with its threads, on a real disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::away::Away;
use crate::store::Durability;
use crate::store::disk::{Fault, RealDisk, SimDisk};
use crate::store::log::{Entry, Log, Lsn, Options, Ticket};

/// Counts what is settled and undone.
#[derive(Default)]
struct Counts {
    settled: AtomicUsize,
    undone: AtomicUsize,
}

struct Counted(Arc<Counts>);

impl Entry for Counted {
    fn undo(&mut self) {
        self.0.undone.fetch_add(1, Ordering::SeqCst);
    }

    fn settled(&self) {
        self.0.settled.fetch_add(1, Ordering::SeqCst);
    }
}

fn options() -> Options {
    Options {
        segment_bytes: 64 << 10,
        segments: 4,
        ..Options::default()
    }
}

fn ticket(lsn: Lsn) -> Ticket {
    Ticket {
        written: lsn,
        synced: lsn,
    }
}

fn append(log: &Log<Counted>, counts: &Arc<Counts>, writer: u64, number: u64) -> Lsn {
    let durability = if number.is_multiple_of(3) {
        Durability::Process
    } else {
        Durability::Synced
    };
    log.append(durability, |_, bytes| {
        bytes.extend(writer.to_le_bytes());
        bytes.extend(number.to_le_bytes());
        Counted(Arc::clone(counts))
    })
    .unwrap()
}

#[test]
fn many_threads_append_and_a_new_process_finds_all_in_their_orders() {
    const WRITERS: u64 = 8;
    const RECORDS: u64 = 300;
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("log");
    let disk = || Arc::new(RealDisk::new(directory.path()).unwrap());
    let counts = Arc::new(Counts::default());
    let (log, _) = Log::open(disk(), &dir, &options()).unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (log, counts) = (&log, &counts);
            scope.spawn(move || {
                for number in 0..RECORDS {
                    let lsn = append(log, counts, writer, number);
                    if number % 10 == writer {
                        log.wait_blocking(ticket(lsn)).unwrap();
                        assert!(log.durable() >= lsn);
                    }
                }
            });
        }
    });
    log.close().unwrap();
    let all = usize::try_from(WRITERS * RECORDS).unwrap();
    assert_eq!(counts.settled.load(Ordering::SeqCst), all);
    assert_eq!(counts.undone.load(Ordering::SeqCst), 0);
    let (log, mut recovered) = Log::<Counted>::open(disk(), &dir, &options()).unwrap();
    let mut next = BTreeMap::new();
    while let Some(payload) = recovered.next().unwrap() {
        let (writer, number) = payload.split_at(8);
        let expected = next.entry(writer.to_vec()).or_insert(0_u64);
        assert_eq!(number, expected.to_le_bytes());
        *expected += 1;
    }
    assert_eq!(next.len() as u64, WRITERS);
    assert!(next.values().all(|numbers| *numbers == RECORDS));
    log.mark_recovered();
    log.close().unwrap();
    let (_, recovered) = Log::<Counted>::open(disk(), &dir, &options()).unwrap();
    assert_eq!(recovered.remaining(), 0, "the close says what is recovered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_wait_for_their_tickets_while_a_checkpointer_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::new(directory.path()).unwrap());
    let counts = Arc::new(Counts::default());
    let options = Options {
        segment_bytes: 4 << 10,
        ..options()
    };
    let (log, _) = Log::open(disk, &directory.path().join("log"), &options).unwrap();
    let log = Arc::new(log);
    let checkpointer = thread::spawn({
        let log = Arc::clone(&log);
        move || {
            let mut checkpoints = 0;
            while let Some(lsn) = log.pressure() {
                if log.wait_blocking(ticket(lsn)).is_ok() {
                    log.release(lsn);
                    checkpoints += 1;
                }
            }
            checkpoints
        }
    });
    let mut tasks = Vec::new();
    for writer in 0..8 {
        let (log, counts) = (Arc::clone(&log), Arc::clone(&counts));
        tasks.push(tokio::spawn(async move {
            for number in 0..100 {
                log.room().await.unwrap();
                let lsn = append(&log, &counts, writer, number);
                log.wait(ticket(lsn)).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(log.segments() <= 4);
    log.release(log.durable());
    log.close().unwrap();
    assert!(checkpointer.join().unwrap() > 0);
    assert_eq!(counts.settled.load(Ordering::SeqCst), 800);
}

/// Fills and empties a log whose only writers are those who wait for it, and closes it.
fn fill_and_close(runtime: Away) {
    let disk = Arc::new(SimDisk::new(0));
    let counts = Arc::new(Counts::default());
    let options = Options {
        segment_bytes: 4 << 10,
        threads: false,
        runtime: Some(runtime),
        ..options()
    };
    let (log, _) = Log::open(disk.clone(), Path::new("/log"), &options).unwrap();
    thread::scope(|scope| {
        let checkpointer = scope.spawn(|| {
            while let Some(lsn) = log.pressure() {
                log.wait_blocking(ticket(lsn)).unwrap();
                log.release(lsn);
            }
        });
        for number in 0..100 {
            let lsn = append(&log, &counts, 0, number);
            if number % 20 == 19 {
                log.wait_blocking(ticket(lsn)).unwrap();
            }
        }
        log.close().unwrap();
        checkpointer.join().unwrap();
    });
    assert_eq!(counts.settled.load(Ordering::SeqCst), 100);
}

#[test]
fn who_waits_writes_when_the_runtime_has_ended() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let away = Away::of(runtime.handle().clone());
    drop(runtime);
    fill_and_close(away);
}

#[test]
fn who_waits_writes_when_it_has_the_last_place_of_the_runtime() {
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let away = Away::of(runtime.handle().clone());
    let work = runtime.spawn_blocking(|| fill_and_close(away));
    runtime.block_on(work).unwrap();
}

#[test]
fn threads_of_its_own_need_no_place_in_the_pool() {
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let away = Away::of(runtime.handle().clone());
    let (let_go, wait) = std::sync::mpsc::channel::<()>();
    let held = runtime.spawn_blocking(move || wait.recv().unwrap_err());
    let disk = Arc::new(SimDisk::new(0));
    let counts = Arc::new(Counts::default());
    let options = Options {
        runtime: Some(away),
        ..options()
    };
    let (log, _) = Log::open(disk, Path::new("/log"), &options).unwrap();
    for number in 0..10 {
        let lsn = append(&log, &counts, 0, number);
        runtime.block_on(log.wait(ticket(lsn))).unwrap();
    }
    // Who would have stayed meanwhile never came, and is not waited for.
    log.close().unwrap();
    drop(let_go);
    runtime.block_on(held).unwrap();
    assert_eq!(counts.settled.load(Ordering::SeqCst), 10);
}

#[test]
fn paused_time_stands_while_threads_of_its_own_write() {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let counts = Arc::new(Counts::default());
    let options = Options {
        runtime: Some(Away::of(runtime.handle().clone())),
        ..options()
    };
    let (log, _) = Log::open(Arc::new(SimDisk::new(0)), Path::new("/log"), &options).unwrap();
    runtime.block_on(async {
        let began = tokio::time::Instant::now();
        for number in 0..200 {
            let lsn = append(&log, &counts, 0, number);
            // It would run out at once if time jumped.
            let waited = tokio::time::timeout(Duration::from_mins(1), log.wait(ticket(lsn)));
            waited.await.unwrap().unwrap();
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
    log.close().unwrap();
}

#[test]
fn the_last_owner_may_be_an_entry() {
    struct Owner(#[allow(dead_code)] Option<Arc<Log<Owner>>>);

    impl Entry for Owner {
        fn undo(&mut self) {}

        fn settled(&self) {}
    }

    let disk = Arc::new(SimDisk::new(0));
    let (log, _) = Log::open(disk.clone(), Path::new("/log"), &options()).unwrap();
    let log = Arc::new(log);
    let owner = Owner(Some(Arc::clone(&log)));
    log.append(Durability::Synced, |_, _| owner).unwrap();
    drop(log);
    loop {
        // The log closes itself, on one of its own threads.
        let opened = disk.after_kill();
        let (_, recovered) =
            Log::<Counted>::open(Arc::new(opened), Path::new("/log"), &options()).unwrap();
        if recovered.remaining() == 1 {
            break;
        }
        thread::yield_now();
    }
}

#[test]
fn a_disk_that_fails_for_a_while_loses_what_it_says_it_lost() {
    let disk = SimDisk::new(0);
    let counts = Arc::new(Counts::default());
    let (log, _) = Log::open(Arc::new(disk.clone()), Path::new("/log"), &options()).unwrap();
    let mut kept = 0;
    let mut lost = 0;
    for number in 0..200 {
        if number % 10 == 5 {
            disk.fail_at(disk.operations(), Fault::Enospc, 1);
        }
        let lsn = append(&log, &counts, 0, number);
        match log.wait_blocking(ticket(lsn)) {
            Ok(()) => kept += 1,
            Err(error) => {
                assert_eq!(error.code(), "io");
                lost += 1;
            }
        }
    }
    assert_eq!((kept, lost), (180, 20));
    log.close().unwrap();
    assert_eq!(counts.undone.load(Ordering::SeqCst), 20);
    let disk = Arc::new(disk.after_kill());
    let (_, recovered) = Log::<Counted>::open(disk, Path::new("/log"), &options()).unwrap();
    assert_eq!(recovered.remaining(), 180);
}
