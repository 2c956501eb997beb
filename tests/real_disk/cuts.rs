//! An orderly shutdown, a start, and a cut after what the new start acknowledged.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use actor_core::System;

use crate::bell::{Bell, Rung};
use crate::disk::{EXT4, Kind, LoopDisk, XFS};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
const SCRIPT: &str = "DURABLE_ACTORS_CHILD_SCRIPT";

/// How many actors each script makes.
const ACTORS: u32 = 4;

/// When the timers are due: later than the cut, and long over when the next start has begun.
const DUE: Duration = Duration::from_secs(2);

async fn start(directory: &Path, rung: &Rung) -> System {
    System::builder()
        .data_dir(directory)
        .extension(rung.clone())
        .register::<Bell>()
        .start()
        .await
        .unwrap()
}

fn key(name: &str, index: u32) -> String {
    format!("{name}{index}")
}

/// Makes actors under a name, each with a timer, and sets one more timer for each older actor.
async fn make(system: &System, name: &str, older: &[&str]) {
    for index in 0..ACTORS {
        let bell = system.get_or_create::<Bell>(key(name, index), ());
        bell.ring().after(DUE).await.unwrap();
        for older in older {
            let older = system.get::<Bell>(key(older, index));
            older.ring().after(DUE).await.unwrap();
        }
    }
}

/// The child: does what its script says, says so, and waits to be killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let (Ok(directory), Ok(script)) = (std::env::var(DIRECTORY), std::env::var(SCRIPT)) else {
        return;
    };
    let system = start(Path::new(&directory), &Rung::default()).await;
    match script.as_str() {
        "orderly" => {
            make(&system, "a", &[]).await;
            system.shutdown().await.unwrap();
        }
        "new actors and timers" => make(&system, "b", &["a"]).await,
        "a message to a new actor" => {
            for index in 0..ACTORS {
                let bell = system.get::<Bell>(key("a", index));
                bell.pass(key("c", index)).await.unwrap();
            }
        }
        "destroyed and made again" => {
            for index in 0..ACTORS {
                let bell = system.get::<Bell>(key("a", index));
                bell.destroy().await.unwrap();
                let again = system.get_or_create::<Bell>(key("a", index), ());
                again.ring().after(DUE).await.unwrap();
            }
        }
        other => panic!("no script {other}"),
    }
    println!("acknowledged");
    std::future::pending::<()>().await;
}

/// Runs a script in a child until it has said that all is acknowledged.
fn run(directory: &Path, script: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["cuts::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(SCRIPT, script)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|said| said.unwrap().contains("acknowledged")),
        "the child did what {script:?} says"
    );
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until the bells have rung as often as `wanted` says, without asking any of them, which would wake it.
async fn rung(rung: &Rung, mut wanted: Vec<String>) {
    wanted.sort();
    let begun = Instant::now();
    loop {
        let mut heard = rung.0.lock().clone();
        heard.retain(|key| wanted.contains(key));
        heard.sort();
        if heard == wanted {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "heard {heard:?} and not {wanted:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Shuts down in order, starts, follows a script, cuts, and holds what is there against what was acknowledged.
async fn cut(
    (kind, journal): (Kind, bool),
    script: &str,
    names: &[&str],
    (timers, messages): (&[&str], &[&str]),
) {
    let Some(mut disk) = LoopDisk::new(kind) else {
        return;
    };
    let directory = disk.root().join("data");
    kill(run(&directory, "orderly"));
    let child = run(&directory, script);
    if journal {
        disk.commit_journal();
    }
    disk.cut();
    kill(child);
    disk.power_on();
    let of = |names: &[&str]| -> Vec<String> {
        let each = names
            .iter()
            .flat_map(|name| (0..ACTORS).map(move |index| key(name, index)));
        each.collect()
    };
    let rings = [timers, messages].concat();
    let heard = Rung::default();
    let system = start(&directory, &heard).await;
    rung(&heard, of(timers)).await;
    // A message may have arrived before the cut: then its receiver did not ring since.
    for key in of(&["a"]) {
        let sender = system.get::<Bell>(key);
        while !sender.outbox().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let listed = system.list::<Bell>(None, 1_000).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|entry| entry.key.to_string()).collect();
    assert_eq!(listed, of(names), "{} {script} {journal}", kind.name);
    for name in names {
        for index in 0..ACTORS {
            let key = key(name, index);
            let expected = of(&rings).iter().filter(|rung| **rung == key).count();
            let rings = system.get::<Bell>(key).rings().await.unwrap();
            assert_eq!(usize::try_from(rings).unwrap(), expected, "{script}");
        }
    }
    system.shutdown().await.unwrap();
}

/// Cuts each script with the journal as it is, and with the journal written.
async fn cut_each(kind: Kind) {
    for journal in [false, true] {
        let new = "new actors and timers";
        cut((kind, journal), new, &["a", "b"], (&["a", "a", "b"], &[])).await;
        let message = "a message to a new actor";
        cut((kind, journal), message, &["a", "c"], (&["a"], &["c"])).await;
        let again = "destroyed and made again";
        cut((kind, journal), again, &["a"], (&["a"], &[])).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_start_acknowledged_outlives_a_power_cut_on_ext4() {
    cut_each(EXT4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_start_acknowledged_outlives_a_power_cut_on_xfs() {
    cut_each(XFS).await;
}
