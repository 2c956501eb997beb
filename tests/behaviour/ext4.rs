//! A power cut on a real file system: ext4 on a loop device, whose backing file is what the disk has.
//!
//! A copy of that file, taken while the process is stopped, has what was sent to the device and nothing of what the file system
//! only has in memory. It needs root, and is run by `.ci/run`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use actor_core::{Clock, Status, System};

use crate::alarm::Alarm;
use crate::support::{Faults, Log, builder, directory, keys};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";

async fn start(directory: &Path) -> System {
    builder(directory, &Log::default(), &Faults::default())
        .extension(Clock::system())
        .register::<Alarm>()
        .start()
        .await
        .unwrap()
}

/// The child: an orderly shutdown, a start, and new actors with timers; then it waits for the power cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other test"]
async fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    for names in [["a", "b"], ["c", "d"]] {
        let system = start(directory).await;
        for name in names {
            let alarm = system.get_or_create::<Alarm>(name, ());
            let call = alarm.ring(name).after(Duration::from_millis(500));
            call.await.unwrap();
        }
        if names[0] == "a" {
            system.shutdown().await.unwrap();
        } else {
            println!("acknowledged");
            std::future::pending::<()>().await;
        }
    }
}

/// Runs a program, and returns what is wrong if it fails.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {arguments:?}: {said}"))
}

/// An ext4 file system in a file, mounted.
struct Mounted(PathBuf);

impl Mounted {
    fn new(image: &Path, place: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(place).map_err(|error| error.to_string())?;
        let (image, place_text) = (image.to_str().unwrap(), place.to_str().unwrap());
        run("mount", &["-o", "loop", image, place_text])?;
        Ok(Self(place.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &["--lazy", self.0.to_str().unwrap()]);
    }
}

/// Makes a file system, runs the child on it, and copies what the disk has at the cut. `Err` where that is not to be had here.
fn cut(root: &Path) -> Result<PathBuf, String> {
    let (image, copy) = (root.join("disk"), root.join("copy"));
    let file = std::fs::File::create(&image).map_err(|error| error.to_string())?;
    file.set_len(256 << 20).map_err(|error| error.to_string())?;
    drop(file);
    run("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()])?;
    let mounted = Mounted::new(&image, &root.join("before"))?;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["ext4::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, mounted.0.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("acknowledged")));
    let id = child.id().to_string();
    run("kill", &["-STOP", &id]).unwrap();
    std::fs::copy(&image, &copy).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    Ok(copy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it needs root, loop devices and mkfs.ext4"]
async fn after_a_power_cut_on_ext4_all_are_listed_and_their_timers_run() {
    for round in 0..3 {
        let root = directory();
        let copy = match cut(root.path()) {
            Ok(copy) => copy,
            Err(reason) => {
                println!("skipped: no ext4 file system can be had here: {reason}");
                return;
            }
        };
        let mounted = Mounted::new(&copy, &root.path().join("after")).unwrap();
        let system = start(&mounted.0.join("data")).await;
        assert_eq!(
            keys::<Alarm>(&system).await,
            ["a", "b", "c", "d"],
            "round {round}"
        );
        for name in ["a", "b", "c", "d"] {
            let alarm = system.get::<Alarm>(name);
            // No call wakes it: it is due.
            while alarm.status() != Status::Awake {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            while !alarm.timers().await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let rings = alarm.rings().await.unwrap();
            assert_eq!(rings.len(), 1, "round {round}: {name}");
        }
        system.shutdown().await.unwrap();
        println!("round {round}: all are listed, and their timers ran");
    }
}
