//! Who waits for a message of a queue, or for a reply to one, is told when nothing can come any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Job, QueueError, Status, Subscription, Watch};
use tokio::task::JoinHandle;

use crate::support::{directory, pass, settle, start};

/// Has a queue from which nobody takes but the tests.
#[derive(Actor)]
#[actor(name = "depot", sleep_after = "5s", restarts = 0)]
struct Depot {
    #[vars]
    fails: bool,
}

/// Said by nobody.
#[derive(Clone, Debug, PartialEq, Eq, Event)]
struct Said;

#[actor]
impl Depot {
    #[queue(tries = 2)]
    fn crates(weight: u32) -> u32 {}

    #[on_wake]
    fn woke(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let fails = cx.system().extension::<AtomicBool>();
        let fails = fails.is_some_and(|fails| fails.load(Ordering::SeqCst));
        self.fails = fails;
        if fails {
            return Err(Failure::message("the depot is closed"));
        }
        Ok(())
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }

    #[action]
    fn look(&self, _cx: &mut Context<'_, Self>) -> Result<bool> {
        Ok(self.fails)
    }
}

type Crate = Job<Depot, u32, u32>;

/// One who waits in each way in which one can, and who waits for a reply.
struct Waiters {
    next: JoinHandle<Result<Crate, CallError>>,
    batch: JoinHandle<Result<Vec<Crate>, CallError>>,
    reply: JoinHandle<Result<u32, CallError>>,
}

impl Waiters {
    /// Returns the codes of the errors that the three get without any time that passes.
    async fn codes(self) -> [String; 3] {
        let Self { next, batch, reply } = self;
        let began = tokio::time::Instant::now();
        let code = |error: CallError| format!("{}/{}", error.group(), error.code());
        let next = next.await.unwrap().map(|_| ()).unwrap_err();
        let batch = batch.await.unwrap().map(|_| ()).unwrap_err();
        let codes = [next, batch, reply.await.unwrap().unwrap_err()].map(code);
        assert_eq!(began.elapsed(), Duration::ZERO);
        codes
    }
}

fn all(code: &str) -> [String; 3] {
    [(); 3].map(|()| code.to_owned())
}

/// Waits, with nothing for the taking but what a reply is waited for.
async fn wait_with_a_message_taken(system: &System) -> Waiters {
    let depot = system.get_or_create::<Depot>("a", ());
    let waiters = {
        let reply = depot.clone();
        let reply = tokio::spawn(async move { reply.crates().send_and_wait(1).await });
        let job = depot.crates().next().await.unwrap();
        assert_eq!(*job.message(), 1);
        let (next, batch) = (depot.clone(), depot.clone());
        Waiters {
            next: tokio::spawn(async move { next.crates().next().await }),
            batch: tokio::spawn(async move { batch.crates().next_batch(7).await }),
            reply,
        }
    };
    settle().await;
    waiters
}

