//! Queues: in order, at least once, acknowledged with their effect or not at all.

use std::path::Path;
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Clock, DeadLetterKind, QueueError, Receipt, Status};
use diesel::prelude::*;

use crate::alarm::noon;
use crate::support::{Fault, Faults, Log, builder, directory, pass, reach, tamper};

actor_core::schema! { mod schema = "migrations/worker"; }

use schema::done;

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Task {
    text: String,
    cost: u32,
}

pub(crate) fn task(text: &str) -> Task {
    Task {
        text: text.to_owned(),
        cost: 1,
    }
}

/// Works on what is in its queue, beside its actor.
#[derive(Actor)]
#[actor(name = "worker", sleep_after = "30s")]
pub(crate) struct Worker {
    #[state]
    starts: State<u32>,
}

#[actor]
impl Worker {
    #[migrate("migrations/worker")]
    fn migrate() {}

    /// What is to be done.
    #[queue(visibility = "10s", tries = 3)]
    pub(crate) fn tasks(task: Task) -> u32 {}

    /// What nobody works on by itself.
    #[queue(max = 5)]
    fn letters(text: String) {}

    #[on_wake]
    fn count(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.starts += 1;
        Ok(())
    }

    #[run]
    async fn work(mut background: Background<Self>) -> Result<()> {
        let handle = background.handle();
        while let Some(job) = background.next(handle.tasks()).await? {
            reach(background.system(), "work").await?;
            let task = job.message().clone();
            match task.text.as_str() {
                "leave" => drop(job),
                "give back" => {
                    job.nack(Duration::from_mins(1)).await?;
                }
                "reply" => {
                    job.reply(task.cost + 1).await?;
                }
                _ => {
                    handle.finish(job.receipt(), task.text).await?;
                }
            }
        }
        Ok(())
    }

    /// Does a task: its row and the end of its message commit together.
    #[action]
    fn finish(&mut self, cx: &mut Context<'_, Self>, receipt: Receipt, text: String) -> Result<()> {
        if !cx.ack(receipt)? {
            return Err(Failure::message("somebody else has it"));
        }
        diesel::insert_into(done::table)
            .values(done::text.eq(&text))
            .execute(cx.db())?;
        if let Some(log) = cx.system().extension::<Log>() {
            log.push(text);
        }
        Ok(())
    }

    /// Pushes from inside, and fails behind it if it is told to.
    #[action]
    fn plan(&mut self, cx: &mut Context<'_, Self>, text: String, fail: bool) -> Result<()> {
        let tasks = cx.handle();
        cx.push(tasks.tasks(), task(&text))?;
        if fail {
            return Err(Failure::message("it fails"));
        }
        Ok(())
    }

    /// Pushes into the queue of another one.
    #[action]
    fn plan_elsewhere(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let other = cx.system().get::<Self>("elsewhere");
        cx.push(other.letters(), "x".to_owned())?;
        Ok(())
    }

    #[action]
    fn starts(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.starts)
    }

    #[action]
    pub(crate) fn texts(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(done::table
            .order(done::id)
            .select(done::text)
            .load(cx.db())?)
    }
}

async fn start(directory: &Path, clock: Clock, log: &Log, faults: &Faults) -> System {
    builder(directory, log, faults)
        .clock(clock)
        .register::<Worker>()
        .start()
        .await
        .unwrap()
}

async fn worker() -> (tempfile::TempDir, Log, Faults, System) {
    let (directory, log, faults) = (directory(), Log::default(), Faults::default());
    let system = start(directory.path(), noon(), &log, &faults).await;
    (directory, log, faults, system)
}

/// What was finished, without the places that were reached.
fn finished(log: &Log) -> Vec<String> {
    let mut entries = log.take();
    entries.retain(|entry| entry != "work");
    entries
}

