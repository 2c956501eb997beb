//! The directory: it is never parted from the actors, a start looks at what changed only, and a long listing lets writers through.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lab::{ACTOR, Lab, commit, put, template};
use crate::limits;
use crate::store::disk::{Fault, PowerCut, SimDisk};
use crate::store::{Change, Row};

fn row(key: String) -> Row {
    Row {
        actor: ACTOR.to_owned(),
        key,
        instance: "1".to_owned(),
        schema_version: None,
        created_at: 7,
    }
}

#[test]
fn a_start_after_a_kill_opens_the_files_of_those_whose_changes_the_log_has_and_no_others() {
    for all in [10, 1_000] {
        let (template, disk) = (template(), SimDisk::new(1));
        let lab = Lab::open(&disk, &template).unwrap();
        for number in 0..all {
            let mut database = lab.begin(&format!("{number:04}")).unwrap();
            commit(&lab, &mut database).unwrap();
            database.close().unwrap();
        }
        lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
        for key in ["0003", "0007"] {
            let mut database = lab.wake(key).unwrap().unwrap();
            put(&mut database, 1, 1, 10).unwrap();
            commit(&lab, &mut database).unwrap();
        }
        for left in [
            disk.after_kill(),
            disk.after_power_cut(PowerCut::Nothing, 1),
        ] {
            let lab = Lab::open(&left, &template).unwrap();
            let opened = left.opened();
            let files = opened
                .into_iter()
                .filter(|path| path.starts_with("/data/numbers"));
            let changed = ["0003", "0007"].map(|key| format!("/data/numbers/k_{key}.db"));
            let changed: BTreeSet<_> = changed.map(PathBuf::from).into();
            assert_eq!(files.collect::<BTreeSet<_>>(), changed, "of {all}");
            assert_eq!(lab.keys().unwrap().len(), all);
            lab.volume.close().unwrap();
        }
    }
}

#[test]
fn a_write_gets_through_between_two_pages_of_one_listing() {
    let (template, disk) = (template(), SimDisk::new(1));
    let lab = Lab::open(&disk, &template).unwrap();
    let pages = 4;
    let all = usize::try_from(limits::DIRECTORY_PAGE_ROWS).unwrap() * pages;
    for number in 0..all {
        let change = Change::Listed(row(format!("{number:06}")), Some(5));
        lab.directory().write(&change).unwrap();
    }
    let written = Arc::new(AtomicUsize::new(0));
    let (directory, count) = (Arc::clone(lab.directory()), Arc::clone(&written));
    lab.directory().between(move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        // It would wait for ever if the listing kept the lock.
        let change = Change::Listed(row(format!("x{number}")), None);
        directory.write(&change).unwrap();
    });
    let listed = lab
        .directory()
        .list(ACTOR, None, i64::try_from(all).unwrap())
        .unwrap();
    assert_eq!(listed.len(), all);
    assert_eq!(written.load(Ordering::Relaxed), pages - 1);
    let wake_ups = lab
        .directory()
        .wake_ups(&[ACTOR], None, i64::try_from(all).unwrap())
        .unwrap();
    assert_eq!(wake_ups.len(), all);
    assert_eq!(written.load(Ordering::Relaxed), 2 * (pages - 1));
    let listed = lab.directory().list(ACTOR, Some("w"), i64::MAX).unwrap();
    assert_eq!(listed.len(), 2 * (pages - 1));
    lab.directory().between(|| {});
}

#[test]
fn a_wake_up_of_an_actor_that_is_not_listed_is_an_error() {
    let (template, disk) = (template(), SimDisk::new(1));
    let lab = Lab::open(&disk, &template).unwrap();
    let change = Change::Due(ACTOR, "nobody".into(), Some(1));
    let error = lab.directory().write(&change).unwrap_err();
    assert_eq!((error.group(), error.code()), ("store", "sqlite"));
    assert_eq!(lab.keys().unwrap(), [""; 0]);
}

#[test]
fn what_a_lost_batch_had_of_the_list_is_undone_with_it_and_the_list_goes_on() {
    let (template, disk) = (template(), SimDisk::new(1));
    let lab = Lab::open(&disk, &template).unwrap();
    let mut first = lab.begin("first").unwrap();
    commit(&lab, &mut first).unwrap();
    let mut lost = lab.begin("lost").unwrap();
    disk.fail_at(disk.operations(), Fault::Eio, 1);
    assert_eq!(commit(&lab, &mut lost).unwrap_err().code(), "lost");
    assert_eq!(lab.keys().unwrap(), ["first"]);
    let mut third = lab.begin("third").unwrap();
    commit(&lab, &mut third).unwrap();
    assert_eq!(lab.keys().unwrap(), ["first", "third"]);
    let lab = Lab::open(&disk.after_power_cut(PowerCut::Nothing, 1), &template).unwrap();
    assert_eq!(lab.keys().unwrap(), ["first", "third"]);
}

#[test]
fn a_directory_that_is_lost_under_a_log_that_has_changes_of_it_is_built_from_the_files() {
    for damage in [None, Some(&b""[..]), Some(&[7; 50]), Some(&vec![7; 40_000])] {
        let (template, disk) = (template(), SimDisk::new(1));
        let lab = Lab::open(&disk, &template).unwrap();
        for key in ["a", "b"] {
            let mut database = lab.begin(key).unwrap();
            commit(&lab, &mut database).unwrap();
        }
        lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
        let mut database = lab.begin("c").unwrap();
        commit(&lab, &mut database).unwrap();
        let left = disk.after_kill();
        let path = std::path::Path::new("/data/directory.db");
        crate::store::disk::Disk::remove_file(&left, path).unwrap();
        if let Some(bytes) = damage {
            left.put(path, bytes);
        }
        let lab = Lab::open(&left, &template).unwrap();
        assert_eq!(lab.keys().unwrap(), ["a", "b", "c"], "{damage:?}");
        lab.volume.close().unwrap();
    }
}
