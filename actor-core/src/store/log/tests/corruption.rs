//! Bytes of the log are changed behind its back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::world::{DIR, World, options};
use crate::store::Durability;
use crate::store::disk::{Disk, PowerCut, SimDisk};
use crate::store::log::format::{Found, HEADER, Header};
use crate::store::log::{Log, segment_path};

/// Writes twelve batches, all synced and none released, to three segments or more.
fn written() -> World {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    for _ in 0..12 {
        world.append(Durability::Synced, 700).unwrap();
        assert!(world.flush());
    }
    world
}

fn files(disk: &SimDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let listed = disk.list(Path::new(DIR)).unwrap();
    let paths = listed.iter().map(|file| Path::new(DIR).join(&file.name));
    paths
        .map(|path| (path.clone(), disk.get(&path).unwrap()))
        .collect()
}

/// Returns where all batches are, in their order.
fn batches(disk: &SimDisk) -> Vec<(PathBuf, usize, Header)> {
    let mut found = Vec::new();
    for (path, bytes) in files(disk) {
        let mut at = 0;
        while let Found::Batch(header) = Header::find(&bytes[at..]) {
            found.push((path.clone(), at, header));
            at += usize::try_from(header.space()).unwrap();
        }
    }
    found.sort_by_key(|(_, _, header)| header.seq);
    found
}

/// Changes a byte in a copy of the disk.
fn changed(disk: &SimDisk, path: &Path, at: usize, change: impl Fn(u8) -> u8) -> SimDisk {
    let disk = disk.after_kill();
    let mut bytes = disk.get(path).unwrap();
    bytes[at] = change(bytes[at]);
    disk.put(path, &bytes);
    disk
}

/// Opens the log, which must be refused because of this file, and changes nothing.
fn refused(world: &World, disk: &SimDisk, path: &Path, code: &str, what: &str) {
    let before = files(disk);
    let error = world.on(disk.clone()).open().expect_err(what);
    assert_eq!(error.code(), code, "{what}: {error}");
    let name = path.to_str().unwrap();
    assert!(error.to_string().contains(name), "{what}: {error}");
    assert_eq!(files(disk), before, "{what}");
}

#[test]
fn a_changed_byte_anywhere_before_the_last_batch_is_refused_and_named() {
    let world = written();
    let batches = batches(&world.disk);
    assert_eq!(batches.len(), 12);
    assert!(batches.iter().any(|(path, ..)| *path != batches[0].0));
    for (path, start, header) in &batches[..11] {
        let end = HEADER + usize::try_from(header.payload).unwrap();
        let bytes = (0..HEADER).chain((HEADER..end).step_by(13));
        for at in bytes.chain([HEADER, end - 1]) {
            // The format is looked at where a segment begins.
            let is_format = (8..12).contains(&at) && *start == 0;
            let code = if is_format { "newer_format" } else { "corrupt" };
            let disk = changed(&world.disk, path, start + at, |byte| byte ^ 0x40);
            let what = format!("batch {} at byte {at}", header.seq);
            refused(&world, &disk, path, code, &what);
        }
    }
}

#[test]
fn a_changed_last_batch_cannot_be_told_from_a_torn_one() {
    let world = written();
    let (path, start, _) = batches(&world.disk).pop().unwrap();
    for at in [0, 13, 45, HEADER + 10, HEADER + 600] {
        let disk = changed(&world.disk, &path, start + at, |byte| !byte);
        let mut after = world.on(disk);
        after.book.lock().durable -= 1;
        assert_eq!(after.open().unwrap().len(), 11);
    }
}

