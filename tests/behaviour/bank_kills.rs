//! `kill -9` while a hundred accounts send money to each other: no cent comes or goes, and none that was acknowledged is lost.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actor_core::{Clock, System};

use crate::account::{Account, Opening, accounts};
use crate::support::{Faults, Log, Random, directory};

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";
const ROUND: &str = "DURABLE_ACTORS_CHILD_ROUND";
/// How many rounds: a test run does 20, a thorough one by hand more.
const ROUNDS: &str = "DURABLE_ACTORS_BANK_ROUNDS";

const ACCOUNTS: u64 = 100;
const OPENING: Opening = Opening { cents: 1_000 };

async fn start(directory: &Path) -> System {
    accounts(
        directory,
        Clock::system(),
        &Log::default(),
        &Faults::default(),
    )
    .start()
    .await
    .unwrap()
}

fn name(number: u64) -> String {
    format!("n{number:02}")
}

/// The child: clients that transfer money, and say which transfers were acknowledged. It is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other test"]
async fn child() {
    let (Ok(directory), Ok(round)) = (std::env::var(DIRECTORY), std::env::var(ROUND)) else {
        return;
    };
    let round: u64 = round.parse().unwrap();
    let system = start(Path::new(&directory)).await;
    let clients = (0..16).map(|client| {
        let system = system.clone();
        tokio::spawn(async move {
            let mut random = Random::new(round * 16 + client);
            for step in 0..100_000 {
                let (from, to) = (name(random.below(ACCOUNTS)), name(random.below(ACCOUNTS)));
                let account = system.get::<Account>(from.as_str());
                let cents = i64::try_from(random.below(20)).unwrap();
                let label = format!("{round}-{client}-{step}");
                match random.below(50) {
                    0 => drop(account.sleep().await),
                    1 => drop(account.transfer(to, "undo", cents).await),
                    2..10 => drop(account.transfer_slowly(to, label, cents).await),
                    _ => {
                        if account.transfer(&*to, &*label, cents).await.is_ok() {
                            let line = format!("ack {from} {to} {label}\n");
                            std::io::stdout().write_all(line.as_bytes()).unwrap();
                        }
                    }
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

/// Runs the child until its time is over. Returns what it acknowledged: from, to and label.
fn kill_after(directory: &Path, round: u64, time: Duration) -> Vec<[String; 3]> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["bank_kills::child", "--exact", "--ignored", "--nocapture"])
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
        // What the pipe still holds after the kill counts too.
        let until = until.get_or_insert_with(|| Instant::now() + time);
        if Instant::now() >= *until {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

/// Waits until every outbox is empty. Nobody calls the accounts before: they wake for their outboxes.
async fn all_arrived(system: &System) {
    for number in 0..ACCOUNTS {
        let account = system.get::<Account>(name(number));
        while !account.outbox().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(account.dead_letters().await.unwrap(), []);
    }
}

#[tokio::test]
async fn killed_under_load_money_is_conserved_and_each_transfer_arrives_once() {
    let rounds = std::env::var(ROUNDS).map_or(20, |text| text.parse().unwrap());
    let seed = std::env::var("SEED").map_or(20_261_124, |text| text.parse().unwrap());
    println!("SEED={seed} {ROUNDS}={rounds}");
    let mut random = Random::new(seed);
    let directory = directory();
    let system = start(directory.path()).await;
    for number in 0..ACCOUNTS {
        let opened = system.create::<Account>(name(number), OPENING);
        opened.await.unwrap();
    }
    system.shutdown().await.unwrap();
    drop(system);
    let mut acknowledged = Vec::new();
    for round in 0..rounds {
        let time = Duration::from_micros(random.below(300_000));
        let found = kill_after(directory.path(), round, time);
        assert!(!found.is_empty(), "the child works in round {round}");
        acknowledged.extend(found);
        let system = start(directory.path()).await;
        all_arrived(&system).await;
        let mut total = 0;
        let mut labels = Vec::new();
        for number in 0..ACCOUNTS {
            let account = system.get::<Account>(name(number));
            total += account.balance().await.unwrap();
            let mut own = account.labels().await.unwrap();
            own.sort();
            labels.push(own);
        }
        assert_eq!(
            total,
            1_000 * i64::try_from(ACCOUNTS).unwrap(),
            "in round {round}"
        );
        for [from, to, label] in &acknowledged {
            for account in [from, to] {
                let account: usize = account[1..].parse().unwrap();
                let there = labels[account].iter().filter(|own| *own == label).count();
                // One to oneself is entered twice.
                let expected = 1 + usize::from(from == to);
                assert_eq!(
                    there, expected,
                    "{label} from {from} to {to} in round {round}"
                );
            }
        }
        system.shutdown().await.unwrap();
    }
}
