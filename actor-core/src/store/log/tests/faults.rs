//! Every operation of a run fails once, or several times in a row, and works again afterwards.

use super::world::{World, script};
use crate::store::Durability;
use crate::store::disk::{Fault, PowerCut, SimDisk};
use crate::store::log::{Lsn, Ticket};

fn ticket(lsn: Lsn) -> Ticket {
    Ticket {
        written: lsn,
        synced: lsn,
    }
}

/// Looks at a log after its disk failed: either it works again, or it is poisoned because a sync failed.
fn check_after(world: &mut World) {
    let failed_syncs = world.disk.failed_syncs();
    world.disk.heal();
    if world.log.is_none() {
        return;
    }
    world.release();
    match world.append(Durability::Synced, 33) {
        Ok(lsn) => {
            assert_eq!(failed_syncs, 0, "a failed sync poisons the log");
            while world.flush() {}
            world.release();
            while world.flush() {}
            assert!(matches!(world.log().check(ticket(lsn)), Ok(true)));
            world.close().unwrap();
        }
        Err(error) => {
            assert_eq!(error.code(), "poisoned");
            assert!(failed_syncs > 0, "only a failed sync poisons the log");
            let durable = world.log().durable();
            assert!(matches!(world.log().check(ticket(durable)), Ok(true)));
            let appended = world.log().appended();
            if appended > durable {
                let error = world.log().check(ticket(appended)).unwrap_err();
                // It may have failed before.
                assert!(["io", "poisoned"].contains(&error.code()), "{error}");
            }
            assert_eq!(world.close().unwrap_err().code(), "poisoned");
        }
    }
}

#[test]
fn a_fault_at_every_operation_fails_what_it_touches_and_nothing_else() {
    let mut whole = World::new(SimDisk::new(0));
    script(&mut whole).unwrap();
    let mut undone = 0;
    for fault in [Fault::Eio, Fault::Enospc, Fault::Short, Fault::Late] {
        for times in [1, 2, 5] {
            for operation in 0..whole.disk.operations() {
                println!("{fault:?} at {operation}, {times} times");
                let disk = SimDisk::new(operation);
                disk.fail_at(operation, fault, times);
                let mut world = World::new(disk);
                if let Err(error) = script(&mut world) {
                    assert!(["io", "poisoned"].contains(&error.code()), "{error}");
                }
                check_after(&mut world);
                let book = world.book.lock();
                undone += book.undone.len();
                let mut settled = book.settled.clone();
                let mut appended = book.appended.clone();
                settled.sort_unstable();
                appended.sort_unstable();
                assert_eq!(settled, appended, "each is settled, once");
                drop(book);
                world.on(world.disk.after_kill()).open().unwrap();
                for cut in [PowerCut::Nothing, PowerCut::Everything] {
                    let mut after = world.on(world.disk.after_power_cut(cut, operation));
                    after.open().unwrap();
                }
            }
        }
    }
    assert!(undone > 100, "{undone}");
}

#[test]
fn a_fault_at_every_operation_of_a_recovery_leaves_it_to_the_next() {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    for _ in 0..5 {
        world.append(Durability::Synced, 700).unwrap();
        assert!(world.flush());
    }
    let before = world.disk.clone();
    for read in 0..20 {
        let mut after = world.on(before.after_kill());
        after.disk.fail_read_at(read, 1);
        match after.open() {
            Ok(recovered) => assert_eq!(recovered.len(), 5),
            Err(error) => assert_eq!(error.code(), "io"),
        }
        after.disk.heal();
        after.log = None;
        assert_eq!(after.open().unwrap().len(), 5);
    }
    for operation in 0..10 {
        let mut after = world.on(before.after_kill());
        after.disk.fail_at(operation, Fault::Eio, 1);
        if let Err(error) = after.open() {
            assert_eq!(error.code(), "io");
        }
        let disk = after.disk.after_power_cut(PowerCut::Some, operation);
        assert_eq!(world.on(disk).open().unwrap().len(), 5);
    }
}

#[test]
fn a_failed_batch_and_all_after_it_are_undone_and_stay_failed() {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    let kept = world.append(Durability::Synced, 10).unwrap();
    world.flush();
    let lost: Vec<_> = (0..3)
        .map(|_| world.append(Durability::Synced, 10).unwrap())
        .collect();
    world.disk.fail_at(world.disk.operations(), Fault::Late, 1);
    assert!(world.flush());
    let next = world.append(Durability::Process, 10).unwrap();
    assert!(next > lost[2], "a number is not used twice");
    assert!(matches!(world.log().check(ticket(next)), Ok(false)));
    world.flush();
    let written = Ticket {
        written: next,
        synced: Lsn::NONE,
    };
    assert!(matches!(world.log().check(written), Ok(true)));
    assert!(matches!(world.log().check(ticket(next)), Ok(false)));
    let _ = world.log().force();
    world.flush();
    assert!(matches!(world.log().check(ticket(next)), Ok(true)));
    assert!(matches!(world.log().check(ticket(kept)), Ok(true)));
    for lsn in lost {
        assert_eq!(world.log().check(ticket(lsn)).unwrap_err().code(), "io");
    }
    assert_eq!(world.book.lock().undone, [1_004, 1_003, 1_002]);
    world.close().unwrap();
    assert_eq!(world.open().unwrap(), [1_001, 1_005]);
}

#[test]
fn a_forced_sync_is_not_for_what_failed_before_it() {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    let kept = world.append(Durability::Process, 10).unwrap();
    world.flush();
    world.append(Durability::Process, 10).unwrap();
    world
        .disk
        .fail_at(world.disk.operations(), Fault::Enospc, 1);
    world.flush();
    assert_eq!(world.log().force(), ticket(kept));
    assert!(world.flush());
    assert_eq!(world.log().durable(), kept);
    assert!(!world.flush(), "there is nothing more to do");
}

#[test]
fn what_a_power_cut_brings_back_is_not_what_failed_before_it() {
    // The failed batch is on the disk as a whole; only that it was made empty keeps it from counting.
    for cut in PowerCut::ALL {
        for seed in 0..20 {
            let mut world = World::new(SimDisk::new(seed));
            world.open().unwrap();
            world.append(Durability::Synced, 10).unwrap();
            world.flush();
            world.append(Durability::Synced, 10).unwrap();
            world.disk.fail_at(world.disk.operations(), Fault::Late, 1);
            world.flush();
            world.append(Durability::Process, 10).unwrap();
            world.flush();
            let mut after = world.on(world.disk.after_power_cut(cut, seed));
            after.open().unwrap();
        }
    }
}

#[test]
fn a_closure_that_panics_leaves_nothing_in_the_buffer() {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    let first = world.append(Durability::Synced, 10).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.log().append(Durability::Synced, |_, bytes| {
            bytes.extend([1; 100]);
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    let second = world.append(Durability::Synced, 20).unwrap();
    assert_eq!(second.get(), first.get() + 1);
    world.flush();
    world.close().unwrap();
    assert_eq!(world.open().unwrap().len(), 2);
}
