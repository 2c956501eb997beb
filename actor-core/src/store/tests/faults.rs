//! Faults: every operation of a script fails, and every read, once or several times in a row, while somebody works on.
//!
//! After an error the actors start again from what the store says, as the runtime has it. What was acknowledged is there then, and
//! after the next start; what was answered with an error is there as a whole or not at all.

use std::sync::Arc;

use super::lab::{Lab, rows, template};
use super::script::{Model, Player, Step, compare, compare_open, interleaved, script};
use crate::store::disk::{Fault, PowerCut, SimDisk};
use crate::store::{Durability, StoreError, Template};

/// How often somebody tries again before the fault must have ended.
const TRIES: usize = 40;

/// What a fault may be answered with.
const CODES: [&str; 6] = ["io", "lost", "poisoned", "sqlite", "log_full", "open"];

fn is_typed(error: &StoreError) {
    let code = error.code();
    assert!(CODES.contains(&code), "{code}: {error}");
}

/// A script that is played on although steps of it fail.
struct Stubborn<'t> {
    disk: SimDisk,
    template: &'t Arc<Template>,
    model: Model,
    player: Option<Player>,
}

impl Stubborn<'_> {
    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            if self.player.is_none() && !self.open() {
                return;
            }
            let Some(player) = &mut self.player else {
                return;
            };
            let outcome = match step {
                Step::Restart => {
                    let closed = player.close(&mut self.model);
                    self.player = None;
                    closed
                }
                step if Self::fits(*step, &self.model) => player.step(*step, &mut self.model),
                _ => Ok(()),
            };
            let Err(error) = outcome else {
                continue;
            };
            is_typed(&error);
            if self.disk.failed_syncs() > 0 {
                // Nothing is acknowledged any more.
                return;
            }
            if self.player.is_some() {
                self.start_again();
            }
        }
    }

    /// Opens the store; it may fail as long as the fault lasts.
    fn open(&mut self) -> bool {
        for _ in 0..TRIES {
            match Player::open(&self.disk, self.template) {
                Ok(player) => {
                    self.player = Some(player);
                    self.look();
                    return true;
                }
                Err(error) => is_typed(&error),
            }
            if self.disk.failed_syncs() > 0 {
                return false;
            }
        }
        panic!("the store opens when the fault has ended");
    }

    /// Returns whether a step makes sense after those before it that failed.
    fn fits(step: Step, model: &Model) -> bool {
        let exists = |key| model.get(key).is_some_and(|known| known.latest().is_some());
        match step {
            Step::Create(key) => !exists(key),
            Step::Put(key, ..)
            | Step::Later(key, ..)
            | Step::Undo(key)
            | Step::Shrink(key)
            | Step::ShrinkLater(key)
            | Step::Sleep(key)
            | Step::Destroy(key)
            | Step::DestroyLater(key)
            | Step::CheckpointInside(key, ..)
            | Step::Check(key) => exists(key),
            _ => true,
        }
    }

    /// Puts all actors to sleep, which may fail, and looks what is there.
    fn start_again(&mut self) {
        let player = self.player.as_mut().unwrap();
        for closed in player.put_all_to_sleep() {
            closed.unwrap_or_else(|error| is_typed(&error));
        }
        self.look();
    }

    /// What an actor has is what it is known to have, or may have, and is what comes next builds on.
    fn look(&mut self) {
        let lab = &self.player.as_ref().unwrap().lab;
        for (key, known) in &mut self.model {
            let mut found = Err(());
            for _ in 0..TRIES {
                let read = read(lab, key);
                if let Ok(read) = read {
                    found = Ok(read);
                    break;
                }
                if self.disk.failed_syncs() > 0 {
                    return;
                }
            }
            let found = found.expect("an actor can be read when the fault has ended");
            assert!(
                found == known.sure || known.maybe.contains(&found),
                "{key}: found {found:?}, known {known:?}"
            );
            if found != known.sure || !known.maybe.is_empty() {
                known.maybe.push(found);
            }
        }
    }
}

fn read(lab: &Lab, key: &str) -> Result<Option<super::lab::Rows>, ()> {
    let woken = lab.wake(key).map_err(|error| is_typed(&error))?;
    let Some(mut database) = woken else {
        return Ok(None);
    };
    let found = rows(&mut database).map_err(drop);
    database.close().unwrap_or_else(|error| is_typed(&error));
    found.map(Some)
}

/// Plays a script on a disk with a fault, ends the fault, and compares: at once, after a kill and after a power cut.
fn survive(template: &Arc<Template>, steps: &[Step], disk: SimDisk) {
    let mut stubborn = Stubborn {
        disk,
        template,
        model: Model::new(),
        player: None,
    };
    stubborn.play(steps);
    let Stubborn {
        disk,
        model,
        player,
        ..
    } = stubborn;
    disk.heal();
    let mut left = vec![disk.after_power_cut(PowerCut::Nothing, 0)];
    if disk.failed_syncs() > 0 {
        left.push(disk.after_kill());
    }
    if let Some(mut player) = player {
        if disk.failed_syncs() == 0 {
            for closed in player.put_all_to_sleep() {
                closed.expect("an actor closes when the fault has ended");
            }
            compare_open(&player.lab, &model);
            player
                .lab
                .volume
                .close()
                .expect("a store closes when the fault has ended");
        } else {
            refuses(&player.lab);
        }
        drop(player);
    }
    for left in left {
        compare(&left, template, &model);
    }
}

/// After a failed sync nothing is acknowledged.
fn refuses(lab: &Lab) {
    let mut database = lab.begin("new").unwrap();
    let error = database.commit(Durability::Synced).unwrap_err();
    assert_eq!(error.code(), "poisoned");
}

fn counted(template: &Arc<Template>, steps: &[Step]) -> SimDisk {
    let disk = SimDisk::new(1);
    let mut model = Model::new();
    super::script::play(&disk, template, steps, &mut model).unwrap();
    disk
}

fn fail_everywhere(fault: Fault, times: u64) {
    let template = template();
    for steps in [script(), interleaved()] {
        for at in 0..counted(&template, &steps).operations() {
            eprintln!("{fault:?} at {at}, {times} times");
            let disk = SimDisk::new(at);
            disk.fail_at(at, fault, times);
            survive(&template, &steps, disk);
        }
    }
}

#[test]
fn an_operation_that_fails_loses_nothing_that_was_acknowledged() {
    fail_everywhere(Fault::Eio, 1);
    fail_everywhere(Fault::Late, 1);
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    fail_everywhere(Fault::Enospc, 4);
    fail_everywhere(Fault::Short, 2);
}

#[test]
fn a_read_that_fails_loses_nothing_that_was_acknowledged() {
    let template = template();
    for steps in [script(), interleaved()] {
        for at in (0..counted(&template, &steps).reads()).step_by(3) {
            eprintln!("the read {at} fails");
            let disk = SimDisk::new(at);
            disk.fail_read_at(at, 2);
            survive(&template, &steps, disk);
        }
    }
}
