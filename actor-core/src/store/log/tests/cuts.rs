//! The power goes off at every operation of a run, and at every operation of the recovery from that.

use super::world::{World, script};
use crate::store::Durability;
use crate::store::disk::{Fault, PowerCut, SimDisk};

const SEEDS: u64 = 3;

/// Returns how many operations the script takes.
fn operations() -> u64 {
    let mut world = World::new(SimDisk::new(1));
    script(&mut world).unwrap();
    let operations = world.disk.operations();
    assert!(operations > 100, "{operations}");
    operations
}

fn seeds(cut: PowerCut) -> std::ops::Range<u64> {
    0..if cut.is_random() { SEEDS } else { 1 }
}

/// Runs the script until the power goes off at an operation.
fn run_until(operation: u64, fault: Option<(u64, Fault)>) -> World {
    let disk = SimDisk::new(operation);
    disk.crash_at(operation);
    if let Some((at, fault)) = fault {
        disk.fail_at(at, fault, 1);
    }
    let mut world = World::new(disk);
    let ended = script(&mut world);
    assert!(ended.is_err() || fault.is_some());
    world
}

/// Starts again, and goes on a little.
fn go_on(world: &mut World) -> Result<(), std::sync::Arc<crate::store::StoreError>> {
    world.open()?;
    world.append(Durability::Synced, 900)?;
    world.flush();
    world.recovered();
    world.append(Durability::Synced, 1_900)?;
    world.flush();
    world.release();
    for _ in 0..3 {
        world.append(Durability::Synced, 1_900)?;
        world.flush();
    }
    world.close()?;
    world.open()?;
    world.close()
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_at_every_operation() {
    for operation in 0..operations() {
        let world = run_until(operation, None);
        for cut in PowerCut::ALL {
            for seed in seeds(cut) {
                println!("cut {cut:?} at {operation}, seed {seed}");
                let mut after = world.on(world.disk.after_power_cut(cut, seed));
                if cut == PowerCut::Everything {
                    // The same as if only the process had ended.
                    let mut book = after.book.lock();
                    book.durable = book.written;
                }
                go_on(&mut after).unwrap();
            }
        }
    }
}

#[test]
fn a_recovery_that_is_cut_at_every_operation_can_be_run_again() {
    for operation in 0..operations() {
        let world = run_until(operation, None);
        let cut = PowerCut::ALL[(operation % 6) as usize];
        let first = world.disk.after_power_cut(cut, operation);
        let mut whole = world.on(first.after_kill());
        go_on(&mut whole).unwrap();
        for again in 0..whole.disk.operations() {
            let disk = first.after_kill();
            disk.crash_at(again);
            let mut second = world.on(disk);
            go_on(&mut second).unwrap_err();
            for cut in PowerCut::ALL {
                println!("cut at {operation}, then {cut:?} at {again}");
                let mut third = second.on(second.disk.after_power_cut(cut, again));
                go_on(&mut third).unwrap();
            }
        }
    }
}

#[test]
fn what_failed_does_not_come_back_after_a_power_cut() {
    let operations = operations();
    for fault in [Fault::Late, Fault::Short] {
        for failing in (3..operations).step_by(5) {
            for operation in failing..(failing + 12).min(operations) {
                let world = run_until(operation, Some((failing, fault)));
                for cut in PowerCut::ALL {
                    for seed in 0..2 {
                        println!("{fault:?} at {failing}, cut {cut:?} at {operation}, seed {seed}");
                        let mut after = world.on(world.disk.after_power_cut(cut, seed));
                        go_on(&mut after).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn what_a_start_has_found_survives_a_power_cut_after_it() {
    // The process is killed with batches that were written and not synced, in several segments.
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    for _ in 0..5 {
        world.append(Durability::Process, 1_000).unwrap();
        assert!(world.flush());
    }
    assert_eq!(world.log().durable().get(), 0);
    let mut second = world.on(world.disk.after_kill());
    assert_eq!(second.open().unwrap().len(), 5);
    let mut third = second.on(second.disk.after_power_cut(PowerCut::Nothing, 0));
    assert_eq!(third.open().unwrap().len(), 5);
}

#[test]
fn batches_behind_a_torn_one_do_not_come_back_when_their_numbers_are_used_again() {
    for seed in 0..200 {
        let mut world = World::new(SimDisk::new(seed));
        world.open().unwrap();
        for _ in 0..5 {
            world.append(Durability::Process, 1_000).unwrap();
            assert!(world.flush());
        }
        // Some of the segments are left and some are not.
        let mut second = world.on(world.disk.after_power_cut(PowerCut::Some, seed));
        let found = second.open().unwrap().len();
        second.append(Durability::Synced, 10).unwrap();
        assert!(second.flush());
        let mut third = second.on(second.disk.after_power_cut(PowerCut::Nothing, seed));
        println!("seed {seed}: {found} were left");
        assert_eq!(third.open().unwrap().len(), found + 1);
    }
}

#[test]
fn a_batch_whose_sync_failed_is_written_again_by_the_next_start() {
    for seed in 0..20 {
        let mut world = World::new(SimDisk::new(seed));
        world.open().unwrap();
        world.append(Durability::Synced, 1_000).unwrap();
        world
            .disk
            .fail_at(world.disk.operations() + 1, Fault::Eio, 1);
        assert!(world.flush());
        assert_eq!(world.disk.failed_syncs(), 1);
        // The operating system still shows what may never have reached the disk, and would not write it.
        let mut second = world.on(world.disk.after_kill());
        assert_eq!(second.open().unwrap().len(), 1);
        let mut third = second.on(second.disk.after_power_cut(PowerCut::Nothing, seed));
        assert_eq!(third.open().unwrap().len(), 1);
    }
}

#[test]
fn a_segment_that_an_earlier_process_had_only_made_is_used_with_its_name() {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    let made = world.disk.operations();
    for operation in 0..made {
        let disk = SimDisk::new(operation);
        disk.crash_at(operation);
        let mut world = World::new(disk);
        assert!(world.open().is_err());
        let mut second = world.on(world.disk.after_kill());
        second.open().unwrap();
        second.append(Durability::Synced, 10).unwrap();
        assert!(second.flush());
        let mut third = second.on(second.disk.after_power_cut(PowerCut::Nothing, 0));
        assert_eq!(third.open().unwrap().len(), 1);
    }
}
