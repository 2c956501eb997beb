//! `kill -9` while messages are pushed and worked on: none that was acknowledged is lost, and none has its effect twice.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actor_core::System;

use crate::queues::{Worker, task};
use crate::support::{Random, directory, start};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
const ROUND: &str = "DURABLE_ACTORS_CHILD_ROUND";

const ROUNDS: u64 = 15;
const WORKERS: u64 = 4;

fn name(number: u64) -> String {
    format!("w{}", number % WORKERS)
}

/// The child: clients that push messages, and say which were acknowledged. It is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other test"]
async fn child() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else {
        return;
    };
    let system = start::<Worker>(Path::new(&directory)).await;
    let clients = (0..8).map(|client| {
        let (system, round) = (system.clone(), round.clone());
        tokio::spawn(async move {
            for step in 0_u64..100_000 {
                let worker = name(client + step);
                let handle = system.get_or_create::<Worker>(worker.as_str(), ());
                let text = format!("{round}-{client}-{step}");
                if handle.tasks().push(task(&text)).await.is_ok() {
                    let line = format!("ack {worker} {text}\n");
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

/// Runs the child until its time is over. Returns what it acknowledged: the worker and the text.
fn kill_after(directory: &Path, round: u64, time: Duration) -> Vec<[String; 2]> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["queue_kills::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (mut acknowledged, mut until) = (Vec::new(), None);
    for line in output.lines() {
        let line = line.unwrap();
        let Some(words) = line.strip_prefix("ack ") else {
            continue;
        };
        let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
        acknowledged.push(words.try_into().unwrap());
        let until = until.get_or_insert_with(|| Instant::now() + time);
        if Instant::now() >= *until {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

/// Waits until the queue of a worker is empty, and returns how often each message has its effect.
async fn effects(system: &System, worker: &str) -> HashMap<String, usize> {
    let worker = system.get::<Worker>(worker);
    while worker.tasks().count().await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(worker.dead_letters().await.unwrap(), []);
    let mut counts = HashMap::new();
    for text in worker.texts().await.unwrap() {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn killed_under_load_each_message_that_was_acknowledged_has_its_effect_once() {
    let seed = std::env::var("SEED").map_or(20_261_124, |text| text.parse().unwrap());
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = directory();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let time = Duration::from_micros(random.below(100_000));
        let found = kill_after(directory.path(), round, time);
        assert!(!found.is_empty(), "the child works in round {round}");
        acknowledged.extend(found);
        let system = start::<Worker>(directory.path()).await;
        let mut counts = HashMap::new();
        for number in 0..WORKERS {
            let worker = name(number);
            // One that the child never reached is not there.
            if acknowledged.iter().any(|[of, _]| *of == worker) {
                counts.insert(worker.clone(), effects(&system, &worker).await);
            }
        }
        for [worker, text] in &acknowledged {
            let count = counts[worker].get(text);
            assert_eq!(count, Some(&1), "{text} of {worker} in round {round}");
        }
        for (text, count) in counts.values().flatten() {
            assert_eq!(*count, 1, "{text} in round {round}");
        }
        system.shutdown().await.unwrap();
    }
}
