//! Random schedules of calls, errors, panics, timeouts, sleeps and destructions against a model in memory.

use std::collections::BTreeMap;

use actor_core::Status;
use actor_core::prelude::*;

use crate::support::{Random, directory, start};
use crate::tally::{End, Sum, Tally};

/// How many steps; the same for every seed.
const STEPS: u64 = 10_000;

/// What one actor should hold.
#[derive(Clone, Debug, Default)]
struct Model {
    numbers: Vec<i64>,
}

impl Model {
    fn sum(&self) -> Sum {
        Sum {
            count: i64::try_from(self.numbers.len()).unwrap(),
            total: self.numbers.iter().sum(),
        }
    }

    /// Returns what a call should answer, and does it if it should succeed.
    fn add(&mut self, number: i64, end: End, slowly: bool) -> Result<Sum, &'static str> {
        let overruns = slowly && end == End::Overruns;
        match end {
            _ if self.numbers.contains(&number) => Err("action_failed"),
            End::Overruns if overruns => Err("action_timed_out"),
            End::Fails => Err("action_failed"),
            End::Panics => Err("action_panicked"),
            End::Well | End::Overruns => {
                self.numbers.push(number);
                Ok(self.sum())
            }
        }
    }
}

fn code<T>(result: std::result::Result<T, CallError>) -> Result<T, &'static str> {
    result.map_err(|error| error.code())
}

fn end(random: &mut Random) -> End {
    match random.below(10) {
        0 => End::Fails,
        1 => End::Panics,
        2 => End::Overruns,
        _ => End::Well,
    }
}

/// Does one step with one actor, and holds what it answers against the model.
async fn step(
    system: &System,
    random: &mut Random,
    models: &mut BTreeMap<String, Model>,
    number: i64,
) {
    let name = format!("m{}", random.below(6));
    let tally = system.get_or_create::<Tally>(&name, ());
    match random.below(20) {
        0 => {
            let existed = models.remove(&name).is_some();
            let expected = if existed { Ok(()) } else { Err("not_found") };
            assert_eq!(code(tally.destroy().await), expected);
        }
        1 | 2 => tally.sleep().await.unwrap(),
        3 => {
            let expected = match models.get(&name) {
                Some(model) => Ok((model.numbers.clone(), model.sum())),
                None => Err("not_found"),
            };
            assert_eq!(code(system.get::<Tally>(&name).read().await), expected);
        }
        4 => {
            let existed = models.contains_key(&name);
            let created = code(system.create::<Tally>(&name, ()).await.map(drop));
            let expected = if existed {
                Err("already_exists")
            } else {
                Ok(())
            };
            assert_eq!(created, expected);
            models.entry(name).or_default();
        }
        5..9 => {
            let (number, end) = (repeated(random, number), end(random));
            let expected = models.entry(name).or_default().add(number, end, true);
            assert_eq!(code(tally.add_slowly(number, end).await), expected);
        }
        9..13 => {
            let (number, end) = (repeated(random, number), end(random));
            let expected = models.entry(name).or_default().add(number, end, false);
            assert_eq!(code(tally.add(number, end).await), expected);
        }
        _ => several(&tally, random, models.entry(name).or_default(), number).await,
    }
    // The schedule panics more often than an actor may. One step alone does not.
    if tally.info().crashes > 0 && tally.status() != Status::Asleep {
        tally.restart().await.unwrap();
    }
}

/// Now and then a number that may be there already, which the table refuses.
fn repeated(random: &mut Random, number: i64) -> i64 {
    if random.below(8) == 0 {
        number - 40
    } else {
        number
    }
}

/// Makes several calls at once, which share a transaction where they can.
async fn several(
    tally: &crate::tally::TallyHandle,
    random: &mut Random,
    model: &mut Model,
    number: i64,
) {
    let plan: Vec<(i64, End, bool)> = (0..4)
        .map(|n| {
            (
                number + 10_000_000 * (n + 1),
                end(random),
                random.below(4) == 0,
            )
        })
        .collect();
    let call = |n: usize| {
        let (number, end, slowly) = plan[n];
        async move {
            if slowly {
                code(tally.add_slowly(number, end).await)
            } else {
                code(tally.add(number, end).await)
            }
        }
    };
    // Polled in this order, so sent in this order.
    let (a, b, c, d) = tokio::join!(biased; call(0), call(1), call(2), call(3));
    for ((number, end, slowly), answer) in plan.iter().copied().zip([a, b, c, d]) {
        assert_eq!(
            answer,
            model.add(number, end, slowly),
            "{number} {end:?} {slowly}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn random_schedules_do_what_the_model_says() {
    let seed = std::env::var("SEED").map_or(20_261_123, |text| text.parse().unwrap());
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let directory = directory();
    let mut models = BTreeMap::new();
    let mut system = start::<Tally>(directory.path()).await;
    for number in 0..STEPS {
        let number = i64::try_from(number).unwrap();
        step(&system, &mut random, &mut models, number).await;
        if random.below(500) == 0 {
            system.shutdown().await.unwrap();
            system = start::<Tally>(directory.path()).await;
        }
    }
    let listed = crate::support::keys::<Tally>(&system).await;
    let expected: Vec<_> = models.keys().cloned().collect();
    assert_eq!(listed, expected);
    for (name, model) in &models {
        let found = system.get::<Tally>(name).read().await.unwrap();
        assert_eq!(found, (model.numbers.clone(), model.sum()), "{name}");
    }
}
