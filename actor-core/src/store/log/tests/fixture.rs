//! A log that a version of this format has written, kept as files.
//!
//! `fixtures/format-1` was made by [`write_it`] on a disk in memory with 4 KiB segments: two processes, a clean end of the first in the
//! middle of the log, released records, one segment used twice, records of 0 to 1,800 bytes, and a torn batch at the end.

use std::path::Path;

use super::world::{DIR, World};
use crate::store::Durability;
use crate::store::disk::{Disk, SimDisk};

const FILES: [(&str, &[u8]); 3] = [
    (
        "00000001.log",
        include_bytes!("../fixtures/format-1/00000001.log"),
    ),
    (
        "00000002.log",
        include_bytes!("../fixtures/format-1/00000002.log"),
    ),
    (
        "00000003.log",
        include_bytes!("../fixtures/format-1/00000003.log"),
    ),
];

/// What a start finds in it.
const RECOVERED: [u64; 6] = [1_006, 1_007, 1_008, 1_009, 1_010, 1_011];

/// Writes the log that is kept.
fn write_it() -> SimDisk {
    let mut world = World::new(SimDisk::new(0));
    world.open().unwrap();
    for len in [100, 0, 1_800, 1_000] {
        world.append(Durability::Synced, len).unwrap();
        assert!(world.flush());
    }
    world.append(Durability::Process, 20).unwrap();
    world.flush();
    world.release();
    world.close().unwrap();
    world.open().unwrap();
    world.recovered();
    for len in [1_500, 0] {
        world.append(Durability::Synced, len).unwrap();
    }
    assert!(world.flush());
    for len in [700, 800, 1_700, 0, 300] {
        world.append(Durability::Synced, len).unwrap();
        assert!(world.flush());
    }
    let dir = Path::new(DIR);
    let last = dir.join("00000003.log");
    let mut bytes = world.disk.get(&last).unwrap();
    let at = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[at] = 0;
    world.disk.put(&last, &bytes);
    let disk = world.disk.after_kill();
    world.log = None;
    disk
}

#[test]
fn a_log_of_format_1_opens() {
    let disk = SimDisk::new(0);
    for (name, bytes) in FILES {
        disk.put(&Path::new(DIR).join(name), bytes);
    }
    let mut world = World::new(disk);
    world.book.lock().history = (1..2_000).collect();
    world.book.lock().released = 1_999;
    assert_eq!(world.open().unwrap(), RECOVERED);
    world.append(Durability::Synced, 10).unwrap();
    assert!(world.flush());
    world.close().unwrap();
}

#[test]
fn this_version_writes_format_1_as_it_was() {
    let disk = write_it();
    let listed = disk.list(Path::new(DIR)).unwrap();
    assert_eq!(listed.len(), FILES.len());
    for (name, bytes) in FILES {
        let written = disk.get(&Path::new(DIR).join(name)).unwrap();
        assert!(written == bytes, "{name}");
    }
}

#[test]
#[ignore = "writes the files of the fixture: only for a new format, in a directory of its own"]
fn write_the_fixture() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/log/fixtures/format-1");
    std::fs::create_dir_all(&dir).unwrap();
    let disk = write_it();
    for file in disk.list(Path::new(DIR)).unwrap() {
        let bytes = disk.get(&Path::new(DIR).join(&file.name)).unwrap();
        std::fs::write(dir.join(&file.name), bytes).unwrap();
    }
}
