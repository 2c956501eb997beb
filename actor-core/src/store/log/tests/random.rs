//! Many processes after one another on one disk, each of which does something random until it ends somehow.

use super::world::World;
use crate::store::Durability;
use crate::store::disk::{Fault, PowerCut, Seeded, SimDisk};

/// How many lives a log has in CI; `ACTOR_LOG_SEEDS` has others.
const SEEDS: u64 = 300;
const LIVES: u64 = 12;
const STEPS: u64 = 40;

/// Does something random; returns whether the process goes on.
fn step(world: &mut World, random: &mut Seeded, recovered: &mut bool) -> bool {
    if world.log.is_none() {
        if world.open().is_err() {
            return false;
        }
        *recovered = false;
    }
    match random.below(16) {
        0..6 => {
            let len = match random.below(12) {
                0 => random.below(9_000),
                1..6 => random.below(2_500),
                _ => random.below(200),
            };
            let durability = if random.coin() {
                Durability::Synced
            } else {
                Durability::Process
            };
            let len = usize::try_from(len).unwrap();
            return world.append(durability, len).is_ok();
        }
        6..12 => {
            world.flush();
        }
        12 => world.release(),
        13 => {
            let _ = world.log().force();
        }
        14 if !*recovered => {
            world.recovered();
            *recovered = true;
        }
        _ if random.below(4) == 0 => {
            let closed = world.close().is_ok();
            return closed || world.disk.failed_syncs() == 0;
        }
        _ => {}
    }
    true
}

/// Returns what the next process finds after this one.
fn end(world: &World, random: &mut Seeded) -> SimDisk {
    if random.below(3) == 0 && !world.disk.is_off() {
        let book = world.book.lock();
        let found = world.disk.after_kill();
        drop(book);
        return found;
    }
    let cuts = PowerCut::ALL.len() as u64;
    let cut = PowerCut::ALL[usize::try_from(random.below(cuts)).unwrap()];
    world.disk.after_power_cut(cut, random.next())
}

fn live(seed: u64) {
    let mut random = Seeded::new(seed);
    let mut world = World::new(SimDisk::new(seed));
    for _ in 0..LIVES {
        let steps = random.below(STEPS);
        if random.coin() {
            world.disk.crash_at(random.below(STEPS * 2));
        }
        if random.below(3) == 0 {
            let fault = [Fault::Eio, Fault::Enospc, Fault::Short, Fault::Late];
            let fault = fault[usize::try_from(random.below(4)).unwrap()];
            world.disk.fail_at(random.below(STEPS), fault, 1);
        }
        let mut recovered = false;
        for _ in 0..steps {
            if !step(&mut world, &mut random, &mut recovered) {
                break;
            }
        }
        let disk = end(&world, &mut random);
        world = world.on(disk);
    }
    world.open().unwrap();
}

#[test]
fn many_random_lives_lose_nothing_that_was_promised() {
    let seeds = std::env::var("ACTOR_LOG_SEEDS").map_or(0..SEEDS, |range| {
        let (start, end) = range.split_once("..").unwrap();
        start.parse().unwrap()..end.parse().unwrap()
    });
    for seed in seeds {
        println!("seed {seed}");
        live(seed);
    }
}
