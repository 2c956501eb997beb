//! Creating and waking.

use std::path::Path;
use std::time::Instant;

use actor_core::{Durability, System};

use crate::actor::{self, Bench, Fifty, system};
use crate::floors;
use crate::report::{RUNS, Report, each, median};

const ACTORS: usize = 40;

pub(crate) async fn measure(directory: &Path, report: &mut Report) {
    let system = system(directory, "lifecycle", Durability::Synced).await;
    let (mut floor_create, mut create, mut floor_wake, mut wake) = (vec![], vec![], vec![], vec![]);
    let (mut floor_fifty, mut fifty) = (vec![], vec![]);
    for run in 0..RUNS {
        let path = |index| directory.join(format!("lifecycle-{run}-{index}.db"));
        let began = Instant::now();
        let open: Vec<_> = (0..ACTORS)
            .map(|index| floors::create(&path(index), "FULL"))
            .collect();
        floor_create.push(each(began.elapsed(), ACTORS));
        drop(open);

        let began = Instant::now();
        let mut handles = Vec::new();
        for index in 0..ACTORS {
            let created = system.create::<Bench>(format!("{run}-{index}"), ()).await;
            handles.push(created.expect("the key is free"));
        }
        create.push(each(began.elapsed(), ACTORS));
        for bench in &handles {
            bench.sleep().await.expect("it sleeps");
        }

        let (floor, measured) = create_fifty(directory, run, &system).await;
        floor_fifty.push(floor);
        fifty.push(measured);

        let began = Instant::now();
        let open: Vec<_> = (0..ACTORS)
            .map(|index| {
                let mut connection = floors::open(&path(index), "FULL");
                actor::read(&mut connection).expect("the row is there");
                connection
            })
            .collect();
        floor_wake.push(each(began.elapsed(), ACTORS));
        drop(open);

        let began = Instant::now();
        for bench in &handles {
            bench.read().await.expect("it answers");
        }
        wake.push(each(began.elapsed(), ACTORS));
        for bench in &handles {
            bench.sleep().await.expect("it sleeps");
        }
    }
    let what = "SQLite opened, 3 migrations through `diesel_migrations`, one INSERT";
    report.time(
        "create with 3 migrations",
        median(create),
        median(floor_create),
        what,
    );
    let what = "SQLite opened, 50 migrations through `diesel_migrations`, one INSERT";
    report.time(
        "create with 50 migrations",
        median(fifty),
        median(floor_fifty),
        what,
    );
    let what = "SQLite opened, the same SELECT";
    report.time(
        "wake and one SELECT",
        median(wake),
        median(floor_wake),
        what,
    );
    system.shutdown().await.expect("it shuts down");
}

/// Creates actors with fifty migrations. Returns the seconds for one: without the framework, and with it.
async fn create_fifty(directory: &Path, run: usize, system: &System) -> (f64, f64) {
    let path = |index| directory.join(format!("fifty-{run}-{index}.db"));
    let began = Instant::now();
    let open: Vec<_> = (0..ACTORS)
        .map(|index| floors::migrate(&path(index), "FULL", floors::FIFTY))
        .collect();
    let floor = each(began.elapsed(), ACTORS);
    drop(open);

    let began = Instant::now();
    let mut handles = Vec::new();
    for index in 0..ACTORS {
        let created = system.create::<Fifty>(format!("{run}-{index}"), ()).await;
        handles.push(created.expect("the key is free"));
    }
    let measured = each(began.elapsed(), ACTORS);
    for fifty in &handles {
        fifty.sleep().await.expect("it sleeps");
    }
    (floor, measured)
}
