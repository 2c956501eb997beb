//! Asks that write nothing.

use std::path::Path;
use std::time::Instant;

use actor_core::Durability;
use tokio::sync::{mpsc, oneshot};

use crate::actor::{Bench, BenchHandle, system};
use crate::floors;
use crate::report::{RUNS, Report, each, median};

const ASKS: usize = 20_000;
const CLIENTS: usize = 64;

pub(crate) async fn measure(directory: &Path, report: &mut Report) {
    let system = system(directory, "messages", Durability::Synced).await;
    let bench = system.get_or_create::<Bench>("one", ());
    bench.write().await.expect("it writes");
    let mut connection = floors::create(&directory.join("messages.db"), "FULL");
    let (mut raw, mut one, mut raw_many, mut many, mut floor_read, mut read) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        raw.push(raw_asks(1, ASKS).await);
        one.push(asks(&bench, 1, ASKS).await);
        raw_many.push(raw_asks(CLIENTS, ASKS / CLIENTS * 4).await);
        many.push(asks(&bench, CLIENTS, ASKS / CLIENTS * 4).await);
        floor_read.push(floors::read(&mut connection, ASKS / 4));
        read.push(reads(&bench, ASKS / 4).await);
    }
    let channel = "tokio mpsc and oneshot";
    report.time(
        "ask, no database, 1 client",
        median(one),
        median(raw),
        channel,
    );
    let name = "ask, no database, 64 clients of one actor";
    report.time(name, median(many), median(raw_many), channel);
    let statement = "the same SELECT in a transaction, on a plain Diesel connection";
    report.time(
        "ask, one SELECT, 1 client",
        median(read),
        median(floor_read),
        statement,
    );
    system.shutdown().await.expect("it shuts down");
}

/// Seconds for one ask.
async fn asks(bench: &BenchHandle, clients: usize, count: usize) -> f64 {
    let began = Instant::now();
    let clients_running: Vec<_> = (0..clients)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for number in 0..count as u64 {
                    assert_eq!(bench.ping(number).await.expect("it answers"), number);
                }
            })
        })
        .collect();
    for client in clients_running {
        client.await.expect("a client ends well");
    }
    each(began.elapsed(), clients * count)
}

async fn reads(bench: &BenchHandle, count: usize) -> f64 {
    let bench = bench.clone();
    let client = tokio::spawn(async move {
        let began = Instant::now();
        for _ in 0..count {
            bench.read().await.expect("it answers");
        }
        each(began.elapsed(), count)
    });
    client.await.expect("the client ends well")
}

/// Seconds for one message through a channel and its reply through another.
async fn raw_asks(clients: usize, count: usize) -> f64 {
    let (sender, mut receiver) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(1_024);
    let server = tokio::spawn(async move {
        while let Some((number, reply)) = receiver.recv().await {
            let _ = reply.send(number);
        }
    });
    let began = Instant::now();
    let clients_running: Vec<_> = (0..clients)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for number in 0..count as u64 {
                    let (reply, answer) = oneshot::channel();
                    sender
                        .send((number, reply))
                        .await
                        .expect("the server is there");
                    assert_eq!(answer.await.expect("it answers"), number);
                }
            })
        })
        .collect();
    for client in clients_running {
        client.await.expect("a client ends well");
    }
    let seconds = each(began.elapsed(), clients * count);
    drop(sender);
    server.await.expect("the server ends well");
    seconds
}
