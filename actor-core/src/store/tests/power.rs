//! Power cuts: at every operation of a script, and then at every operation of the recovery.

use super::lab::template;
use super::script::{Model, compare, play, script};
use crate::store::disk::{PowerCut, SimDisk};

/// How many different outcomes of each random kind of cut are looked at.
const SEEDS: u64 = 2;

fn seeds(cut: PowerCut) -> std::ops::Range<u64> {
    0..if cut.is_random() { SEEDS } else { 1 }
}

#[test]
fn a_script_without_a_cut_leaves_what_it_wrote() {
    let (template, disk) = (template(), SimDisk::new(1));
    let mut model = Model::new();
    play(&disk, &template, &script(), &mut model).unwrap();
    compare(&disk, &template, &model);
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_that_was_acknowledged() {
    let template = template();
    let whole = SimDisk::new(1);
    play(&whole, &template, &script(), &mut Model::new()).unwrap();
    let operations = whole.operations();
    assert!(operations > 100, "the script does something: {operations}");
    for at in 0..operations {
        let disk = SimDisk::new(1);
        disk.crash_at(at);
        let mut model = Model::new();
        play(&disk, &template, &script(), &mut model)
            .expect_err("the power went off before the end");
        for cut in PowerCut::ALL {
            for seed in seeds(cut) {
                let left = disk.after_power_cut(cut, seed);
                eprintln!("cut at {at} of {operations}, {cut:?}, seed {seed}");
                compare(&left, &template, &model);
            }
        }
    }
}
