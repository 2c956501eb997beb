//! `kill -9` in the middle of the preamble and of actions: what counts is whole.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use actor_core::prelude::*;

use crate::probe::{FILE, NEW, Probe};
use crate::support::{Fault, Faults, Log, builder, count, directory, keys, start};

/// What the child does, and where it stops for ever to be killed.
const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
const PLACE: &str = "DURABLE_ACTORS_CHILD_PLACE";

/// The child: runs one call, which hangs at the place that it is told, and says when it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let (Ok(directory), Ok(place)) = (std::env::var(DIRECTORY), std::env::var(PLACE)) else {
        return;
    };
    let (log, faults) = (Log::default(), Faults::default());
    let place: &'static str = Box::leak(place.into_boxed_str());
    faults.set(place, Fault::Hang);
    let system = builder(Path::new(&directory), &log, &faults)
        .register::<Probe>()
        .start()
        .await
        .unwrap();
    let probe = system.get_or_create::<Probe>("a", NEW);
    let call = tokio::spawn(async move {
        for text in ["one", "two"] {
            println!("acknowledged {}", probe.rename(text).await.unwrap().edits);
        }
        probe.sleep().await.unwrap();
        probe.destroy().await.unwrap();
    });
    loop {
        if log.take().iter().any(|reached| reached == place) {
            println!("reached {place}");
        }
        if call.is_finished() {
            println!("reached the end");
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Starts the child, and kills it when it has reached the place. Returns what it acknowledged before.
fn kill_at(directory: &Path, place: &str) -> usize {
    let mut child = spawn(directory, place);
    let output = child.stdout.take().unwrap();
    let mut acknowledged = 0;
    for line in BufReader::new(output).lines() {
        let line = line.unwrap();
        acknowledged += usize::from(line.contains("acknowledged"));
        if line.contains("reached") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged
}

fn spawn(directory: &Path, place: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(PLACE, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn killed_before_the_commit_of_the_creation_there_is_no_actor() {
    for place in ["create_state", "on_create", "count_after_create"] {
        let directory = directory();
        assert_eq!(kill_at(directory.path(), place), 0);
        let system = start::<Probe>(directory.path()).await;
        assert_eq!(keys::<Probe>(&system).await, [""; 0], "killed in {place}");
        assert_eq!(
            system.get::<Probe>("a").rows().await.unwrap_err().code(),
            "not_found"
        );
        // The key is free.
        let probe = system.create::<Probe>("a", NEW).await.unwrap();
        assert_eq!(probe.rows().await.unwrap(), 0);
        probe.sleep().await.unwrap();
        assert_eq!(count(directory.path(), FILE, "notes"), 0);
    }
}

#[tokio::test]
async fn killed_after_the_commit_of_the_creation_the_actor_is_whole() {
    for place in ["create_vars", "on_wake", "on_before_start"] {
        let directory = directory();
        assert_eq!(kill_at(directory.path(), place), 0);
        let system = start::<Probe>(directory.path()).await;
        assert_eq!(keys::<Probe>(&system).await, ["a"], "killed in {place}");
        let probe = system.get::<Probe>("a");
        assert_eq!(probe.settings().await.unwrap().title, "new");
        assert_eq!(probe.add("x").await.unwrap(), 1);
        assert_eq!(
            system.create::<Probe>("a", NEW).await.unwrap_err().code(),
            "already_exists"
        );
    }
}

#[tokio::test]
async fn killed_in_an_action_what_was_acknowledged_is_there_and_nothing_else() {
    let directory = directory();
    assert_eq!(kill_at(directory.path(), "rename"), 0);
    let system = start::<Probe>(directory.path()).await;
    let probe = system.get::<Probe>("a");
    assert_eq!(probe.settings().await.unwrap().edits, 0);
    assert_eq!(probe.texts().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn killed_at_the_end_of_its_life_the_actor_is_whole() {
    for place in ["on_sleep", "on_destroy"] {
        let directory = directory();
        assert_eq!(kill_at(directory.path(), place), 2);
        let system = start::<Probe>(directory.path()).await;
        let probe = system.get::<Probe>("a");
        assert_eq!(
            probe.settings().await.unwrap().edits,
            2,
            "killed in {place}"
        );
        assert_eq!(probe.texts().await.unwrap(), ["one", "two"]);
    }
}

#[tokio::test]
async fn killed_after_its_end_the_actor_is_gone() {
    let directory = directory();
    assert_eq!(kill_at(directory.path(), "nowhere"), 2);
    let system = start::<Probe>(directory.path()).await;
    assert_eq!(keys::<Probe>(&system).await, [""; 0]);
    assert_eq!(
        system.get::<Probe>("a").rows().await.unwrap_err().code(),
        "not_found"
    );
}

#[tokio::test]
async fn a_second_process_gets_the_error_and_the_first_goes_on() {
    let directory = directory();
    let system = start::<Probe>(directory.path()).await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.add("x").await.unwrap(), 1);
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "kills::second_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let path = directory.path().canonicalize().unwrap();
    let expected = format!(
        "cannot start: the data directory {} is locked by another process; stop that first",
        path.display()
    );
    assert!(text.contains(&expected), "{text}");
    assert_eq!(probe.add("y").await.unwrap(), 2);
}

/// The child of the test above.
#[tokio::test]
#[ignore = "it is run as a child of the other tests"]
async fn second_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let error = System::builder()
        .data_dir(directory)
        .start()
        .await
        .unwrap_err();
    println!("{error}");
}
