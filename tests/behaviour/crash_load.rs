//! `kill -9` at random times, with many clients at work: what was acknowledged is there, and no half of anything.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Random, directory, number, start};
use crate::tally::{End, Tally};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
const ROUND: &str = "DURABLE_ACTORS_CHILD_ROUND";
/// How many rounds: a test run does 200, a thorough one by hand more.
const ROUNDS: &str = "DURABLE_ACTORS_KILL_ROUNDS";

const ACTORS: u64 = 12;
const CLIENTS: i64 = 16;

/// The child: clients that add numbers, and say which were acknowledged. It is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else {
        return;
    };
    let round: i64 = round.parse().unwrap();
    let system = start::<Tally>(Path::new(&directory)).await;
    let clients = (0..CLIENTS).map(|client| {
        let system = system.clone();
        tokio::spawn(async move {
            let mut random = Random::new(u64::try_from(round * CLIENTS + client).unwrap());
            for step in 0..100_000 {
                let name = format!("t{}", random.below(ACTORS));
                let tally = system.get_or_create::<Tally>(&name, ());
                let number = (round * CLIENTS + client) * 100_000 + step;
                match random.below(40) {
                    0 => drop(tally.sleep().await),
                    1 => drop(tally.add(number, End::Fails).await),
                    2..20 => {
                        tally.add_slowly(number, End::Well).await.unwrap();
                        acknowledge(&name, number);
                    }
                    _ => {
                        tally.add(number, End::Well).await.unwrap();
                        acknowledge(&name, number);
                    }
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

fn acknowledge(name: &str, number: i64) {
    // One write, so that lines of several threads do not mix and a kill cuts none in the middle.
    let line = format!("ack {name} {number}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// Runs the child until its time is over. Returns what it acknowledged.
fn kill_after(directory: &Path, round: u64, time: Duration) -> Vec<(String, i64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash_load::child", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut until = None;
    for line in output.lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        if let (Some("ack"), Some(name), Some(number)) = (words.next(), words.next(), words.next())
        {
            acknowledged.push((name.to_owned(), number.parse().unwrap()));
            // The time begins with the first acknowledgement; what the pipe still holds after the kill counts too.
            let until = until.get_or_insert_with(|| Instant::now() + time);
            if Instant::now() >= *until {
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[tokio::test]
async fn killed_under_load_nothing_that_was_acknowledged_is_lost() {
    let rounds = std::env::var(ROUNDS).map_or(200, |text| text.parse().unwrap());
    let seed = std::env::var("SEED").map_or(20_261_123, |text| text.parse().unwrap());
    println!("SEED={seed} {ROUNDS}={rounds}");
    let mut random = Random::new(seed);
    let directory = directory();
    let mut acknowledged: HashMap<String, HashSet<i64>> = HashMap::new();
    for round in 0..rounds {
        let time = Duration::from_micros(random.below(60_000));
        let found = kill_after(directory.path(), round, time);
        assert!(!found.is_empty(), "the child works in round {round}");
        for (name, number) in found {
            assert!(acknowledged.entry(name).or_default().insert(number));
        }
        let system = start::<Tally>(directory.path()).await;
        for (name, expected) in &acknowledged {
            let (numbers, sum) = system.get::<Tally>(name).read().await.unwrap();
            let found: HashSet<i64> = numbers.iter().copied().collect();
            let lost: Vec<_> = expected.difference(&found).collect();
            assert!(lost.is_empty(), "lost in round {round}: {name} {lost:?}");
            let total = numbers.iter().sum();
            let count = i64::try_from(numbers.len()).unwrap();
            assert_eq!(
                (sum.count, sum.total),
                (count, total),
                "torn in round {round}: {name}"
            );
        }
        system.shutdown().await.unwrap();
        for name in acknowledged.keys() {
            let file = format!("tally/k_{name}.db");
            let sound =
                "(SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok')";
            assert_eq!(
                number(directory.path(), &file, sound),
                1,
                "{name} in round {round}"
            );
        }
    }
}
