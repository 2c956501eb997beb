//! The log stays within its bounds, and says when it is full.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::world::{DIR, World, options, payload};
use crate::store::disk::{Disk, SimDisk};
use crate::store::log::{Log, Options, Ticket};
use crate::store::{Durability, StoreError};

fn files(world: &World) -> Vec<(String, u64)> {
    let dir = Path::new(DIR);
    let listed = world.disk.list(dir).unwrap();
    let files = listed.into_iter().map(|file| {
        let len = world.disk.len(&dir.join(&file.name)).unwrap().unwrap();
        (file.name, len)
    });
    files.collect()
}

fn opened() -> World {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    world
}

fn broken() -> Arc<StoreError> {
    let error = std::io::Error::other("the checkpoint fails");
    Arc::new(StoreError::io("write", Path::new("actor.db"))(error))
}

/// Appends and flushes until nothing is written any more; returns how many records were.
fn fill(world: &mut World) -> usize {
    for written in 0..100 {
        world.append(Durability::Synced, 1_800).unwrap();
        if !world.flush() {
            return written;
        }
    }
    panic!("the log is not bounded");
}

#[test]
fn segments_are_used_again_and_nothing_is_made_or_removed() {
    let mut world = opened();
    for _ in 0..30 {
        world.append(Durability::Synced, 1_000).unwrap();
        world.flush();
        world.release();
    }
    let before = files(&world);
    assert_eq!(before.len(), 2);
    for _ in 0..100 {
        world.append(Durability::Synced, 1_000).unwrap();
        assert!(world.flush());
        world.release();
        assert_eq!(files(&world), before);
    }
}

#[test]
fn segments_keep_their_length_however_batches_fit_into_them() {
    for len in (0..=2_600).step_by(104) {
        let mut world = opened();
        for round in 0..40 {
            world.append(Durability::Synced, len).unwrap();
            assert!(world.flush());
            if round % 3 == 0 {
                world.release();
            }
            let all = files(&world);
            assert!(all.iter().all(|(_, len)| *len == options().segment_bytes));
        }
    }
}

#[test]
fn a_log_that_nobody_empties_stays_within_its_segments() {
    let mut world = opened();
    assert_eq!(fill(&mut world), options().segments);
    assert_eq!(world.log().segments(), options().segments);
    assert_eq!(files(&world).len(), options().segments);
    assert!(
        !world.flush(),
        "nothing is written before something is released"
    );
    world.release();
    assert!(world.flush());
    assert_eq!(files(&world).len(), options().segments);
}

#[test]
fn a_long_batch_has_a_segment_for_itself_that_goes_when_it_is_released() {
    let mut world = opened();
    for round in 0..20 {
        world.append(Durability::Synced, 50_000 + round).unwrap();
        world.flush();
        let longest = files(&world).into_iter().map(|(_, len)| len).max().unwrap();
        assert!(longest > 50_000, "{longest}");
        world.append(Durability::Synced, 10).unwrap();
        world.flush();
        assert!(files(&world).len() <= options().segments + 1);
        world.release();
        world.append(Durability::Synced, 10).unwrap();
        world.flush();
        let longest = files(&world).into_iter().map(|(_, len)| len).max().unwrap();
        assert_eq!(longest, options().segment_bytes);
    }
}

#[test]
fn long_batches_that_nobody_releases_stay_within_the_bound_too() {
    let mut world = opened();
    let mut written = 0;
    loop {
        world.append(Durability::Synced, 10_000).unwrap();
        if !world.flush() {
            break;
        }
        written += 1;
        assert!(written < 10, "the log is not bounded");
    }
    assert!(files(&world).len() <= options().segments);
    world.release();
    assert!(world.flush());
    world.close().unwrap();
    assert_eq!(
        world.open().unwrap().len(),
        1,
        "the last one is not released"
    );
}

#[test]
fn a_full_log_that_is_closed_writes_what_was_appended() {
    let mut world = opened();
    let written = fill(&mut world);
    world.close().unwrap();
    let recovered = world.open().unwrap();
    assert_eq!(recovered.len(), written + 1);
    // There is a place to go on even so, and the log becomes as small again as it should be.
    world.append(Durability::Synced, 10).unwrap();
    assert!(world.flush());
    world.recovered();
    world.release();
    for _ in 0..20 {
        world.append(Durability::Synced, 1_000).unwrap();
        assert!(world.flush());
        world.release();
    }
    assert!(files(&world).len() <= options().segments);
}

