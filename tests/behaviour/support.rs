//! What the tests share: a log that actors write, faults that they obey, and a system in a temporary directory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{Builder, Key};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    /// Takes what happened since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// What a hook should do instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Fail,
    Panic,
    Hang,
}

/// What goes wrong where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<HashMap<&'static str, Fault>>>);

impl Faults {
    pub(crate) fn set(&self, place: &'static str, fault: Fault) {
        self.0.lock().unwrap().insert(place, fault);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    fn at(&self, place: &str) -> Option<Fault> {
        self.0.lock().unwrap().get(place).copied()
    }
}

/// An error of the user's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is broken", self.0)
    }
}

impl std::error::Error for Broken {}

/// Obeys the fault that is set for a place, and logs that the place was reached.
pub(crate) async fn reach(system: &System, place: &'static str) -> Result<()> {
    if let Some(log) = system.extension::<Log>() {
        log.push(place);
    }
    match system
        .extension::<Faults>()
        .and_then(|faults| faults.at(place))
    {
        None => Ok(()),
        Some(Fault::Fail) => Err(Broken(place).into()),
        Some(Fault::Panic) => panic!("{place} panics"),
        Some(Fault::Hang) => std::future::pending().await,
    }
}

/// Begins a system with a log and faults.
pub(crate) fn builder(directory: &Path, log: &Log, faults: &Faults) -> Builder {
    System::builder()
        .data_dir(directory)
        .extension(log.clone())
        .extension(faults.clone())
}

/// Starts a system of one type of actor.
pub(crate) async fn start<A: actor_core::Handlers>(directory: &Path) -> System {
    System::builder()
        .data_dir(directory)
        .register::<A>()
        .start()
        .await
        .unwrap()
}

/// A directory that is removed at the end of the test.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Returns the names of the files of one type of actor, sorted.
pub(crate) fn files(directory: &Path, actor: &str) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(directory.join(actor))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Lists the keys of one type of actor.
pub(crate) async fn keys<A: actor_core::Handlers>(system: &System) -> Vec<String> {
    let listed = system.list::<A>(None, 1_000).await.unwrap();
    listed.iter().map(|actor| actor.key.to_string()).collect()
}

/// Lets every task that can run do so, with the clock standing still.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Lets the paused clock run for a while.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Makes a key of one part.
pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// Copies a data directory that is in use: what the end of the process would leave.
pub(crate) fn crash(from: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            if path.is_dir() {
                std::fs::create_dir(to.join(name)).unwrap();
                copy(&path, &to.join(name));
            } else if name != "lock" {
                std::fs::copy(&path, to.join(name)).unwrap();
            }
        }
    }
    let to = directory();
    copy(from, to.path());
    to
}

/// Runs SQL in the database of a sleeping actor, as another tool would.
pub(crate) fn tamper(directory: &Path, file: &str, sql: &str) {
    use diesel::connection::{Connection as _, SimpleConnection as _};
    let path = directory.join(file);
    let mut connection =
        diesel::sqlite::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

/// Counts the rows of a table in the database of a sleeping actor.
pub(crate) fn count(directory: &Path, file: &str, table: &str) -> i64 {
    number(directory, file, &format!("(SELECT count(*) FROM {table})"))
}

/// Reads one number from the database of a sleeping actor.
pub(crate) fn number(directory: &Path, file: &str, expression: &str) -> i64 {
    use diesel::RunQueryDsl as _;
    use diesel::connection::Connection as _;
    let path = directory.join(file);
    let mut connection =
        diesel::sqlite::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(expression))
        .get_result(&mut connection)
        .unwrap()
}

/// Random numbers that a seed determines (`SplitMix64`).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 up to, but not including, `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
