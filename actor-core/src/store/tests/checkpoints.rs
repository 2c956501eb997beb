//! What a checkpoint meets: turns that are open, ends that are not on disk, images that are gone.

use std::path::Path;
use std::sync::Arc;

use super::lab::{Lab, MIGRATIONS, Rows, commit, put, rows, template};
use crate::store::disk::SimDisk;
use crate::store::{Durability, Template};

const FILE: &str = "/data/numbers/k_a.db";

#[test]
fn what_a_checkpoint_wrote_in_the_middle_of_a_turn_is_there_when_the_turn_is_undone() {
    let (template, disk) = (template(), SimDisk::new(1));
    let lab = Lab::open(&disk, &template).unwrap();
    let mut database = lab.begin("a").unwrap();
    // The file grows far beyond the image, and nothing of that is in it.
    for id in 1..20 {
        put(&mut database, id, id, 1_500).unwrap();
    }
    commit(&lab, &mut database).unwrap();
    let before = rows(&mut database).unwrap();
    put(&mut database, 50, 50, 3_000).unwrap();
    database.db().commit().unwrap();
    let last = lab.volume.log().durable();
    lab.volume.checkpoint(last).unwrap();
    database.rollback().unwrap();
    assert_eq!(rows(&mut database).unwrap(), before);
    database.close().unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), before);
}

#[test]
fn the_file_of_an_actor_stays_until_its_end_is_on_disk() {
    for durability in [Durability::Synced, Durability::Process] {
        let (template, disk) = (template(), SimDisk::new(1));
        let lab = Lab::open(&disk, &template).unwrap();
        let mut database = lab.begin("a").unwrap();
        commit(&lab, &mut database).unwrap();
        lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
        put(&mut database, 1, 1, 0).unwrap();
        commit(&lab, &mut database).unwrap();
        database.mark_destroyed("numbers", "a").unwrap();
        let end = database.commit(durability).unwrap();
        lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
        assert!(disk.get(Path::new(FILE)).is_some(), "{durability:?}");
        lab.flush(end).unwrap();
        lab.volume.checkpoint(end.written).unwrap();
        assert!(disk.get(Path::new(FILE)).is_none(), "{durability:?}");
    }
}

#[test]
fn an_image_stays_as_long_as_the_log_may_be_replayed_from_it() {
    let template = template();
    let other = Arc::new(Template::build(&MIGRATIONS, true).unwrap().unwrap());
    let disk = SimDisk::new(1);
    let lab = Lab::open(&disk, &template).unwrap();
    let mut database = lab.begin("a").unwrap();
    put(&mut database, 1, 2, 0).unwrap();
    commit(&lab, &mut database).unwrap();
    // Two programs in a row that do not have the image, and are killed before they have written anything.
    let mut disk = disk.after_kill();
    for _ in 0..2 {
        let _opened = Lab::open(&disk, &other).unwrap();
        disk = disk.after_kill();
    }
    let lab = Lab::open(&disk, &other).unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), Rows::from([(1, 2)]));
    database.close().unwrap();
    lab.volume.close().unwrap();
    let images = || {
        let names = crate::store::disk::Disk::list(&disk, Path::new("/data/_log")).unwrap();
        names
            .into_iter()
            .filter(|entry| entry.name.contains(".image"))
            .count()
    };
    // One of them is that of the directory.
    assert_eq!(images(), 3);
    let _opened = Lab::open(&disk, &other).unwrap();
    assert_eq!(images(), 2, "it goes when the log has nothing any more");
}

#[test]
fn a_commit_that_is_lost_does_not_come_back_over_what_was_written_since() {
    let (template, disk) = (template(), SimDisk::new(1));
    let lab = Lab::open(&disk, &template).unwrap();
    let mut database = lab.begin("a").unwrap();
    put(&mut database, 1, 1, 100).unwrap();
    commit(&lab, &mut database).unwrap();
    // What is only written is not lost with the next.
    put(&mut database, 2, 2, 100).unwrap();
    let _written = database.commit(Durability::Process).unwrap();
    while lab.volume.log().flush_once() {}
    put(&mut database, 1, 999, 100).unwrap();
    disk.fail_at(disk.operations(), crate::store::disk::Fault::Eio, 1);
    assert_eq!(commit(&lab, &mut database).unwrap_err().code(), "lost");
    database.close().unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), Rows::from([(1, 1), (2, 2)]));
    put(&mut database, 1, 3, 100).unwrap();
    commit(&lab, &mut database).unwrap();
    database.close().unwrap();
    // The pages of the first instance are still listed, and are older than the file.
    lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), Rows::from([(1, 3), (2, 2)]));
    drop(database);
    lab.volume.close().unwrap();
}
