//! A process that may have few files open: a system creates, takes checkpoints, is killed, recovers and shuts down.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::ends_of_systems::Lingering;
use crate::support::{directory, start};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
/// What the child does.
const PHASE: &str = "DURABLE_ACTORS_CHILD_PHASE";

const ACTORS: u64 = 400;

/// The child: has many more actors than the process may have files.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let (Ok(directory), Ok(phase)) = (std::env::var(DIRECTORY), std::env::var(PHASE)) else {
        return;
    };
    let system = Arc::new(start::<Lingering>(Path::new(&directory)).await);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let system = Arc::clone(&system);
            tokio::spawn(async move {
                for number in (task..ACTORS).step_by(8) {
                    let actor = system.get_or_create::<Lingering>(number.to_string(), ());
                    println!("is {}", actor.add(number).await.unwrap());
                    if number % 2 == 0 {
                        actor.sleep().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    if phase == "shutdown" {
        system.shutdown().await.unwrap();
    }
    println!("reached the end");
    std::future::pending::<()>().await;
}

fn spawn(directory: &Path, phase: &str) -> Child {
    Command::new("sh")
        .args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["few_handles::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(PHASE, phase)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn sixty_four_files_are_enough_for_hundreds_of_actors() {
    let directory = directory();
    for phase in ["kill", "kill", "shutdown"] {
        let mut child = spawn(directory.path(), phase);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let ended = lines.any(|line| line.contains("reached the end"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(ended, "the child does all it should: {phase}");
    }
    let system = start::<Lingering>(directory.path()).await;
    for number in 0..ACTORS {
        let actor = system.get::<Lingering>(number.to_string());
        assert_eq!(actor.add(0).await.unwrap(), 3 * number);
    }
    let listed = system.list::<Lingering>(None, 10_000).await.unwrap();
    assert_eq!(listed.len() as u64, ACTORS);
    system.shutdown().await.unwrap();
}
