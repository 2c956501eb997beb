//! The same work on one SQLite file per actor, through rusqlite: what a careful program does without a framework.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::{Connection, params};

use crate::floors;
use crate::report::each;

/// More threads than processors, so that some have work while others wait for the disk.
const THREADS: usize = 64;

/// How many connections are kept open: each has two files, and a process may have 20,000 here.
const KEPT: usize = 5_000;

/// Seconds for one write when `actors` files are written in turn.
pub(crate) fn write(directory: &Path, actors: usize, count: usize) -> f64 {
    let files = Files::make(directory, actors);
    let is_kept = actors <= KEPT;
    let kept: Vec<Vec<Connection>> = files
        .shares()
        .map(|share| {
            if is_kept {
                share.iter().map(|path| open(path)).collect()
            } else {
                vec![]
            }
        })
        .collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (paths, connections) in files.shares().zip(kept) {
            let own = count / files.threads();
            scope.spawn(move || {
                for step in 0..own {
                    if is_kept {
                        write_once(&connections[step % connections.len()]);
                    } else {
                        write_once(&open(&paths[step % paths.len()]));
                    }
                }
            });
        }
    });
    each(began.elapsed(), count / files.threads() * files.threads())
}

/// Seconds for making a file with the tables and its first write.
pub(crate) fn create(directory: &Path, count: usize) -> f64 {
    let files = Files::named(directory, count);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for paths in files.shares() {
            scope.spawn(move || {
                for path in paths {
                    drop(floors::create(path, "FULL"));
                    write_once(&open(path));
                }
            });
        }
    });
    each(began.elapsed(), count)
}

/// Seconds for opening a file and reading a row.
pub(crate) fn wake(directory: &Path, count: usize) -> f64 {
    let files = Files::make(directory, count);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for paths in files.shares() {
            scope.spawn(move || {
                for path in paths {
                    let hits =
                        open(path).query_row("SELECT hits FROM counters WHERE id = 1", [], |row| {
                            row.get::<_, i64>(0)
                        });
                    assert_eq!(hits, Ok(0), "the row is there");
                }
            });
        }
    });
    each(began.elapsed(), count)
}

/// One UPDATE and one INSERT.
fn write_once(connection: &Connection) {
    let run = |sql: &str| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .expect("it runs");
    };
    run("BEGIN IMMEDIATE");
    run("UPDATE counters SET hits = hits + 1 WHERE id = 1");
    connection
        .prepare_cached("INSERT INTO log (hits, words) VALUES (?1, ?2)")
        .and_then(|mut statement| {
            statement.execute(params![1, "one of the many things that happened"])
        })
        .expect("it inserts");
    run("COMMIT");
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the file can be opened");
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE;")
        .expect("the settings apply");
    connection
}

/// The files of some actors, removed in the end.
struct Files {
    directory: PathBuf,
    paths: Vec<PathBuf>,
}

impl Files {
    fn named(directory: &Path, count: usize) -> Self {
        let directory = directory.join("rusqlite");
        fs::create_dir_all(&directory).expect("the directory can be made");
        let paths = (0..count)
            .map(|index| directory.join(format!("{index}.db")))
            .collect();
        Self { directory, paths }
    }

    /// Makes them with the tables and the first row.
    fn make(directory: &Path, count: usize) -> Self {
        let files = Self::named(directory, count);
        let template = files.directory.join("template");
        drop(floors::create(&template, "FULL"));
        for path in &files.paths {
            fs::copy(&template, path).expect("the file can be copied");
        }
        files
    }

    fn threads(&self) -> usize {
        THREADS.min(self.paths.len())
    }

    /// Returns the files of each thread.
    fn shares(&self) -> impl Iterator<Item = &[PathBuf]> {
        self.paths.chunks(self.paths.len().div_ceil(self.threads()))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
