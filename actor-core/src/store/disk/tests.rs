//! What the disks promise.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Disk, DiskFile, Fault, Listed, OpenHow, PowerCut, RealDisk, SimDisk};

fn read(file: &dyn DiskFile) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    let read = file.read_at(&mut bytes, 0).unwrap();
    bytes.truncate(read);
    bytes
}

/// What both disks do in the same way.
fn check_files(disk: &dyn Disk, root: &Path) {
    let dir = root.join("a/b");
    disk.create_dir_all(&dir).unwrap();
    disk.create_dir_all(&dir).unwrap();
    let path = dir.join("one");
    assert!(disk.open(&path, OpenHow::Existing).is_err());
    assert_eq!(disk.len(&path).unwrap(), None);
    let file = disk.open(&path, OpenHow::CreateNew).unwrap();
    assert!(disk.open(&path, OpenHow::CreateNew).is_err());
    file.write_at(b"abc", 2).unwrap();
    assert_eq!(read(&*file), b"\0\0abc");
    let mut end = [9; 4];
    assert_eq!(file.read_at(&mut end, 3).unwrap(), 2);
    assert_eq!(&end[..2], b"bc");
    assert_eq!(file.read_at(&mut end, 100).unwrap(), 0);
    file.set_len(3).unwrap();
    file.set_len(4).unwrap();
    assert_eq!(file.len().unwrap(), 4);
    assert_eq!(read(&*file), b"\0\0a\0");
    let same = disk.open(&path, OpenHow::Create).unwrap();
    assert_eq!(read(&*same), b"\0\0a\0");
    assert_eq!(same.path(), path);
    let two = dir.join("two");
    disk.open(&two, OpenHow::Create).unwrap();
    disk.rename(&path, &two).unwrap();
    assert_eq!(disk.len(&two).unwrap(), Some(4));
    assert_eq!(disk.len(&path).unwrap(), None);
    let listed = |path| disk.list(path).unwrap();
    let name = |name: &str, is_dir| Listed {
        name: name.to_owned(),
        is_dir,
    };
    assert_eq!(listed(&dir), [name("two", false)]);
    assert_eq!(listed(&root.join("a")), [name("b", true)]);
    disk.remove_file(&two).unwrap();
    assert!(disk.remove_file(&two).is_err());
    assert_eq!(read(&*same), b"\0\0a\0", "who has it open keeps it");
    assert!(disk.list(&root.join("none")).is_err());
    for count in [2, 40] {
        let open = |number: usize| disk.open(&dir.join(number.to_string()), OpenHow::Create);
        let files: Vec<_> = (0..count).map(|number| open(number).unwrap()).collect();
        for file in &files {
            file.write_at(b"x", 0).unwrap();
        }
        disk.sync_all(&files, std::slice::from_ref(&dir)).unwrap();
    }
    file.sync_data().unwrap();
    disk.sync_dir(&dir).unwrap();
}

#[test]
fn both_disks_are_alike() {
    let directory = tempfile::tempdir().unwrap();
    check_files(&RealDisk::new(directory.path()).unwrap(), directory.path());
    check_files(&SimDisk::new(0), Path::new("/data"));
    check_files(&SimDisk::new(0), Path::new("data"));
}

/// A disk with a durable file, and its bytes and names changed after that.
fn changed() -> (SimDisk, PathBuf, Arc<dyn DiskFile>) {
    let disk = SimDisk::new(0);
    let path = PathBuf::from("/d/f");
    disk.put(&path, b"old");
    let file = disk.open(&path, OpenHow::Existing).unwrap();
    file.write_at(&[7; 1_300], 0).unwrap();
    disk.open(Path::new("/d/g"), OpenHow::CreateNew).unwrap();
    (disk, path, file)
}

fn names(disk: &SimDisk) -> Vec<String> {
    let listed = disk.list(Path::new("/d")).unwrap();
    listed.into_iter().map(|listed| listed.name).collect()
}

#[test]
fn a_power_cut_leaves_what_was_synced() {
    let (disk, path, file) = changed();
    let after = disk.after_power_cut(PowerCut::Nothing, 0);
    assert_eq!(after.get(&path).unwrap(), b"old");
    assert_eq!(names(&after), ["f"]);
    let after = disk.after_power_cut(PowerCut::Everything, 0);
    assert_eq!(after.get(&path).unwrap(), [7; 1_300]);
    assert_eq!(names(&after), ["f", "g"]);
    file.sync_data().unwrap();
    let after = disk.after_power_cut(PowerCut::Nothing, 0);
    assert_eq!(after.get(&path).unwrap(), [7; 1_300]);
    assert_eq!(names(&after), ["f"], "a name is synced with its directory");
    disk.sync_dir(Path::new("/d")).unwrap();
    let after = disk.after_power_cut(PowerCut::Nothing, 0);
    assert_eq!(names(&after), ["f", "g"]);
    disk.rename(Path::new("/d/g"), &path).unwrap();
    let after = disk.after_power_cut(PowerCut::Nothing, 0);
    assert_eq!(names(&after), ["f", "g"]);
    assert_eq!(disk.pending(), 1);
    disk.sync_dir(Path::new("/d")).unwrap();
    let after = disk.after_power_cut(PowerCut::Nothing, 0);
    assert_eq!(names(&after), ["f"]);
    assert_eq!(after.get(&path).unwrap(), b"");
}