#[tokio::test(start_paused = true)]
async fn a_destruction_is_told_to_all_who_wait_also_if_the_key_is_used_again() {
    let directory = directory();
    let system = start::<Depot>(directory.path()).await;
    let waiters = wait_with_a_message_taken(&system).await;
    let depot = system.get_or_create::<Depot>("a", ());
    depot.destroy().await.unwrap();
    // Another actor of the key, with a message that is not for those who waited before.
    depot.crates().push(2).await.unwrap();
    assert_eq!(waiters.codes().await, all("actor/not_found"));
    let job = depot.crates().next().await.unwrap();
    assert_eq!((*job.message(), job.tries()), (2, 1));
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_destruction_of_an_actor_that_sleeps_is_told_too() {
    let directory = directory();
    let system = start::<Depot>(directory.path()).await;
    let waiters = wait_with_a_message_taken(&system).await;
    let depot = system.get::<Depot>("a");
    depot.sleep().await.unwrap();
    assert_eq!(depot.status(), Status::Asleep);
    depot.destroy().await.unwrap();
    assert_eq!(waiters.codes().await, all("actor/not_found"));
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_told_to_all_who_wait() {
    let directory = directory();
    let system = start::<Depot>(directory.path()).await;
    let waiters = wait_with_a_message_taken(&system).await;
    let depot = system.get::<Depot>("a");
    let mut watch: Watch = depot.watch().unwrap();
    let mut said: Subscription<Said> = depot.subscribe().unwrap();
    system.shutdown().await.unwrap();
    assert_eq!(waiters.codes().await, all("system/shut_down"));
    // So are those who watch and listen.
    while watch.next().await.is_some() {}
    assert_eq!(said.next().await, None);
    let late = depot.crates().next().await.map(|_| ()).unwrap_err();
    assert_eq!(late.code(), "shut_down");
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_given_up_or_does_not_start_is_waited_for() {
    let directory = directory();
    let fails = AtomicBool::new(false);
    let builder = System::builder().data_dir(directory.path());
    let system = builder.extension(fails).register::<Depot>();
    let system = system.start().await.unwrap();
    let waiters = wait_with_a_message_taken(&system).await;
    let depot = system.get::<Depot>("a");
    let error = depot.explode().await.unwrap_err();
    assert_eq!(error.code(), "action_panicked");
    while depot.status() != Status::Failed {
        settle().await;
    }
    let fails = system.extension::<AtomicBool>().unwrap();
    fails.store(true, Ordering::SeqCst);
    assert_eq!(depot.restart().await.unwrap_err().code(), "hook_failed");
    settle().await;
    assert!(!waiters.next.is_finished() && !waiters.batch.is_finished());
    fails.store(false, Ordering::SeqCst);
    pass(Duration::from_secs(1)).await;
    depot.crates().push(2).await.unwrap();
    depot.crates().push(3).await.unwrap();
    let job = waiters.next.await.unwrap().unwrap();
    assert_eq!((*job.message(), job.tries()), (2, 1));
    let jobs = waiters.batch.await.unwrap().unwrap();
    assert_eq!(*jobs[0].message(), 3);
    system.shutdown().await.unwrap();
    let error = waiters.reply.await.unwrap().unwrap_err();
    assert_eq!(error.code(), "shut_down");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_becomes_a_dead_letter_is_told_to_who_waits_for_its_reply() {
    let directory = directory();
    let system = start::<Depot>(directory.path()).await;
    let depot = system.get_or_create::<Depot>("a", ());
    let waits = depot.clone();
    let reply = tokio::spawn(async move { waits.crates().send_and_wait(1).await });
    for tries in 1..=2 {
        let job = depot.crates().next().await.unwrap();
        assert_eq!(job.tries(), tries);
        assert!(job.nack(Duration::ZERO).await.unwrap());
    }
    // Whoever looks next buries it.
    assert!(depot.crates().try_next().await.unwrap().is_none());
    let error = reply.await.unwrap().unwrap_err();
    let CallError::Queue(QueueError::DeadLetter { queue, reason }) = &error else {
        panic!("another error: {error}");
    };
    assert_eq!((*queue, reason.as_str()), ("crates", "it was given back"));
    assert_eq!((error.group(), error.code()), ("queue", "dead_letter"));
    assert_eq!(depot.dead_letters().await.unwrap().len(), 1);
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn waiters_survive_a_sleep_and_a_crash_from_which_the_actor_starts_again() {
    let directory = directory();
    let system = start::<Patient>(directory.path()).await;
    let patient = system.get_or_create::<Patient>("a", ());
    let waits = patient.clone();
    let next = tokio::spawn(async move { waits.pills().next().await.map(|job| *job.message()) });
    settle().await;
    patient.sleep().await.unwrap();
    assert_eq!(
        patient.explode().await.unwrap_err().code(),
        "action_panicked"
    );
    patient.pills().push(5).await.unwrap();
    assert_eq!(next.await.unwrap().unwrap(), 5);
    system.shutdown().await.unwrap();
}

/// Starts again when it crashes.
#[derive(Actor)]
#[actor(name = "outpatient")]
struct Patient {}

#[actor]
impl Patient {
    #[queue]
    fn pills(pill: u32) {}

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// The end of the runtime ends the system.
#[test]
fn the_end_of_the_runtime_is_told_to_who_waits_in_another() {
    let directory = directory();
    let outer = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let inner = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let path = directory.path().to_owned();
    let system = inner.block_on(async move { start::<Patient>(&path).await });
    let patient = system.get_or_create::<Patient>("a", ());
    let next = outer.spawn(async move { patient.pills().next().await.map(|_| ()) });
    // Until it waits, which nobody else sees.
    let patient = system.get::<Patient>("a");
    while patient.status() != Status::Awake {
        std::thread::yield_now();
    }
    drop(inner);
    let error = outer.block_on(next).unwrap().unwrap_err();
    assert_eq!(error.code(), "shut_down");
}