async fn settled() {
    pass(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_consumes_messages_in_order_and_a_message_wakes_the_actor() {
    let (_directory, log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    for text in ["one", "two", "three"] {
        worker.tasks().push(task(text)).await.unwrap();
    }
    settled().await;
    assert_eq!(finished(&log), ["one", "two", "three"]);
    assert_eq!(worker.tasks().count().await.unwrap(), 0);
    // The hook waits, and does not keep the actor awake.
    pass(Duration::from_secs(31)).await;
    assert_eq!(worker.status(), Status::Asleep);
    worker.tasks().push(task("four")).await.unwrap();
    settled().await;
    assert_eq!(finished(&log), ["four"]);
    assert_eq!(worker.starts().await.unwrap(), 2);
    let delay = Duration::from_mins(10);
    worker
        .tasks()
        .push_later(task("five"), delay)
        .await
        .unwrap();
    pass(Duration::from_secs(599)).await;
    assert_eq!(worker.status(), Status::Asleep);
    pass(Duration::from_secs(2)).await;
    assert_eq!(finished(&log), ["five"]);
    assert_eq!(worker.starts().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_is_handed_out_again_and_then_is_a_dead_letter() {
    let (_directory, log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.tasks().push(task("leave")).await.unwrap();
    worker.tasks().push(task("behind")).await.unwrap();
    settled().await;
    assert_eq!(log.take(), ["work", "work", "behind"]);
    pass(Duration::from_secs(9)).await;
    assert_eq!(log.take(), [""; 0]);
    pass(Duration::from_secs(11)).await;
    assert_eq!(log.take(), ["work", "work"]);
    pass(Duration::from_secs(10)).await;
    let letters = worker.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.kind, letter.tries), (DeadLetterKind::Queue, 3));
    assert_eq!(letter.name.as_deref(), Some("tasks"));
    assert_eq!(letter.arguments, "{\"text\":\"leave\",\"cost\":1}");
    assert_eq!(
        letter.reason,
        "it was handed out as often as it may be, and never acknowledged"
    );
    assert_eq!(log.take(), [""; 0]);
    assert!(worker.retry_dead_letter(letter.id).await.unwrap());
    settled().await;
    assert_eq!(log.take(), ["work"]);
    assert_eq!(worker.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_waits_and_lets_others_pass() {
    let (_directory, log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.tasks().push(task("give back")).await.unwrap();
    worker.tasks().push(task("other")).await.unwrap();
    settled().await;
    assert_eq!(log.take(), ["work", "work", "other"]);
    // The actor sleeps, and is woken when the message is there again.
    pass(Duration::from_secs(59)).await;
    assert_eq!(worker.status(), Status::Asleep);
    assert_eq!(log.take(), [""; 0]);
    pass(Duration::from_secs(2)).await;
    assert_eq!(log.take(), ["work"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_reply() {
    let (_directory, _log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    let message = Task {
        text: "reply".to_owned(),
        cost: 41,
    };
    assert_eq!(worker.tasks().send_and_wait(message).await.unwrap(), 42);
    // One that is acknowledged without a reply leaves whoever waits without one.
    let waited = worker.tasks().send_and_wait(task("no reply")).await;
    assert!(matches!(waited, Err(CallError::TimedOut { .. })));
    assert_eq!(worker.texts().await.unwrap(), ["no reply"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_what_was_not_acknowledged_comes_again_in_order() {
    let (directory, log, faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.tasks().push(task("one")).await.unwrap();
    settled().await;
    faults.set("work", Fault::Hang);
    for text in ["two", "three"] {
        worker.tasks().push(task(text)).await.unwrap();
    }
    settled().await;
    assert_eq!(finished(&log), ["one"]);
    // The hook has one of them in its hands and is dropped with it.
    system.shutdown().await.unwrap();
    drop((worker, system));
    let clock = noon();
    let system = start(directory.path(), clock, &log, &Faults::default()).await;
    // Nobody calls the actor.
    pass(Duration::from_secs(31)).await;
    assert_eq!(finished(&log), ["two", "three"]);
    let worker = system.get::<Worker>("a");
    assert_eq!(worker.texts().await.unwrap(), ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_good_for_one_time_only() {
    let (_directory, _log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    let letters = worker.letters();
    assert!(letters.try_next().await.unwrap().is_none());
    letters.push("x".to_owned()).await.unwrap();
    let first = letters.next().await.unwrap();
    assert!(letters.try_next().await.unwrap().is_none());
    pass(Duration::from_secs(30)).await;
    let second = letters.next().await.unwrap();
    assert_eq!((first.tries(), second.tries()), (1, 2));
    assert_eq!(first.id(), second.id());
    assert!(!first.ack().await.unwrap());
    let receipt = second.receipt();
    assert!(second.ack().await.unwrap());
    let error = worker.finish(receipt, "late").await.unwrap_err();
    assert!(error.to_string().ends_with("somebody else has it"));
    assert_eq!(letters.count().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_outside_gets_a_batch_when_there_is_something() {
    let (_directory, _log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    let waiting = {
        let worker = worker.clone();
        tokio::spawn(async move { worker.letters().next_batch(2).await })
    };
    // The actor sleeps while somebody waits for it.
    pass(Duration::from_secs(100)).await;
    assert_eq!(worker.status(), Status::Asleep);
    worker.letters().push("one".to_owned()).await.unwrap();
    let jobs = waiting.await.unwrap().unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].message(), "one");
    for text in ["two", "three", "four"] {
        worker.letters().push(text.to_owned()).await.unwrap();
    }
    let jobs = worker.letters().next_batch(2).await.unwrap();
    let texts: Vec<_> = jobs.iter().map(|job| job.message().as_str()).collect();
    assert_eq!(texts, ["two", "three"]);
    for job in jobs {
        assert!(job.ack().await.unwrap());
    }
    assert_eq!(worker.letters().next().await.unwrap().message(), "four");
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_bounded_and_pushed_to_with_an_action_or_not_at_all() {
    let (_directory, log, _faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    for _ in 0..5 {
        worker.letters().push("x".to_owned()).await.unwrap();
    }
    let full = worker.letters().push("x".to_owned()).await.unwrap_err();
    assert_eq!((full.group(), full.code()), ("queue", "messages_full"));
    assert_eq!(
        full.to_string(),
        "5 messages wait in the queue `letters` already"
    );
    let refused = worker.letters().push("x".repeat(65_536)).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the message for `letters` has 65538 bytes as JSON, more than 65536"
    );
    let (undone, kept) = tokio::join!(worker.plan("undone", true), worker.plan("kept", false));
    undone.unwrap_err();
    kept.unwrap();
    settled().await;
    assert_eq!(finished(&log), ["kept"]);
    let error = worker.plan_elsewhere().await.unwrap_err();
    assert_eq!(
        error.downcast_ref::<QueueError>().unwrap().code(),
        "other_actor"
    );
}

/// Has nothing but a queue.
#[derive(Actor)]
#[actor(name = "basket")]
struct Basket {}

#[actor]
impl Basket {
    #[queue]
    fn eggs(egg: u32) {}
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_nothing_but_a_queue_has_a_database() {
    let directory = directory();
    let system = crate::support::start::<Basket>(directory.path()).await;
    let basket = system.get_or_create::<Basket>("a", ());
    basket.eggs().push(7).await.unwrap();
    system.shutdown().await.unwrap();
    let system = crate::support::start::<Basket>(directory.path()).await;
    let egg = system.get::<Basket>("a").eggs().next().await.unwrap();
    assert_eq!((*egg.message(), egg.tries()), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_fit_its_type_any_more_holds_up_no_other() {
    let (directory, log, faults, system) = worker().await;
    let worker = system.get_or_create::<Worker>("a", ());
    faults.set("work", Fault::Fail);
    for text in ["first", "changed", "good"] {
        worker.tasks().push(task(text)).await.unwrap();
    }
    worker.sleep().await.unwrap();
    faults.clear();
    tamper(
        directory.path(),
        "worker/k_a.db",
        "UPDATE _actor_calls SET arguments = '7' WHERE arguments LIKE '%changed%'",
    );
    log.take();
    assert_eq!(worker.starts().await.unwrap(), 2);
    settled().await;
    assert_eq!(finished(&log), ["good"]);
    let letters = worker.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0]
            .reason
            .starts_with("it does not fit its type: message: invalid type")
    );
    // The one that the failing hook had in its hands comes when its time is over.
    pass(Duration::from_secs(11)).await;
    assert_eq!(finished(&log), ["first"]);
}

/// Is told to sleep at any moment.
#[derive(Actor)]
#[actor(name = "nest")]
struct Nest {}

#[actor]
impl Nest {
    #[queue]
    fn eggs(egg: u32) {}

    #[run]
    async fn hatch(mut background: Background<Self>) -> Result<()> {
        let nest = background.handle();
        while let Some(egg) = background.next(nest.eggs()).await? {
            if let Some(log) = background.system().extension::<Log>() {
                log.push(format!("egg {}, try {}", egg.message(), egg.tries()));
            }
            egg.ack().await?;
        }
        Ok(())
    }

    #[action]
    fn look(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_stop_does_not_cut_the_take_of_a_run_hook_short() {
    let (directory, log) = (directory(), Log::default());
    let system = builder(directory.path(), &log, &Faults::default())
        .register::<Nest>()
        .start()
        .await
        .unwrap();
    let nest = system.get_or_create::<Nest>("a", ());
    for egg in 0..40 {
        nest.eggs().push(egg).await.unwrap();
        // Each time a little later, so that some of them come while the hook takes.
        for _ in 0..egg / 2 {
            tokio::task::yield_now().await;
        }
        nest.sleep().await.unwrap();
    }
    let mut hatched = Vec::new();
    while hatched.len() < 40 {
        nest.look().await.unwrap();
        hatched.extend(log.take());
    }
    let once: Vec<_> = (0..40).map(|egg| format!("egg {egg}, try 1")).collect();
    assert_eq!(hatched, once);
}
