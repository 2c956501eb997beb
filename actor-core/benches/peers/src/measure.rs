//! What is measured, the same for all.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::counting;

/// How often each figure is measured.
pub(crate) const RUNS: usize = 5;

const ASKS: usize = 200_000;
const CLIENTS: usize = 64;
const TELLS: u64 = 1_000_000;
const ACTORS: usize = 100_000;
const IDLE: usize = 10_000;

/// Actors of one framework: each adds up what it is sent.
pub(crate) trait Framework: Sized + Send + Sync + 'static {
    /// Whether an ask comes behind the tells that were made before it.
    const KEEPS_ORDER: bool = true;
    /// A handle to one of them.
    type Handle: Clone + Send + Sync + 'static;
    /// Prepares it.
    fn begin() -> impl Future<Output = Self> + Send;
    /// Starts an actor.
    fn spawn(&self, index: usize) -> impl Future<Output = Self::Handle> + Send;
    /// Adds, and waits for the sum.
    fn ask(handle: &Self::Handle, number: u64) -> impl Future<Output = u64> + Send;
    /// Adds, and does not wait.
    fn tell(handle: &Self::Handle, number: u64) -> impl Future<Output = ()> + Send;
    /// Ends an actor.
    fn stop(handle: Self::Handle) -> impl Future<Output = ()> + Send;
    /// Ends it all.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// What was measured: one value a run.
#[derive(Default)]
pub(crate) struct Figures {
    ask: Vec<f64>,
    ask_one: Vec<f64>,
    ask_many: Vec<f64>,
    tell: Vec<f64>,
    spawn: Vec<f64>,
    stop: Vec<f64>,
    idle: Vec<f64>,
    used: Vec<f64>,
    per_ask: Vec<f64>,
    per_tell: Vec<f64>,
}

/// Measures everything once.
pub(crate) async fn measure<F: Framework>(figures: &mut Figures) {
    // The clients are tasks, not the thread that waits for them.
    let measured = tokio::spawn(once::<F>());
    let values = measured.await.expect("nothing panics");
    let lists = [
        &mut figures.ask,
        &mut figures.ask_one,
        &mut figures.ask_many,
        &mut figures.tell,
        &mut figures.spawn,
        &mut figures.stop,
        &mut figures.idle,
        &mut figures.used,
        &mut figures.per_ask,
        &mut figures.per_tell,
    ];
    for (list, value) in lists.into_iter().zip(values) {
        list.push(value);
    }
}

async fn once<F: Framework>() -> [f64; 10] {
    let framework = F::begin().await;
    let one = framework.spawn(0).await;
    asks::<F>(std::slice::from_ref(&one), 1, ASKS / 10).await;
    let ask = asks::<F>(std::slice::from_ref(&one), 1, ASKS).await;
    let ask_one = asks::<F>(std::slice::from_ref(&one), CLIENTS, ASKS / CLIENTS).await;
    let mut many = Vec::new();
    for index in 0..CLIENTS {
        many.push(framework.spawn(1 + index).await);
    }
    let ask_many = asks::<F>(&many, CLIENTS, ASKS * 4 / CLIENTS).await;
    let before = F::ask(&one, 0).await;
    let began = Instant::now();
    for _ in 0..TELLS {
        F::tell(&one, 1).await;
    }
    let mut sum = F::ask(&one, 0).await;
    while !F::KEEPS_ORDER && sum < before + TELLS {
        sum = F::ask(&one, 0).await;
    }
    assert_eq!(
        sum,
        before + TELLS,
        "no tell is lost, and none is overtaken"
    );
    let tell = nanos(began.elapsed(), 1_000_000);

    let keys: Vec<usize> = (1_000..1_000 + ACTORS).collect();
    let mut actors = Vec::with_capacity(ACTORS);
    let began = Instant::now();
    for key in keys {
        actors.push(framework.spawn(key).await);
    }
    let spawn = nanos(began.elapsed(), ACTORS);
    let began = Instant::now();
    for actor in actors {
        F::stop(actor).await;
    }
    let stop = nanos(began.elapsed(), ACTORS);

    let mut idle = Vec::with_capacity(IDLE);
    counting::count(true);
    let (before, _) = counting::now();
    for index in 0..IDLE {
        idle.push(framework.spawn(500_000 + index).await);
    }
    let (after, _) = counting::now();
    for actor in &idle {
        F::ask(actor, 1).await;
    }
    let (used, _) = counting::now();
    let (_, begun) = counting::now();
    for _ in 0..IDLE {
        F::ask(&one, 1).await;
    }
    let (_, asked) = counting::now();
    for _ in 0..IDLE {
        F::tell(&one, 1).await;
    }
    F::ask(&one, 0).await;
    let (_, told) = counting::now();
    counting::count(false);
    let figures = [
        ask,
        ask_one,
        ask_many,
        tell,
        spawn,
        stop,
        each(after.wrapping_sub(before), IDLE),
        each(used.wrapping_sub(before), IDLE),
        each(asked - begun, IDLE),
        each(told - asked, IDLE),
    ];
    drop(idle);
    framework.end().await;
    figures
}

/// Nanoseconds for an ask, when as many clients ask as many actors, each its own.
async fn asks<F: Framework>(actors: &[F::Handle], clients: usize, count: usize) -> f64 {
    let began = Instant::now();
    let running: Vec<_> = (0..clients)
        .map(|index| {
            let actor = actors[index % actors.len()].clone();
            tokio::spawn(async move {
                for _ in 0..count {
                    F::ask(&actor, 0).await;
                }
            })
        })
        .collect();
    for client in running {
        client.await.expect("a client ends well");
    }
    nanos(began.elapsed(), clients * count)
}

#[allow(clippy::cast_precision_loss, reason = "the counts are small")]
fn nanos(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_secs_f64() * 1e9 / count as f64
}

#[allow(clippy::cast_precision_loss, reason = "the counts are small")]
fn each(total: usize, count: usize) -> f64 {
    total as f64 / count as f64
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Prints the table.
pub(crate) fn print(all: &[(&str, Figures)]) {
    println!(
        "| | ask, 1 client | ask, 64 on one | ask, 64 on 64 | tell | spawn | stop | bytes, idle | bytes, after an ask | allocations per ask / tell |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let floor = &all[0].1;
    for (name, figures) in all {
        let timed = |pick: fn(&Figures) -> &[f64]| {
            let (own, floor) = (median(pick(figures)), median(pick(floor)));
            format!("{own:.0} ({:.2})", own / floor)
        };
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} | {:.0} | {:.0} | {:.1} / {:.1} |",
            timed(|figures| &figures.ask),
            timed(|figures| &figures.ask_one),
            timed(|figures| &figures.ask_many),
            timed(|figures| &figures.tell),
            timed(|figures| &figures.spawn),
            timed(|figures| &figures.stop),
            median(&figures.idle),
            median(&figures.used),
            median(&figures.per_ask),
            median(&figures.per_tell),
        );
    }
    println!("\nns per operation, in brackets times the floor; {RUNS} runs, medians.");
}
