//! Random programs of messages, timers and crashes, held against a model: what was acknowledged has its effect once, what
//! was not has it once or not at all, and no cent comes or goes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actor_core::{Clock, System};

use crate::account::{Account, Opening, accounts};
use crate::alarm::NOON;
use crate::support::{Faults, Log, Random, crash, directory};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const OPENING: Opening = Opening { cents: 1_000_000 };

/// One thing that a program does, besides letting time pass.
#[derive(Clone, Debug)]
enum Step {
    Transfer {
        from: usize,
        to: usize,
        slowly: bool,
    },
    Timer {
        on: usize,
        delay: Duration,
    },
    Sleep {
        on: usize,
    },
    Panic {
        on: usize,
    },
}

/// What a step is to leave.
#[derive(Clone, Debug)]
struct Expected {
    step: Step,
    label: String,
    acknowledged: bool,
}

type Model = Arc<Mutex<Vec<Expected>>>;

fn step(random: &mut Random) -> Step {
    let mut account = || usize::try_from(random.below(4)).unwrap();
    let (one, other) = (account(), account());
    match random.below(20) {
        0..10 => Step::Transfer {
            from: one,
            to: other,
            slowly: random.below(4) == 0,
        },
        10..16 => Step::Timer {
            on: one,
            delay: Duration::from_millis(random.below(10_000)),
        },
        16..18 => Step::Sleep { on: one },
        _ => Step::Panic { on: one },
    }
}

/// Does one step. Returns whether it was acknowledged.
async fn run(system: System, step: Step, label: String) -> bool {
    let account = |index: usize| system.get::<Account>(NAMES[index]);
    match step {
        Step::Transfer { from, to, slowly } => {
            if slowly {
                account(from)
                    .transfer_slowly(NAMES[to], label, 3)
                    .await
                    .is_ok()
            } else {
                account(from).transfer(NAMES[to], label, 2).await.is_ok()
            }
        }
        Step::Timer { on, delay } => account(on).deposit(label, 0).after(delay).await.is_ok(),
        Step::Sleep { on } => account(on).sleep().await.is_ok(),
        Step::Panic { on } => account(on).deposit("panic", 1).await.is_ok(),
    }
}

/// Runs one life of the system on a runtime of its own, whose end is that of the process.
///
/// Returns the time at its end.
fn life(
    directory: &Path,
    began: SystemTime,
    live: impl AsyncFnOnce(&System, Clock) -> SystemTime,
) -> SystemTime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::starting_at(began);
        let (log, faults) = (Log::default(), Faults::default());
        let system = accounts(directory, clock, &log, &faults)
            .start()
            .await
            .unwrap();
        live(&system, clock).await
    })
}

/// Does random steps, and ends in order or in the middle of them.
async fn steps(system: &System, clock: Clock, seed: u64, model: &Model) -> SystemTime {
    let mut random = Random::new(seed);
    let mut running = Vec::new();
    for number in 0..random.below(40) {
        let step = step(&mut random);
        // A transfer that its receiver refuses ends as a dead letter.
        let fails = matches!(step, Step::Transfer { slowly: false, .. }) && random.below(15) == 0;
        let label = if fails {
            "fail".to_owned()
        } else {
            format!("{seed}-{number}")
        };
        let index = {
            let mut model = model.lock().unwrap();
            model.push(Expected {
                step: step.clone(),
                label: label.clone(),
                acknowledged: false,
            });
            model.len() - 1
        };
        let (system, model) = (system.clone(), Arc::clone(model));
        running.push(tokio::spawn(async move {
            let acknowledged = run(system, step, label).await;
            model.lock().unwrap()[index].acknowledged = acknowledged;
        }));
        match random.below(6) {
            0 => tokio::time::sleep(Duration::from_millis(random.below(3_000))).await,
            1..4 => tokio::task::yield_now().await,
            _ => {}
        }
    }
    if random.below(2) == 0 {
        for step in running {
            step.await.unwrap();
        }
        if random.below(2) == 0 {
            system.shutdown().await.unwrap();
        }
    }
    clock.now()
}

/// Lets everything arrive, and holds what is there against the model.
async fn check(system: &System, clock: Clock, model: &Model) -> SystemTime {
    let mut labels: Vec<HashMap<String, usize>> = Vec::new();
    let mut total = 0;
    for name in NAMES {
        let account = system.get::<Account>(name);
        while !account.outbox().await.unwrap().is_empty()
            || !account.timers().await.unwrap().is_empty()
        {
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }
    for name in NAMES {
        let account = system.get::<Account>(name);
        let mut counts = HashMap::new();
        for label in account.labels().await.unwrap() {
            *counts.entry(label).or_default() += 1;
        }
        labels.push(counts);
        total += account.balance().await.unwrap();
        for letter in account.dead_letters().await.unwrap() {
            assert_eq!(letter.arguments, "[\"fail\",2]");
            total += 2;
        }
    }
    assert_eq!(total, OPENING.cents * 4);
    let count = |account: usize, label: &str| labels[account].get(label).copied().unwrap_or(0);
    for expected in model.lock().unwrap().iter() {
        let (label, acknowledged) = (expected.label.as_str(), expected.acknowledged);
        match expected.step {
            Step::Transfer { .. } if label == "fail" => {}
            Step::Transfer { from, to, .. } if from == to => {
                let found = count(from, label);
                assert!(
                    found == 2 || (found == 0 && !acknowledged),
                    "{found} of {expected:?}"
                );
            }
            Step::Transfer { from, to, .. } => {
                let found = (count(from, label), count(to, label));
                let well = found == (1, 1) || (found == (0, 0) && !acknowledged);
                assert!(well, "{found:?} of {expected:?}");
            }
            Step::Timer { on, .. } => {
                let found = count(on, label);
                assert!(
                    found == 1 || (found == 0 && !acknowledged),
                    "{found} of {expected:?}"
                );
            }
            Step::Sleep { .. } | Step::Panic { .. } => {}
        }
    }
    clock.now()
}

#[test]
fn random_programs_do_what_the_model_says() {
    let seed = std::env::var("SEED").map_or(20_261_124, |text| text.parse().unwrap());
    let programs =
        std::env::var("DURABLE_ACTORS_PROGRAMS").map_or(30, |text| text.parse().unwrap());
    println!("SEED={seed} DURABLE_ACTORS_PROGRAMS={programs}");
    let mut random = Random::new(seed);
    for program in 0..programs {
        let mut directory = directory();
        let model = Model::default();
        let mut time = UNIX_EPOCH + Duration::from_secs(NOON);
        time = life(directory.path(), time, async |system, clock| {
            for name in NAMES {
                system.create::<Account>(name, OPENING).await.unwrap();
            }
            clock.now()
        });
        // Where the runtime ends in the middle, its locks may outlive it in this process.
        directory = crash(directory.path());
        let lives = 1 + random.below(4);
        for _ in 0..lives {
            let seed = random.below(u64::MAX);
            println!("program {program}: a life with {seed}");
            time = life(directory.path(), time, async |system, clock| {
                steps(system, clock, seed, &model).await
            });
            directory = crash(directory.path());
            // The process is down for a while.
            time += Duration::from_millis(random.below(5_000));
        }
        life(directory.path(), time, async |system, clock| {
            check(system, clock, &model).await
        });
        let model = model.lock().unwrap();
        let acknowledged = model
            .iter()
            .filter(|expected| expected.acknowledged)
            .count();
        println!(
            "program {program}: {acknowledged} of {} steps acknowledged",
            model.len()
        );
    }
}