#[test]
fn a_torn_write_is_torn_in_every_way() {
    let (disk, path, _) = changed();
    let mut old = b"old".to_vec();
    old.resize(1_300, 0);
    let mut kinds = std::collections::BTreeSet::new();
    for cut in PowerCut::ALL {
        for seed in 0..300 {
            let mut bytes = disk.after_power_cut(cut, seed).get(&path).unwrap();
            bytes.resize(1_300, 0);
            let new: Vec<bool> = [(0, 512), (512, 1_024), (1_024, 1_300)]
                .map(|(start, end)| bytes[start..end].iter().all(|byte| *byte == 7))
                .to_vec();
            let kept: usize = bytes.iter().map(|byte| usize::from(*byte == 7)).sum();
            kinds.insert((
                format!("{cut:?}"),
                new,
                !kept.is_multiple_of(512) && kept != 1_300,
            ));
            let whole = bytes == old || kept == 1_300;
            let random = [
                PowerCut::TornSectors,
                PowerCut::TornBytes,
                PowerCut::Scattered,
            ];
            assert!(whole || random.contains(&cut), "{cut:?}");
        }
    }
    let has = |cut: &str, new: [bool; 3], odd| kinds.contains(&(cut.to_owned(), new.to_vec(), odd));
    assert!(has("TornSectors", [true, false, false], false));
    assert!(!has("TornSectors", [true, false, false], true));
    assert!(has("TornBytes", [true, false, false], true));
    assert!(has("Scattered", [true, false, true], true));
    assert!(has("Scattered", [false, true, false], false));
}

#[test]
fn nothing_works_when_the_power_is_off() {
    let (disk, path, file) = changed();
    let before = disk.operations();
    disk.crash_at(before + 1);
    file.write_at(b"a", 0).unwrap();
    assert!(!disk.is_off());
    assert!(file.write_at(b"b", 0).is_err());
    assert!(disk.is_off());
    assert!(file.write_at(b"c", 0).is_err());
    assert!(file.sync_data().is_err());
    assert!(file.read_at(&mut [0], 0).is_err());
    assert!(disk.open(&path, OpenHow::Existing).is_err());
    // The write that was under way may be on the disk; the one after it is not.
    let first = |cut| disk.after_power_cut(cut, 0).get(&path).unwrap()[0];
    assert_eq!(first(PowerCut::Everything), b'b');
    assert_eq!(first(PowerCut::Nothing), b'o');
}

#[test]
fn faults_end_and_leave_what_they_say() {
    let (disk, path, file) = changed();
    let now = disk.operations();
    disk.fail_at(now, Fault::Eio, 2);
    disk.fail_at(now + 2, Fault::Short, 1);
    disk.fail_at(now + 3, Fault::Late, 1);
    assert!(file.write_at(&[1; 9], 0).is_err());
    assert!(file.set_len(0).is_err());
    assert_eq!(disk.get(&path).unwrap(), [7; 1_300]);
    let error = file.write_at(&[2; 1_300], 0).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    let bytes = disk.get(&path).unwrap();
    let written = bytes.iter().position(|byte| *byte != 2).unwrap();
    assert!(written < 1_300);
    assert!(bytes[written..].iter().all(|byte| *byte == 7));
    assert!(file.write_at(&[3; 1_300], 0).is_err());
    assert_eq!(disk.get(&path).unwrap(), [3; 1_300]);
    file.write_at(&[4; 1_300], 0).unwrap();
    assert_eq!(disk.get(&path).unwrap(), [4; 1_300]);
}

#[test]
fn what_a_failed_sync_dropped_never_becomes_durable() {
    let mut survived = 0;
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let path = Path::new("/f");
        disk.put(path, b"old");
        let file = disk.open(path, OpenHow::Existing).unwrap();
        file.write_at(b"new", 0).unwrap();
        disk.fail_at(disk.operations(), Fault::Eio, 1);
        assert!(file.sync_data().is_err());
        assert_eq!(disk.failed_syncs(), 1);
        file.sync_data().unwrap();
        assert_eq!(disk.get(path).unwrap(), b"new", "it is visible");
        let after = disk.after_power_cut(PowerCut::Everything, 0);
        survived += u32::from(after.get(path).unwrap() == b"new");
    }
    assert!((20..80).contains(&survived), "{survived}");
}