#[test]
fn a_missing_or_emptied_segment_is_refused() {
    let world = written();
    let mut paths: Vec<_> = files(&world.disk)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    paths.pop();
    for path in paths {
        let disk = world.disk.after_kill();
        let len = disk.get(&path).unwrap().len();
        disk.put(&path, &vec![0; len]);
        assert_eq!(world.on(disk).open().unwrap_err().code(), "corrupt");
        let disk = world.disk.after_kill();
        disk.remove_file(&path).unwrap();
        assert_eq!(world.on(disk).open().unwrap_err().code(), "corrupt");
        let disk = world.disk.after_kill();
        disk.put(&path, b"short");
        assert_eq!(world.on(disk).open().unwrap_err().code(), "corrupt");
    }
}

#[test]
fn the_names_of_segments_have_no_meaning() {
    let world = written();
    let files = files(&world.disk);
    let disk = world.disk.after_kill();
    let count = files.len();
    for (index, (path, _)) in files.iter().enumerate() {
        disk.put(path, &files[(index + 1) % count].1);
    }
    assert_eq!(world.on(disk).open().unwrap().len(), 12);
}

#[test]
fn what_is_not_the_logs_is_left_alone() {
    let world = written();
    let disk = world.disk.after_kill();
    let notes = Path::new(DIR).join("notes.txt");
    disk.put(&notes, b"mine");
    disk.put(&Path::new(DIR).join("x.log"), b"mine too");
    assert_eq!(world.on(disk.clone()).open().unwrap().len(), 12);
    assert_eq!(disk.get(&notes).unwrap(), b"mine");
    assert_eq!(
        disk.get(&Path::new(DIR).join("x.log")).unwrap(),
        b"mine too"
    );
}

#[test]
fn a_newer_format_is_refused() {
    let world = written();
    let (path, ..) = batches(&world.disk).pop().unwrap();
    let disk = changed(&world.disk, &path, 8, |_| 2);
    refused(&world, &disk, &path, "newer_format", "format 2");
}

#[test]
fn what_a_user_stores_does_not_pass_for_a_batch() {
    // A batch that says that very much was synced, at every place where one could be looked for.
    let mut forged = vec![0; HEADER];
    let header = Header {
        salt: 1,
        next_salt: 2,
        epoch: u64::MAX / 2,
        seq: 1 << 40,
        needed: 1 << 40,
        synced: (1 << 40) - 1,
        payload: 0,
        records: 0,
    };
    header.seal(&mut forged);
    assert_eq!(Header::find(&forged), Found::Batch(header));
    for offset in (0..512).step_by(8) {
        let mut payload = vec![0; offset];
        for _ in 0..3 {
            payload.extend(&forged);
            payload.resize(payload.len().next_multiple_of(512) + offset, 0);
        }
        let world = World::new(SimDisk::new(0));
        let disk = Arc::new(world.disk.clone());
        let (log, _) = Log::open(disk, Path::new(DIR), &options()).unwrap();
        for _ in 0..2 {
            let record = super::Record::new(1, &world.book);
            let appended = log.append(Durability::Synced, |_, bytes| {
                bytes.extend(&payload);
                record
            });
            appended.unwrap();
            log.flush_once();
        }
        let batches = batches(&world.disk);
        let (path, start, _) = &batches[1];
        let damaged = changed(&world.disk, path, *start, |byte| !byte);
        let disk = Arc::new(damaged.clone());
        let (_, recovered) = Log::<super::Record>::open(disk, Path::new(DIR), &options()).unwrap();
        assert_eq!(recovered.remaining(), 1, "offset {offset}");
    }
}

#[test]
fn an_old_use_of_a_segment_does_not_come_back() {
    let mut world = written();
    world.release();
    for _ in 0..3 {
        world.append(Durability::Synced, 700).unwrap();
        world.flush();
    }
    let batches = batches(&world.disk);
    assert!(batches.iter().any(|(.., header)| header.seq < 10));
    let mut after = world.on(world.disk.after_power_cut(PowerCut::Nothing, 0));
    let recovered = after.open().unwrap();
    assert_eq!(recovered.len(), 3);
    assert_eq!(
        segment_path(Path::new(DIR), 1),
        Path::new(DIR).join("00000001.log")
    );
}
