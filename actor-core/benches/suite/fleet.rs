//! Many actors: writes from many clients, creating, waking, and what an awake one takes.

use std::path::Path;
use std::time::Instant;

use actor_core::Durability;

use crate::actor::{Bench, BenchHandle, system};
use crate::floors;
use crate::memory::Usage;
use crate::report::{RUNS, Report, each, median};
use crate::rusqlite;

const CLIENTS: usize = 256;
const WRITES: usize = 40_000;
const RUSQLITE: &str =
    "rusqlite, one file per actor, a thread for each up to 64, `synchronous = FULL`";

pub(crate) async fn measure(directory: &Path, report: &mut Report) {
    let fleet = system(directory, "fleet", Durability::Synced).await;
    let handles = |count: usize| -> Vec<BenchHandle> {
        (0..count)
            .map(|index| fleet.get_or_create::<Bench>(format!("f{index}"), ()))
            .collect()
    };
    let floor = floors::sync(&directory.join("fleet-sync"), 400);
    let began = Instant::now();
    spread(&handles(10_000), 10_000, |bench| async move {
        bench.write().await.expect("it is created and writes");
    })
    .await;
    let (name, created) = (
        "create and write, 256 clients, 10,000 actors",
        each(began.elapsed(), 10_000),
    );
    let what = "4 KiB appended to a file and `fdatasync`";
    report.rate(name, created, floor, what);
    report.rate(name, created, rusqlite::create(directory, 1_000), RUSQLITE);
    for (clients, actors) in [
        (32, 1),
        (CLIENTS, 1),
        (CLIENTS, 100),
        (CLIENTS, 1_000),
        (CLIENTS, 10_000),
    ] {
        let handles = handles(actors);
        let (mut runs, mut floors, mut plain) = (vec![], vec![], vec![]);
        for run in 0..RUNS {
            plain.push(rusqlite::write(directory, actors, 4_000));
            floors.push(floors::sync(
                &directory.join(format!("fleet-sync-{run}")),
                200,
            ));
            let began = Instant::now();
            write(&handles, clients, WRITES).await;
            runs.push(each(began.elapsed(), WRITES));
        }
        let name = format!("write, {clients} clients of {actors} actors");
        let written = median(runs);
        report.rate(&name, written, median(floors), what);
        report.rate(&name, written, median(plain), RUSQLITE);
    }
    fleet.shutdown().await.expect("it shuts down");
    drop(fleet);
    wake(directory, report).await;
    if std::env::var_os("BENCH_LARGE").is_some() {
        large(directory, report).await;
    }
}

/// Writes from so many clients, each to actors in turn.
async fn write(handles: &[BenchHandle], clients: usize, count: usize) {
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let own: Vec<_> = (0..)
                .map(|step| (client + step * clients) % handles.len())
                .take((handles.len() / clients).max(1))
                .map(|index| handles[index].clone())
                .collect();
            tokio::spawn(async move {
                for step in 0..count / clients {
                    own[step % own.len()].write().await.expect("it writes");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a client ends well");
    }
}

/// Does something once for each of `count` handles, from many clients.
async fn spread<F: Future<Output = ()> + Send + 'static>(
    handles: &[BenchHandle],
    count: usize,
    run: impl Fn(BenchHandle) -> F + Copy + Send + Sync + 'static,
) {
    let tasks: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let own: Vec<_> = handles[..count]
                .iter()
                .skip(client)
                .step_by(CLIENTS)
                .cloned()
                .collect();
            tokio::spawn(async move {
                for bench in own {
                    run(bench).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a client ends well");
    }
}

async fn wake(directory: &Path, report: &mut Report) {
    let (mut runs, mut floors) = (vec![], vec![]);
    let mut usage = None;
    for _ in 0..RUNS {
        let fleet = system(directory, "fleet", Durability::Synced).await;
        let before = Usage::now();
        let handles: Vec<_> = (0..10_000)
            .map(|index| fleet.get::<Bench>(format!("f{index}")))
            .collect();
        let began = Instant::now();
        spread(&handles, 10_000, |bench| async move {
            bench.read().await.expect("it is there");
        })
        .await;
        runs.push(each(began.elapsed(), 10_000));
        // All of their pages are in their files.
        drop(handles);
        usage = Some(Usage::now().since(before, 10_000));
        fleet.shutdown().await.expect("it shuts down");
        let path = directory.join("fleet").join("bench");
        let began = Instant::now();
        for index in 0..1_000 {
            floors::read_once(&path.join(format!("k_f{index}.db")));
        }
        floors.push(each(began.elapsed(), 1_000));
    }
    let what = "a plain Diesel connection opened for the same SELECT, one after the other";
    let (name, woken) = ("wake and read, 256 clients, 10,000 actors", median(runs));
    report.rate(name, woken, median(floors), what);
    report.rate(name, woken, rusqlite::wake(directory, 2_000), RUSQLITE);
    let usage = usage.expect("there was a run");
    let what = "a tokio task and a channel";
    report.bytes(
        "Rust's heap, awake idle actor without dirty pages",
        usage.heap,
        1_064.0,
        what,
    );
    report.bytes(
        "resident, awake idle actor without dirty pages",
        usage.resident,
        1_064.0,
        what,
    );
}

/// A hundred thousand awake actors, each with the pages that its creation has changed.
async fn large(directory: &Path, report: &mut Report) {
    const MANY: usize = 100_000;
    let fleet = system(directory, "large", Durability::Synced).await;
    let before = Usage::now();
    let handles: Vec<_> = (0..MANY)
        .map(|index| fleet.get_or_create::<Bench>(format!("i{index}"), ()))
        .collect();
    let began = Instant::now();
    spread(&handles, MANY, |bench| async move {
        bench.ping(1).await.expect("it is created");
    })
    .await;
    let created = each(began.elapsed(), MANY);
    drop(handles);
    let usage = Usage::now().since(before, MANY);
    let what = "a tokio task and a channel";
    report.rate(
        "create, 256 clients, 100,000 actors",
        created,
        1e-4,
        "10,000 a second",
    );
    report.bytes(
        "Rust's heap, each of 100,000 awake actors",
        usage.heap,
        1_064.0,
        what,
    );
    report.bytes(
        "resident, each of 100,000 awake actors",
        usage.resident,
        1_064.0,
        what,
    );
    fleet.shutdown().await.expect("it shuts down");
}