#[test]
fn what_is_not_recovered_yet_is_not_written_over() {
    let mut world = opened();
    let written = fill(&mut world);
    let disk = world.disk.after_kill();
    let mut again = world.on(disk);
    assert_eq!(again.open().unwrap().len(), written);
    while again.append(Durability::Synced, 1_800).is_ok() && again.flush() {
        // What is released of the new records does not free the old ones.
        again.log().release(again.log().durable());
    }
    let third = world.on(again.disk.after_kill());
    let disk = Arc::new(third.disk.clone());
    let (_, recovered) = Log::<super::Record>::open(disk, Path::new(DIR), &options()).unwrap();
    assert!(recovered.remaining() > written as u64);
}

#[tokio::test]
async fn turns_wait_while_the_log_is_full_and_fail_when_it_stays_so() {
    let mut world = opened();
    let log = world.log();
    assert!(log.has_room().unwrap());
    fill(&mut world);
    for _ in 0..8 {
        world.append(Durability::Synced, 1_800).unwrap();
    }
    assert!(!world.flush());
    let log = world.log();
    assert!(!log.has_room().unwrap());
    let mut waiting = Box::pin(log.room());
    assert!(futures_poll(&mut waiting).is_none(), "it waits");
    log.checkpoint_failed(broken());
    assert_eq!(waiting.await.unwrap_err().code(), "log_full");
    log.checkpoint_recovered();
    let mut waiting = Box::pin(log.room());
    assert!(futures_poll(&mut waiting).is_none(), "it waits again");
    log.release(log.durable());
    assert!(log.flush_once());
    waiting.await.unwrap();
    world.look();
    world.close().unwrap();
}

/// Polls a future once.
fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_closed_log_takes_nothing_and_a_dropped_one_is_closed() {
    let mut world = opened();
    world.append(Durability::Process, 10).unwrap();
    let log = world.log.take().unwrap();
    log.close().unwrap();
    log.close().unwrap();
    assert_eq!(log.has_room().unwrap_err().code(), "closed");
    let appended = log.append(Durability::Synced, |_, _| -> super::Record {
        panic!("nobody is asked for a record")
    });
    assert_eq!(appended.unwrap_err().code(), "closed");
    assert_eq!(log.pressure(), None);
    assert_eq!(world.open().unwrap().len(), 1);
    world.append(Durability::Process, 10).unwrap();
    world.log = None;
    assert_eq!(world.open().unwrap().len(), 2);
}

#[test]
fn a_checkpoint_is_wanted_when_half_of_the_segments_are_full() {
    let mut world = opened();
    let log = world.log();
    log.request_checkpoint();
    assert_eq!(log.pressure(), Some(log.written()));
    thread::scope(|scope| {
        let wanted = scope.spawn(|| log.pressure());
        let mut appended = 0;
        while !wanted.is_finished() {
            if appended < 3 {
                // The third is in the third segment: two are full.
                let record = super::Record::new(appended, &world.book);
                let append = log.append(Durability::Synced, |_, bytes| {
                    bytes.extend(payload(appended, 1_800));
                    record
                });
                append.unwrap();
                log.flush_once();
                appended += 1;
            }
            thread::yield_now();
        }
        assert_eq!(wanted.join().unwrap().unwrap().get(), 3);
    });
    log.release(log.durable());
    thread::scope(|scope| {
        let wanted = scope.spawn(|| log.pressure());
        log.close().unwrap();
        assert_eq!(wanted.join().unwrap(), None);
    });
    world.log = None;
}

#[test]
fn other_options_fit_an_old_log() {
    let mut world = opened();
    fill(&mut world);
    world.log = None;
    let options = Options {
        segment_bytes: 8_192,
        segments: 2,
        ..options()
    };
    let disk = Arc::new(world.disk.clone());
    let (log, mut recovered) = Log::open(disk, Path::new(DIR), &options).unwrap();
    while recovered.next().unwrap().is_some() {}
    log.mark_recovered();
    for id in 0..30 {
        let record = super::Record::new(id, &world.book);
        let appended = log.append(Durability::Synced, |_, bytes| {
            bytes.extend(payload(id, 1_000));
            record
        });
        let lsn = appended.unwrap();
        assert!(log.flush_once());
        let ticket = Ticket {
            written: lsn,
            synced: lsn,
        };
        assert!(matches!(log.check(ticket), Ok(true)));
        log.release(lsn);
    }
    assert!(files(&world).iter().all(|(_, len)| *len == 8_192));
    assert_eq!(files(&world).len(), 2);
}
