//! Real threads: actors commit, sleep, wake, end and begin while checkpoints run.

use std::path::Path;
use std::sync::Arc;

use super::lab::{Lab, ROOT, Rows, options, put, rows, template};
use crate::store::disk::{PowerCut, Seeded, SimDisk};
use crate::store::log::Options;
use crate::store::{Database, Durability, StoreError, checkpoint};

/// How many threads there are, each with actors of its own.
const THREADS: u64 = 4;

/// How many steps each of them takes.
const STEPS: u64 = 250;

/// One actor, and what is known of it.
struct Life {
    key: String,
    database: Option<Database>,
    /// What was committed last.
    latest: Option<Rows>,
}

impl Life {
    fn step(&mut self, lab: &Lab, random: &mut Seeded) -> Result<(), StoreError> {
        if self.latest.is_none() {
            let mut database = lab.begin(&self.key)?;
            let ticket = database.commit(Durability::Synced)?;
            lab.flush(ticket)?;
            self.database = Some(database);
            self.latest = Some(Rows::new());
            return Ok(());
        }
        if self.database.is_none() {
            self.database = lab.wake(&self.key)?;
        }
        let database = self.database.as_mut().expect("it exists");
        match random.below(20) {
            0 => {
                database.mark_destroyed("numbers", &self.key)?;
                let end = database.commit(Durability::Synced)?;
                lab.flush(end)?;
                self.latest = None;
                self.database.take().unwrap().delete()
            }
            1..=3 => {
                let _seen = database.so_far()?;
                self.database.take().unwrap().close()?;
                Ok(())
            }
            4 => {
                let found = rows(database).map_err(|cause| database.commit_error(cause))?;
                let _seen = database.so_far()?;
                assert_eq!(Some(found), self.latest, "{}", self.key);
                Ok(())
            }
            5 => {
                put(database, 1, -1, 4_000).map_err(|cause| database.commit_error(cause))?;
                database.rollback()
            }
            kind => {
                let (id, size) = (random.below(30), random.below(1_500));
                let (id, size) = (i64::try_from(id).unwrap(), usize::try_from(size).unwrap());
                let value = i64::try_from(random.below(1_000)).unwrap();
                put(database, id, value, size).map_err(|cause| database.commit_error(cause))?;
                let durability = if kind < 10 {
                    Durability::Process
                } else {
                    Durability::Synced
                };
                let ticket = database.commit(durability)?;
                self.latest.as_mut().unwrap().insert(id, value);
                if random.coin() {
                    lab.flush(ticket)?;
                }
                Ok(())
            }
        }
    }
}

fn live(lab: &Lab, seed: u64, thread: u64) -> Vec<Life> {
    let mut random = Seeded::new(seed * 100 + thread);
    let mut lives: Vec<_> = (0..3)
        .map(|index| Life {
            key: format!("t{thread}-{index}"),
            database: None,
            latest: None,
        })
        .collect();
    for _ in 0..STEPS {
        let index = random.index(lives.len());
        lives[index].step(lab, &mut random).unwrap();
    }
    lives
}

/// Lets all threads live, then cuts the power or closes in order, and compares.
fn program(seed: u64) {
    eprintln!("seed {seed}");
    let (template, disk) = (template(), SimDisk::new(seed));
    let options = Options {
        threads: true,
        segments: 4,
        ..options()
    };
    let open = |disk: &SimDisk| {
        Lab::with(Arc::new(disk.clone()), Path::new(ROOT), &template, &options).unwrap()
    };
    let lab = open(&disk);
    let checkpoints = checkpoint::spawn(Arc::clone(&lab.volume)).unwrap();
    let mut lives: Vec<Life> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn({
                    let lab = &lab;
                    move || live(lab, seed, thread)
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    for life in &lives {
        if let Some(database) = &life.database {
            let so_far = database.so_far().unwrap();
            lab.flush(so_far).unwrap();
        }
    }
    let cut = disk.after_power_cut(PowerCut::Nothing, seed);
    for life in &mut lives {
        if let Some(database) = life.database.take() {
            database.close().unwrap();
        }
    }
    lab.volume.close().unwrap();
    checkpoints.join().unwrap();
    for disk in [cut, disk] {
        let lab = open(&disk);
        for life in &lives {
            let found = lab.wake(&life.key).unwrap();
            let found = found.map(|mut database| rows(&mut database).unwrap());
            assert_eq!(found, life.latest, "{}", life.key);
        }
        lab.volume.close().unwrap();
    }
}

#[test]
fn actors_live_while_checkpoints_run() {
    for seed in 0..8 {
        program(seed);
    }
}
