//! `kill -9` around timers: none that was acknowledged is lost, and none has its effect twice.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use actor_core::{Clock, System};

use crate::alarm::Alarm;
use crate::support::{Fault, Faults, Log, builder, directory};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
/// After how many milliseconds the timer is due.
const DELAY: &str = "DURABLE_ACTORS_CHILD_DELAY";

/// Starts a system of alarms on the machine's clock.
async fn start(directory: &Path, log: &Log, faults: &Faults) -> System {
    builder(directory, log, faults)
        .extension(Clock::system())
        .register::<Alarm>()
        .start()
        .await
        .unwrap()
}

/// The child: sets timers, says that they are set, and says when the first of them has written and is not committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let (Ok(directory), Ok(delay)) = (std::env::var(DIRECTORY), std::env::var(DELAY)) else {
        return;
    };
    let (log, faults) = (Log::default(), Faults::default());
    faults.set("ring_if_well", Fault::Hang);
    let system = start(Path::new(&directory), &log, &faults).await;
    let alarm = system.get_or_create::<Alarm>("a", ());
    let delay = Duration::from_millis(delay.parse().unwrap());
    for label in ["one", "two"] {
        alarm.ring_if_well(label).after(delay).await.unwrap();
    }
    println!("acknowledged");
    loop {
        if log.take().iter().any(|reached| reached == "ring_if_well") {
            println!("claimed");
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Starts the child, and kills it when it says `line`.
fn kill_at(directory: &Path, delay: u64, line: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["timer_kills::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(DELAY, delay.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|said| said.unwrap().contains(line)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until both timers have run, and returns how often each has its effect.
async fn effects(system: &System) -> Vec<String> {
    let alarm = system.get::<Alarm>("a");
    while !alarm.timers().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rings = alarm.rings().await.unwrap();
    rings.into_iter().map(|(label, _)| label).collect()
}

#[tokio::test]
async fn killed_between_claim_and_commit_a_timer_runs_again_and_its_effect_is_there_once() {
    let directory = directory();
    kill_at(directory.path(), 200, "claimed");
    let system = start(directory.path(), &Log::default(), &Faults::default()).await;
    // No call wakes it: it is due.
    let alarm = system.get::<Alarm>("a");
    while alarm.status() != actor_core::Status::Awake {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The one that the end of the process cut off is retried after a pause.
    assert_eq!(effects(&system).await, ["two", "one"]);
}

#[tokio::test]
async fn killed_after_the_acknowledgement_a_timer_is_there() {
    let directory = directory();
    kill_at(directory.path(), 60_000, "acknowledged");
    let system = start(directory.path(), &Log::default(), &Faults::default()).await;
    let alarm = system.get::<Alarm>("a");
    assert_eq!(alarm.timers().await.unwrap().len(), 2);
    assert_eq!(alarm.rings().await.unwrap(), []);
}
