//! Data directories that a version of this store has left, kept as files: they must open for ever. `fixtures/README.md` says what each is.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lab::{Lab, ROOT, Rows, commit, put, rows, template};
use crate::store::Durability;
use crate::store::disk::{Disk as _, PowerCut, RealDisk, SimDisk};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Returns all files below a directory, by their paths in it.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            let below = files(&path).into_iter();
            found.extend(below.map(|(below, bytes)| (name.join(below), bytes)));
        } else {
            found.push((name, fs::read(&path).unwrap()));
        }
    }
    found
}

fn load(name: &str) -> SimDisk {
    let disk = SimDisk::new(1);
    for (path, bytes) in files(&fixture(name)) {
        disk.put(&Path::new(ROOT).join(path), &bytes);
    }
    disk
}

/// Three actors: one in a file and in the log, one in the log alone, one that was destroyed and has a file.
fn live(lab: &Lab) {
    let mut first = lab.begin("first").unwrap();
    put(&mut first, 1, 10, 100).unwrap();
    commit(lab, &mut first).unwrap();
    let mut gone = lab.begin("gone").unwrap();
    commit(lab, &mut gone).unwrap();
    lab.volume.checkpoint(lab.volume.log().durable()).unwrap();
    for id in 2..8 {
        put(&mut first, id, id * 10, 500).unwrap();
    }
    commit(lab, &mut first).unwrap();
    let mut second = lab.begin("second").unwrap();
    put(&mut second, 1, -1, 2_000).unwrap();
    commit(lab, &mut second).unwrap();
    gone.mark_destroyed("numbers", "gone").unwrap();
    let end = gone.commit(Durability::Synced).unwrap();
    lab.flush(end).unwrap();
}

/// Writes the directories that are kept, in place of those that are there.
#[test]
#[ignore = "it writes what is kept"]
fn write_fixtures() {
    for (name, half_done) in [("store-1-log", false), ("store-1-checkpoint", true)] {
        let disk = SimDisk::new(1);
        let lab = Lab::open(&disk, &template()).unwrap();
        live(&lab);
        let left = if half_done {
            // Some pages of the first file, and of no other.
            disk.crash_at(disk.operations() + 4);
            lab.volume
                .checkpoint(lab.volume.log().durable())
                .unwrap_err();
            disk.after_power_cut(PowerCut::Everything, 0)
        } else {
            disk.after_kill()
        };
        for directory in ["_log", "numbers"] {
            let below = Path::new(ROOT).join(directory);
            fs::create_dir_all(fixture(name).join(directory)).unwrap();
            for entry in left.list(&below).unwrap() {
                let bytes = left.get(&below.join(&entry.name)).unwrap();
                fs::write(fixture(name).join(directory).join(&entry.name), bytes).unwrap();
            }
        }
    }
}

#[test]
fn directories_of_version_1_open() {
    for name in ["store-1-log", "store-1-checkpoint"] {
        let disk = load(name);
        let lab = Lab::open(&disk, &template()).unwrap();
        let mut first = lab.wake("first").unwrap().unwrap();
        let expected: Rows = (1..8).map(|id| (id, id * 10)).collect();
        assert_eq!(rows(&mut first).unwrap(), expected, "{name}");
        let mut second = lab.wake("second").unwrap().unwrap();
        assert_eq!(rows(&mut second).unwrap(), Rows::from([(1, -1)]), "{name}");
        assert!(lab.wake("gone").unwrap().is_none(), "{name}");
        put(&mut second, 2, 2, 0).unwrap();
        commit(&lab, &mut second).unwrap();
        second.close().unwrap();
        first.close().unwrap();
        lab.volume.close().unwrap();
    }
}

/// Copies the file of the version before, with SQLite's own log beside it, to a directory of its own.
fn old(directory: &Path) -> Lab {
    let actors = directory.join("data/numbers");
    fs::create_dir_all(&actors).unwrap();
    for (name, bytes) in files(&fixture("wal-4096")) {
        fs::write(actors.join(name), bytes).unwrap();
    }
    let root = directory.join("data").canonicalize().unwrap();
    let disk = Arc::new(RealDisk::new(&root).unwrap());
    Lab::on(disk, &root, &template()).unwrap()
}

#[test]
fn a_file_of_the_version_before_with_its_own_log_opens_and_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected: Rows = (1..=20).map(|id| (id, id * 3)).collect();
    let lab = old(directory.path());
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), expected);
    put(&mut database, 21, 63, 9_000).unwrap();
    expected.insert(21, 63);
    commit(&lab, &mut database).unwrap();
    database.close().unwrap();
    let mut database = lab.wake("a").unwrap().unwrap();
    assert_eq!(rows(&mut database).unwrap(), expected);
    database.close().unwrap();
    lab.volume.close().unwrap();
    let file = fs::read(directory.path().join("data/numbers/k_a.db")).unwrap();
    assert_eq!(
        file[16..20],
        [16, 0, 1, 1],
        "4,096 bytes a page, and no log of its own"
    );
    assert!(!directory.path().join("data/numbers/k_a.db-wal").exists());
}
