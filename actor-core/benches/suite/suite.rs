//! What the framework costs. Each figure is the median of several runs and stands beside its floor, which the same process
//! measured right before it: disks and machines differ, and the same one differs from minute to minute.

mod actor;
mod durable;
mod fleet;
mod floors;
mod lifecycle;
mod memory;
mod messages;
mod report;
mod rusqlite;

use std::path::PathBuf;

use report::Report;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

fn main() {
    let directory = std::env::args_os().nth(1);
    let directory = directory.map_or_else(|| PathBuf::from("target/bench-data"), PathBuf::from);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("the directory of the data can be made");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let mut report = Report::begin();
    runtime.block_on(async {
        if std::env::var_os("BENCH_FLEET").is_none() {
            messages::measure(&directory, &mut report).await;
            durable::measure(&directory, &mut report).await;
            lifecycle::measure(&directory, &mut report).await;
            memory::measure(&directory, &mut report).await;
        }
        fleet::measure(&directory, &mut report).await;
    });
    drop(runtime);
    let _ = std::fs::remove_dir_all(&directory);
    report.end();
}
