//! What a system leaves in its process: nothing after a start or a shutdown that failed, and nothing after it was dropped.

use std::path::Path;
use std::process::{Command, Stdio};

use actor_core::prelude::*;

use crate::support::{directory, start};

/// It never sleeps by itself.
#[derive(Actor)]
#[actor(name = "lingering", sleep_after = "never")]
pub(crate) struct Lingering {
    #[state]
    count: State<u64>,
}

#[actor]
impl Lingering {
    #[action]
    pub(crate) fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
        *self.count += more;
        Ok(*self.count)
    }
}

/// Starts a system as soon as the last one has given the directory up.
async fn start_when_free(path: &Path) -> System {
    loop {
        let started = System::builder()
            .data_dir(path)
            .register::<Lingering>()
            .start()
            .await;
        match started {
            Ok(system) => return system,
            Err(error) => assert_eq!(error.code(), "in_use"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_system_that_is_dropped_puts_its_actors_to_sleep_and_gives_the_directory_up() {
    let directory = directory();
    let system = start::<Lingering>(directory.path()).await;
    let lingering = system.create::<Lingering>("a", ()).await.unwrap();
    assert_eq!(lingering.add(1).await.unwrap(), 1);
    let clone = system.clone();
    drop(system);
    // Somebody has it yet.
    assert_eq!(lingering.add(1).await.unwrap(), 2);
    drop(clone);
    let second = start_when_free(directory.path()).await;
    let error = lingering.add(1).await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("system", "shut_down"));
    assert_eq!(second.get::<Lingering>("a").add(1).await.unwrap(), 3);
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_system_whose_shutdown_was_given_up_is_free_when_it_is_dropped() {
    let directory = directory();
    let system = start::<Lingering>(directory.path()).await;
    let lingering = system.create::<Lingering>("a", ()).await.unwrap();
    assert_eq!(lingering.add(1).await.unwrap(), 1);
    {
        let mut shutdown = std::pin::pin!(system.shutdown());
        let polled = std::future::poll_fn(|task| {
            std::task::Poll::Ready(shutdown.as_mut().poll(task).is_ready())
        });
        let _ = polled.await;
    }
    drop(system);
    let second = start_when_free(directory.path()).await;
    assert_eq!(second.get::<Lingering>("a").add(1).await.unwrap(), 2);
}

const DIRECTORY: &str = "DURABLE_ACTORS_CHILD_DIRECTORY";

/// Returns how many files this process has open, and how many threads of the store it has.
fn open() -> (usize, usize) {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    (
        files,
        // The coarse clock is the process's.
        names
            .filter(|name| name.starts_with("actor-") && name.trim() != "actor-pulse")
            .count(),
    )
}

/// Waits until as much is open as before.
async fn nothing_remains(before: (usize, usize), after: &str) {
    for _ in 0..10_000 {
        if open() == before {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!(
        "after {after}: {before:?} was open before, {:?} is now",
        open()
    );
}

/// The child: nobody else opens files in this process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run as a child of the other tests"]
async fn child() {
    let Ok(path) = std::env::var(DIRECTORY) else {
        return;
    };
    let path = Path::new(&path);
    let system = start::<Lingering>(path).await;
    system.create::<Lingering>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    drop(system);
    // Whatever the process opens once is open now.
    let system = start::<Lingering>(path).await;
    system.shutdown().await.unwrap();
    drop(system);
    // The threads of the log end behind the shutdown.
    let before = (open().0, 0);
    nothing_remains(before, "a shutdown").await;
    failed_starts(path, before).await;
    failed_shutdown(path, before).await;
    println!("all is well");
}

async fn failed_starts(path: &Path, before: (usize, usize)) {
    // Each stands in the way of another step.
    for blocked in ["lock", "_log", "lingering", "directory.db"] {
        let (place, aside) = (path.join(blocked), path.join("aside"));
        std::fs::rename(&place, &aside).unwrap();
        if blocked == "_log" || blocked == "lingering" {
            std::fs::write(&place, "in the way").unwrap();
        } else {
            std::fs::create_dir(&place).unwrap();
        }
        for _ in 0..3 {
            let builder = System::builder().data_dir(path).register::<Lingering>();
            let error = builder.start().await.unwrap_err();
            assert_eq!(error.code(), "io", "{blocked}: {error:?}");
        }
        nothing_remains(before, &format!("a start without {blocked}")).await;
        let _ = std::fs::remove_file(&place);
        let _ = std::fs::remove_dir(&place);
        std::fs::rename(&aside, &place).unwrap();
    }
}

async fn failed_shutdown(path: &Path, before: (usize, usize)) {
    let system = start::<Lingering>(path).await;
    let lingering = system.create::<Lingering>("b", ()).await.unwrap();
    assert_eq!(lingering.add(7).await.unwrap(), 7);
    // Its file is made when it sleeps, and cannot be.
    let place = path.join("lingering/k_b.db");
    std::fs::create_dir(&place).unwrap();
    let error = system.shutdown().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("store", "io"));
    drop((system, lingering));
    nothing_remains(before, "a shutdown that failed").await;
    std::fs::remove_dir(&place).unwrap();
    let system = start::<Lingering>(path).await;
    assert_eq!(system.get::<Lingering>("b").add(0).await.unwrap(), 7);
    system.shutdown().await.unwrap();
    drop(system);
    nothing_remains(before, "the start after it").await;
}

#[test]
#[cfg(target_os = "linux")]
fn starts_and_shutdowns_that_fail_leave_no_thread_and_no_open_file() {
    let directory = directory();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "ends_of_systems::child",
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("all is well"), "{said}\n{errors}");
}
