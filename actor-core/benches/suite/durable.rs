//! Asks that write, each safe from a power cut before its reply.

use std::path::Path;
use std::time::Instant;

use actor_core::Durability;

use crate::actor::{Bench, BenchHandle, system};
use crate::floors;
use crate::report::{RUNS, Report, each, median};

const WRITES: usize = 400;
const MANY: usize = 64;
const WRITES_OF_MANY: usize = 30;

pub(crate) async fn measure(directory: &Path, report: &mut Report) {
    let synced = system(directory, "synced", Durability::Synced).await;
    let process = system(directory, "process", Durability::Process).await;
    let one = synced.get_or_create::<Bench>("one", ());
    let quick = process.get_or_create::<Bench>("one", ());
    let many: Vec<_> = (0..MANY)
        .map(|index| synced.get_or_create::<Bench>(format!("many-{index}"), ()))
        .collect();
    // All of them exist and have their log before anything is timed.
    writes(&many, 1).await;
    writes(std::slice::from_ref(&quick), 1).await;
    let mut full = floors::create(&directory.join("full.db"), "FULL");
    let mut normal = floors::create(&directory.join("normal.db"), "NORMAL");
    let mut runs: [Vec<f64>; 8] = Default::default();
    for _ in 0..RUNS {
        let figures = [
            floors::sync(&directory.join("sync"), WRITES),
            floors::write(&mut full, WRITES),
            writes(std::slice::from_ref(&one), WRITES).await,
            writes(&vec![one.clone(); MANY], WRITES_OF_MANY).await,
            floors::write_many(directory, MANY, WRITES_OF_MANY),
            writes(&many, WRITES_OF_MANY).await,
            floors::write(&mut normal, WRITES * 5),
            writes(std::slice::from_ref(&quick), WRITES * 5).await,
        ];
        for (run, figure) in runs.iter_mut().zip(figures) {
            run.push(figure);
        }
    }
    let [sync, full, one, shared, threads, many, normal, quick] = runs.map(median);
    let statement = "the same transaction on a plain Diesel connection, `synchronous = FULL`";
    report.time("write, 1 client", one, full, statement);
    report.time(
        "write, 1 client",
        one,
        sync,
        "4 KiB appended to a file and `fdatasync`",
    );
    report.rate("write, 64 clients of one actor", shared, full, statement);
    let each_own = "64 threads, each with its own connection and file, `synchronous = FULL`";
    report.rate("write, 64 clients of 64 actors", many, threads, each_own);
    let statement = "the same transaction on a plain Diesel connection, `synchronous = NORMAL`";
    report.time(
        "write, 1 client, `Durability::Process`",
        quick,
        normal,
        statement,
    );
    synced.shutdown().await.expect("it shuts down");
    process.shutdown().await.expect("it shuts down");
}

/// Seconds for one write, with one client for each handle.
async fn writes(handles: &[BenchHandle], count: usize) -> f64 {
    let began = Instant::now();
    let clients: Vec<_> = handles
        .iter()
        .cloned()
        .map(|bench| {
            tokio::spawn(async move {
                for _ in 0..count {
                    bench.write().await.expect("it writes");
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client ends well");
    }
    each(began.elapsed(), handles.len() * count)
}
