//! A life of a store that does everything once, and what it may leave at each point.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lab::{ACTOR, Lab, Rows, commit, put, rows, run};
use crate::store::disk::SimDisk;
use crate::store::log::Ticket;
use crate::store::{Database, Durability, StoreError, Template};

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
    /// Like `Put`, and nobody waits for it: one row, with so much filler.
    Later(&'static str, Durability, i64, usize),
    /// Like `Shrink`, and nobody waits for it.
    ShrinkLater(&'static str),
    /// Destroyed; nobody waits for it, and the file is still there.
    DestroyLater(&'static str),
    /// The log writes what it has, and syncs nothing that nobody asked for.
    Write,
    /// All that is committed is waited for.
    Flush,
    /// A checkpoint of what is synced in any case.
    CheckpointSynced,
    /// A checkpoint while rows are written that are undone, or kept, afterwards.
    CheckpointInside(&'static str, i64, Kept),
    /// What an awake actor has is what it should have.
    Check(&'static str),
}

/// What becomes of rows that a checkpoint finds half-written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Undone,
    Committed,
}

/// Creates, writes, undoes, fills the log several times, sleeps, wakes, shrinks, destroys, creates again and starts anew.
pub(super) fn script() -> Vec<Step> {
    use Step::{Check, Checkpoint, Create, Destroy, Put, Restart, Shrink, Sleep, Undo};
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
        // Longer than a segment.
        Put("b", 300, 1, 20_000),
        Check("b"),
        Sleep("b"),
    ]
}

/// Checkpoints, sleeps and ends among commits that are not on disk yet.
pub(super) fn interleaved() -> Vec<Step> {
    use Durability::{Process, Synced};
    use Step::*;
    vec![
        Create("a"),
        Create("b"),
        Put("a", 1, 30, 100),
        Put("b", 1, 4, 300),
        // The checkpoint meets an actor of the image that becomes smaller, and one that grows.
        ShrinkLater("a"),
        Later("b", Synced, 5, 2_500),
        CheckpointSynced,
        Check("a"),
        Flush,
        Check("a"),
        Put("a", 1, 20, 200),
        // What is only written must not be in a file.
        Later("b", Process, 2, 1_500),
        Later("a", Process, 3, 900),
        Write,
        CheckpointSynced,
        Later("a", Process, 4, 0),
        Write,
        CheckpointInside("a", 50, Kept::Undone),
        Check("a"),
        CheckpointInside("b", 60, Kept::Committed),
        Check("b"),
        // Grows, becomes smaller and grows again, in one file.
        Put("b", 70, 6, 900),
        ShrinkLater("b"),
        Later("b", Process, 1, 3_000),
        CheckpointSynced,
        Flush,
        Checkpoint,
        Check("b"),
        Later("b", Process, 2, 2_000),
        Sleep("b"),
        Check("b"),
        // Ends without a sync, with all of it in a file and none of it in the log.
        Put("a", 1, 1, 0),
        DestroyLater("a"),
        CheckpointSynced,
        Flush,
        Checkpoint,
        Create("a"),
        Sleep("a"),
        Put("a", 7, 2, 10),
        DestroyLater("a"),
        Flush,
        Create("a"),
        Put("a", 8, 1, 0),
        Later("b", Process, 3, 1_200),
        Checkpoint,
        Later("a", Process, 9, 0),
        Restart,
        Later("a", Synced, 10, 400),
        Later("b", Synced, 4, 400),
    ]
}

/// Runs the script until it ends or fails. The model says what is known then.
pub(super) fn play(
    disk: &SimDisk,
    template: &Arc<Template>,
    steps: &[Step],
    model: &mut Model,
) -> Result<(), StoreError> {
    let mut player = Player::open(disk, template)?;
    for step in steps {
        if matches!(step, Step::Restart) {
            player.close(model)?;
            player = Player::open(disk, template)?;
            continue;
        }
        player.step(*step, model)?;
    }
    player.close(model)
}

/// Who plays the script.
pub(super) struct Player {
    pub(super) lab: Lab,
    awake: BTreeMap<&'static str, Database>,
    /// Who is destroyed, and nobody has waited for it.
    ending: Vec<Database>,
}

impl Known {
    fn certainly(sure: Option<Rows>) -> Self {
        Self {
            sure,
            maybe: Vec::new(),
        }
    }

    /// Returns what an actor has that nothing happened to.
    pub(super) fn latest(&self) -> Option<&Rows> {
        self.maybe.last().unwrap_or(&self.sure).as_ref()
    }

    /// Everything is on disk.
    fn settle(&mut self) {
        if let Some(latest) = self.maybe.pop() {
            *self = Self::certainly(latest);
        }
    }
}

fn settle(model: &mut Model) {
    model.values_mut().for_each(Known::settle);
}

impl Player {
    pub(super) fn open(disk: &SimDisk, template: &Arc<Template>) -> Result<Self, StoreError> {
        Ok(Self {
            lab: Lab::open(disk, template)?,
            awake: BTreeMap::new(),
            ending: Vec::new(),
        })
    }

    pub(super) fn close(&mut self, model: &mut Model) -> Result<(), StoreError> {
        self.step(Step::Flush, model)?;
        for (key, database) in std::mem::take(&mut self.awake) {
            database.close()?;
            model.entry(key).or_default().settle();
        }
        self.lab.volume.close()?;
        settle(model);
        Ok(())
    }

    pub(super) fn step(&mut self, step: Step, model: &mut Model) -> Result<(), StoreError> {
        match step {
            Step::Create(key) => {
                model.entry(key).or_default().maybe.push(Some(Rows::new()));
                let mut database = self.lab.begin(key)?;
                commit(&self.lab, &mut database)?;
                self.awake.insert(key, database);
                *model.entry(key).or_default() = Known::certainly(Some(Rows::new()));
            }
            Step::Put(key, first, count, filler) => {
                let ticket = self.put(key, (first, count), filler, Durability::Synced, model)?;
                self.lab.flush(ticket)?;
                model.entry(key).or_default().settle();
            }
            Step::Later(key, durability, id, filler) => {
                let _later = self.put(key, (id, 1), filler, durability, model)?;
            }
            Step::Undo(key) => {
                let database = self.wake(key)?;
                put(database, 999, 999, 3_000).map_err(|cause| database.commit_error(cause))?;
                database.rollback()?;
            }
            Step::Shrink(key) => {
                let ticket = self.shrink(key, model)?;
                self.lab.flush(ticket)?;
                model.entry(key).or_default().settle();
            }
            Step::ShrinkLater(key) => {
                let _later = self.shrink(key, model)?;
            }
            Step::Sleep(key) => {
                self.none_lost()?;
                if let Some(database) = self.awake.remove(key) {
                    database.close()?;
                    model.entry(key).or_default().settle();
                }
            }
            Step::Destroy(key) => {
                let (database, ticket) = self.destroy(key, model)?;
                self.ending.push(database);
                self.lab.flush(ticket)?;
                model.entry(key).or_default().settle();
                self.delete_ended()?;
            }
            Step::DestroyLater(key) => {
                let (database, _later) = self.destroy(key, model)?;
                self.ending.push(database);
            }
            Step::Write => while self.lab.volume.log().flush_once() {},
            Step::Flush => {
                let all = self.lab.volume.log().force();
                self.lab.flush(all)?;
                self.none_lost()?;
                settle(model);
                self.delete_ended()?;
            }
            Step::Checkpoint => {
                self.step(Step::Flush, model)?;
                let last = self.lab.volume.log().appended();
                self.lab.volume.checkpoint(last)?;
            }
            Step::CheckpointSynced => {
                let durable = self.lab.volume.log().durable();
                self.lab.volume.checkpoint(durable)?;
            }
            Step::CheckpointInside(key, id, kept) => self.inside(key, id, kept, model)?,
            Step::Check(key) => {
                self.none_lost()?;
                let database = self.wake(key)?;
                let found = rows(database).map_err(|cause| database.commit_error(cause))?;
                assert_eq!(Some(&found), model[key].latest(), "{key}");
            }
            Step::Restart => unreachable!("the whole store starts anew"),
        }
        Ok(())
    }

    fn wake(&mut self, key: &'static str) -> Result<&mut Database, StoreError> {
        if !self.awake.contains_key(key) {
            let database = self.lab.wake(key)?.expect("the script knows who exists");
            self.awake.insert(key, database);
        }
        Ok(self.awake.get_mut(key).unwrap())
    }

    /// Forgets who is awake, as if their tasks had ended.
    pub(super) fn put_all_to_sleep(&mut self) -> Vec<Result<(), StoreError>> {
        let awake = std::mem::take(&mut self.awake).into_values();
        let ending = std::mem::take(&mut self.ending);
        awake.chain(ending).map(Database::close).collect()
    }

    /// Fails if a commit was lost that nobody has waited for.
    fn none_lost(&self) -> Result<(), StoreError> {
        let all = self.awake.values().chain(&self.ending);
        all.map(Database::so_far)
            .try_for_each(|ticket| ticket.map(drop))
    }

    fn delete_ended(&mut self) -> Result<(), StoreError> {
        let mut ending = std::mem::take(&mut self.ending).into_iter();
        ending.try_for_each(Database::delete)
    }

    fn put(
        &mut self,
        key: &'static str,
        (first, count): (i64, i64),
        filler: usize,
        durability: Durability,
        model: &mut Model,
    ) -> Result<Ticket, StoreError> {
        let database = self.wake(key)?;
        let known = model.entry(key).or_default();
        let mut rows = known.latest().cloned().unwrap();
        for id in first..first + count {
            let value = id * 10 + i64::try_from(filler).unwrap();
            put(database, id, value, filler).map_err(|cause| database.commit_error(cause))?;
            rows.insert(id, value);
        }
        known.maybe.push(Some(rows));
        database.commit(durability)
    }

    fn inside(
        &mut self,
        key: &'static str,
        id: i64,
        kept: Kept,
        model: &mut Model,
    ) -> Result<(), StoreError> {
        let database = self.wake(key)?;
        for id in id..id + 3 {
            put(database, id, id, 1_500).map_err(|cause| database.commit_error(cause))?;
        }
        let ended = database.db().commit();
        ended.map_err(|cause| database.commit_error(cause))?;
        self.step(Step::CheckpointSynced, model)?;
        let database = self.wake(key)?;
        if kept == Kept::Undone {
            return database.rollback();
        }
        let known = model.entry(key).or_default();
        let mut rows = known.latest().cloned().unwrap();
        rows.extend((id..id + 3).map(|id| (id, id)));
        known.maybe.push(Some(rows));
        database.commit(Durability::Synced).map(drop)
    }

    fn destroy(
        &mut self,
        key: &'static str,
        model: &mut Model,
    ) -> Result<(Database, Ticket), StoreError> {
        self.wake(key)?;
        model.entry(key).or_default().maybe.push(None);
        let database = self.awake.get_mut(key).unwrap();
        database.db().enter("destroy", false, None);
        database.mark_destroyed(ACTOR, key)?;
        let ticket = database.commit(Durability::Synced)?;
        Ok((self.awake.remove(key).unwrap(), ticket))
    }

    /// As a migration does it: several transactions of SQLite's are one commit.
    fn shrink(&mut self, key: &'static str, model: &mut Model) -> Result<Ticket, StoreError> {
        let database = self.wake(key)?;
        model.entry(key).or_default().maybe.push(Some(Rows::new()));
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        database.begin_migrating(deadline)?;
        run(database, "DELETE FROM numbers").map_err(|cause| database.commit_error(cause))?;
        database.shrink_for_test()
    }
}

/// Compares a store with what is known.
pub(super) fn compare(disk: &SimDisk, template: &Arc<Template>, model: &Model) {
    let lab = Lab::open(disk, template).expect("a store opens after every power cut");
    compare_open(&lab, model);
    lab.volume.close().unwrap();
}

/// Compares an open store with what is known, and has it work on.
pub(super) fn compare_open(lab: &Lab, model: &Model) {
    // No comparison with the files has mended the list.
    let listed = lab.keys().expect("the directory can be read");
    let mut there = Vec::new();
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
        there.extend(found.map(|_| *key));
    }
    assert_eq!(listed, there, "the directory lists those that are there");
    // It works on.
    let mut database = match lab.wake("a").unwrap() {
        Some(database) => database,
        None => lab.begin("a").unwrap(),
    };
    put(&mut database, 12_345, 1, 5_000).unwrap();
    commit(lab, &mut database).unwrap();
    assert!(rows(&mut database).unwrap().contains_key(&12_345));
    database.close().unwrap();
}
