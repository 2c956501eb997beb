//! Power cuts: at every operation of a script, and then at every operation of the recovery.

use std::sync::Arc;

use super::lab::{Lab, template};
use super::script::{Model, Step, compare, interleaved, play, script};
use crate::store::Template;
use crate::store::disk::{PowerCut, SimDisk};

/// How many different outcomes of each random kind of cut are looked at.
const SEEDS: u64 = 2;

fn seeds(cut: PowerCut) -> std::ops::Range<u64> {
    0..if cut.is_random() { SEEDS } else { 1 }
}

/// Plays until the power goes off at an operation.
fn cut_short(template: &Arc<Template>, steps: &[Step], at: u64) -> (SimDisk, Model) {
    let disk = SimDisk::new(1);
    disk.crash_at(at);
    let mut model = Model::new();
    let _played = play(&disk, template, steps, &mut model);
    assert!(disk.is_off(), "the power went off before the end");
    (disk, model)
}

fn operations(template: &Arc<Template>, steps: &[Step]) -> u64 {
    let (disk, mut model) = (SimDisk::new(1), Model::new());
    play(&disk, template, steps, &mut model).unwrap();
    let operations = disk.operations();
    assert!(operations > 100, "the script does something: {operations}");
    operations
}

fn cut_everywhere(steps: &[Step]) {
    let template = template();
    let operations = operations(&template, steps);
    for at in 0..operations {
        let (disk, model) = cut_short(&template, steps, at);
        for cut in PowerCut::ALL {
            for seed in seeds(cut) {
                let left = disk.after_power_cut(cut, seed);
                eprintln!("cut at {at} of {operations}, {cut:?}, seed {seed}");
                compare(&left, &template, &model);
            }
        }
    }
}

/// How many operations lie between two first cuts whose recovery is cut too.
const STEP: usize = 23;

/// Cuts the recovery from what the first cut left at each of its operations. `kill` ends the first process only: what it had
/// written and not synced is there, and can still be lost.
fn cut_recovery_everywhere(steps: &[Step], kill: bool) {
    let template = template();
    let operations = operations(&template, steps);
    for at in (0..operations).step_by(STEP) {
        let (disk, model) = cut_short(&template, steps, at);
        let first = || {
            if kill {
                disk.after_kill()
            } else {
                disk.after_power_cut(PowerCut::Scattered, at)
            }
        };
        for again in 0.. {
            let second = first();
            second.crash_at(again);
            if Lab::open(&second, &template).is_ok() && second.operations() <= again {
                break;
            }
            for cut in [PowerCut::Nothing, PowerCut::Scattered] {
                eprintln!("cut at {at} of {operations}, the recovery at {again}, {cut:?}");
                let left = second.after_power_cut(cut, again);
                compare(&left, &template, &model);
            }
        }
    }
}

#[test]
fn a_script_without_a_cut_leaves_what_it_wrote() {
    for steps in [script(), interleaved()] {
        let (template, disk) = (template(), SimDisk::new(1));
        let mut model = Model::new();
        play(&disk, &template, &steps, &mut model).unwrap();
        assert!(model.values().all(|known| known.maybe.is_empty()));
        compare(&disk, &template, &model);
    }
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    cut_everywhere(&script());
}

#[test]
fn a_power_cut_among_commits_that_nobody_waits_for_leaves_them_whole_or_not_at_all() {
    cut_everywhere(&interleaved());
}

#[test]
fn a_power_cut_of_the_recovery_loses_nothing() {
    cut_recovery_everywhere(&script(), false);
    cut_recovery_everywhere(&interleaved(), false);
}

#[test]
fn a_power_cut_of_the_recovery_after_a_kill_loses_nothing() {
    cut_recovery_everywhere(&script(), true);
    cut_recovery_everywhere(&interleaved(), true);
}
