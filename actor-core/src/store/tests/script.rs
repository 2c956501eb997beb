//! A life of a store that does everything once, and what it may leave at each point.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lab::{Lab, Rows, commit, put, rows, run};
use crate::store::disk::SimDisk;
use crate::store::{StoreError, Template};

/// What is known of one actor: what it certainly has, and what it may have instead, because nobody said whether it came about.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// `None` if the actor does not exist.
    pub(super) sure: Option<Rows>,
    /// What it may be instead.
    pub(super) maybe: Vec<Option<Rows>>,
}

/// What is known of all actors.
pub(super) type Model = BTreeMap<&'static str, Known>;

/// One step of the script.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Create(&'static str),
    /// Rows from the first id on, so many, each with so much filler.
    Put(&'static str, i64, i64, usize),
    /// Written, undone, and nothing of it is left.
    Undo(&'static str),
    /// Deletes everything and makes the database small.
    Shrink(&'static str),
    Sleep(&'static str),
    Destroy(&'static str),
    Checkpoint,
    Restart,
}

/// Creates, writes, undoes, fills the log several times, sleeps, wakes, shrinks, destroys, creates again and starts anew.
pub(super) fn script() -> Vec<Step> {
    use Step::{Checkpoint, Create, Destroy, Put, Restart, Shrink, Sleep, Undo};
    vec![
        Create("a"),
        Put("a", 1, 3, 10),
        Create("b"),
        Put("b", 1, 1, 2_000),
        Undo("a"),
        Checkpoint,
        Put("a", 2, 2, 300),
        Sleep("b"),
        Put("b", 7, 2, 0),
        Put("a", 10, 40, 100),
        Checkpoint,
        Destroy("b"),
        Create("b"),
        Put("b", 100, 1, 0),
        Shrink("a"),
        Put("a", 5, 2, 700),
        Sleep("a"),
        Restart,
        Put("a", 6, 1, 0),
        Put("b", 101, 12, 400),
        Destroy("a"),
        Checkpoint,
        Create("a"),
        Put("a", 1, 1, 1),
        Sleep("a"),
        Put("b", 200, 3, 0),
    ]
}

/// Runs the script until it ends or fails. The model says what is known then.
pub(super) fn play(
    disk: &SimDisk,
    template: &Arc<Template>,
    steps: &[Step],
    model: &mut Model,
) -> Result<(), StoreError> {
    let mut player = Player {
        lab: Lab::open(disk, template)?,
        awake: BTreeMap::new(),
    };
    for step in steps {
        if matches!(step, Step::Restart) {
            player.close()?;
            player = Player {
                lab: Lab::open(disk, template)?,
                awake: BTreeMap::new(),
            };
            continue;
        }
        player.step(*step, model)?;
    }
    player.close()
}

struct Player {
    lab: Lab,
    awake: BTreeMap<&'static str, crate::store::Database>,
}

impl Player {
    fn close(&mut self) -> Result<(), StoreError> {
        for (_, database) in std::mem::take(&mut self.awake) {
            database.close()?;
        }
        self.lab.volume.close()
    }

    fn step(&mut self, step: Step, model: &mut Model) -> Result<(), StoreError> {
        match step {
            Step::Create(key) => {
                let known = model.entry(key).or_default();
                known.maybe.push(Some(Rows::new()));
                let mut database = self.lab.begin(key)?;
                commit(&self.lab, &mut database)?;
                *known = Known {
                    sure: Some(Rows::new()),
                    maybe: Vec::new(),
                };
                self.awake.insert(key, database);
            }
            Step::Put(key, first, count, filler) => self.put(key, (first, count), filler, model)?,
            Step::Undo(key) => {
                let database = self.wake(key)?;
                put(database, 999, 999, 3_000).map_err(|cause| database.commit_error(cause))?;
                database.rollback()?;
            }
            Step::Shrink(key) => self.shrink(key, model)?,
            Step::Sleep(key) => {
                if let Some(database) = self.awake.remove(key) {
                    database.close()?;
                }
            }
            Step::Destroy(key) => {
                let known = model.entry(key).or_default();
                known.maybe.push(None);
                self.wake(key)?;
                let mut database = self.awake.remove(key).unwrap();
                database.db().enter("destroy", false, None);
                database.mark_destroyed()?;
                commit(&self.lab, &mut database)?;
                *model.entry(key).or_default() = Known::default();
                database.delete()?;
            }
            Step::Checkpoint => {
                let last = self.lab.volume.log().appended();
                self.lab.volume.checkpoint(last)?;
            }
            Step::Restart => unreachable!("the whole store starts anew"),
        }
        Ok(())
    }

    fn wake(&mut self, key: &'static str) -> Result<&mut crate::store::Database, StoreError> {
        if !self.awake.contains_key(key) {
            let database = self.lab.wake(key)?.expect("the script knows who exists");
            self.awake.insert(key, database);
        }
        Ok(self.awake.get_mut(key).unwrap())
    }

    fn put(
        &mut self,
        key: &'static str,
        (first, count): (i64, i64),
        filler: usize,
        model: &mut Model,
    ) -> Result<(), StoreError> {
        self.wake(key)?;
        let known = model.entry(key).or_default();
        let mut rows = known.sure.clone().unwrap();
        let database = self.awake.get_mut(key).unwrap();
        for id in first..first + count {
            put(database, id, id * 10, filler).map_err(|cause| database.commit_error(cause))?;
            rows.insert(id, id * 10);
        }
        known.maybe.push(Some(rows.clone()));
        commit(&self.lab, database)?;
        *known = Known {
            sure: Some(rows),
            maybe: Vec::new(),
        };
        Ok(())
    }

    /// As a migration does it: several transactions of SQLite's are one commit.
    fn shrink(&mut self, key: &'static str, model: &mut Model) -> Result<(), StoreError> {
        self.wake(key)?;
        let known = model.entry(key).or_default();
        known.maybe.push(Some(Rows::new()));
        let database = self.awake.get_mut(key).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        database.begin_migrating(deadline)?;
        run(database, "DELETE FROM numbers").map_err(|cause| database.commit_error(cause))?;
        let finished = database.shrink_for_test()?;
        self.lab.flush(finished)?;
        *known = Known {
            sure: Some(Rows::new()),
            maybe: Vec::new(),
        };
        Ok(())
    }
}

/// Compares a store with what is known.
pub(super) fn compare(disk: &SimDisk, template: &Arc<Template>, model: &Model) {
    let lab = Lab::open(disk, template).expect("a store opens after every power cut");
    for (key, known) in model {
        let found = lab
            .wake(key)
            .expect("every actor opens")
            .map(|mut database| {
                let found = rows(&mut database).expect("every actor can be read");
                database.close().expect("every actor closes");
                found
            });
        assert!(
            found == known.sure || known.maybe.contains(&found),
            "{key}: found {found:?}, known {known:?}"
        );
    }
    // It works on.
    let mut database = match lab.wake("a").unwrap() {
        Some(database) => database,
        None => lab.begin("a").unwrap(),
    };
    put(&mut database, 12_345, 1, 5_000).unwrap();
    commit(&lab, &mut database).unwrap();
    assert!(rows(&mut database).unwrap().contains_key(&12_345));
    database.close().unwrap();
    lab.volume.close().unwrap();
}
