//! Actors that panic: they start again with pauses, and are given up for a while when that does not help.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Status};
use tokio::time::Instant;

use crate::support::{Faults, Log, builder, directory, pass, settle};

/// Panics when it is told to, and logs when it starts.
#[derive(Actor)]
#[actor(name = "fragile", sleep_after = "never")]
struct Fragile {
    #[state]
    count: State<u32>,
    #[vars]
    seen: u32,
}

#[actor]
impl Fragile {
    #[on_wake]
    fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let began = cx.system().extension::<Instant>().unwrap();
        let log = cx.system().extension::<Log>().unwrap();
        log.push(began.elapsed().as_millis().to_string());
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<(u32, u32)> {
        *self.count += 1;
        self.seen += 1;
        Ok((*self.count, self.seen))
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// One that may panic twice within a minute.
#[derive(Actor)]
#[actor(
    name = "glass",
    sleep_after = "never",
    restarts = 2,
    restart_window = "1m"
)]
struct Glass {
    #[state]
    count: State<u32>,
}

#[actor]
impl Glass {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// One that may not panic at all, and keeps what it is told of.
#[derive(Actor)]
#[actor(name = "eggshell", sleep_after = "never", restarts = 0)]
struct Eggshell {
    #[state]
    told: State<u32>,
}

#[actor]
impl Eggshell {
    #[on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, _report: &ErrorReport) -> Result<()> {
        *self.told += 1;
        Ok(())
    }

    #[action]
    fn told(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.told)
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// The same without a database.
#[derive(Actor)]
#[actor(name = "fleeting", sleep_after = "never")]
struct Fleeting {
    #[vars]
    seen: u32,
}

#[actor]
impl Fleeting {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        self.seen += 1;
        Ok(self.seen)
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// Sends messages to a fragile actor.
#[derive(Actor)]
#[actor(name = "sender")]
struct Sender {
    #[state]
    sent: State<u32>,
}

#[actor]
impl Sender {
    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        *self.sent += 1;
        let fragile = cx.system().get_or_create::<Fragile>("a", ());
        cx.send(fragile.add())?;
        Ok(())
    }
}

async fn start(directory: &tempfile::TempDir) -> (System, Log, Instant) {
    let (log, began) = (Log::default(), Instant::now());
    let system = builder(directory.path(), &log, &Faults::default())
        .extension(began)
        .clock(actor_core::Clock::starting_at(std::time::SystemTime::now()))
        .register::<Fragile>()
        .register::<Fleeting>()
        .register::<Glass>()
        .register::<Eggshell>()
        .register::<Sender>()
        .start()
        .await
        .unwrap();
    (system, log, began)
}

/// Spends the budget, which takes a second and a half.
async fn spend(fragile: &FragileHandle) {
    for _ in 0..6 {
        let error = fragile.explode().await.unwrap_err();
        assert_eq!(error.code(), "action_panicked");
    }
}

/// Returns when a call starts the actor again.
fn retry_after(error: CallError) -> Duration {
    assert_eq!((error.group(), error.code()), ("actor", "failed_too_often"));
    let CallError::FailedTooOften {
        crashes,
        name,
        panic,
        retry_after,
        ..
    } = error
    else {
        panic!("another error: {error}");
    };
    assert_eq!((crashes, name, &*panic), (6, "explode", "it explodes"));
    retry_after
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_panics_starts_again_with_pauses_and_fails_when_the_budget_is_spent() {
    let directory = directory();
    let (system, log, began) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    assert_eq!(fragile.add().await.unwrap(), (1, 1));
    spend(&fragile).await;
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    assert_eq!(log.take(), ["0", "0", "100", "300", "700", "1500"]);

    let error = fragile.add().await.unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(30));
    assert_eq!(fragile.status(), Status::Failed);
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    pass(Duration::from_secs(10)).await;
    let error = fragile.add().await.unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(20));
    let error = fragile.add().try_tell().unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(20));
    let info = fragile.info();
    assert_eq!((info.status, info.crashes), (Status::Failed, 6));
    assert_eq!(log.take(), Vec::<String>::new());

    pass(Duration::from_secs(20)).await;
    assert_eq!(fragile.status(), Status::Asleep);
    assert_eq!(fragile.add().await.unwrap(), (2, 1));
    assert_eq!(log.take(), ["31500"]);
    assert_eq!(fragile.status(), Status::Awake);
}

#[tokio::test(start_paused = true)]
async fn an_actor_has_the_budget_and_the_window_that_it_says() {
    let directory = directory();
    let (system, _log, began) = start(&directory).await;
    let glass = system.get_or_create::<Glass>("a", ());
    // With the usual window of 30 seconds the first of them would not count any more.
    for _ in 0..2 {
        glass.explode().await.unwrap_err();
        pass(Duration::from_secs(29)).await;
        glass.add().await.unwrap();
    }
    glass.explode().await.unwrap_err();
    settle().await;
    let error = glass.add().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "glass \"a\" panicked 3 times within 60s and refuses calls for 30s (`restart()` tries now); last panic, in \
         `explode`: it explodes"
    );
    assert_eq!(glass.status(), Status::Failed);
    assert_eq!(began.elapsed(), Duration::from_secs(58));
    pass(Duration::from_secs(30)).await;
    assert_eq!(glass.add().await.unwrap(), 3);
    // A new budget, and panics that are a minute apart.
    for _ in 0..4 {
        glass.explode().await.unwrap_err();
        pass(Duration::from_mins(1)).await;
    }
    assert_eq!(glass.add().await.unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_actor_without_a_budget_fails_with_the_first_panic_and_is_told_of_none() {
    let directory = directory();
    let (system, _log, _) = start(&directory).await;
    let eggshell = system.get_or_create::<Eggshell>("a", ());
    assert_eq!(eggshell.told().await.unwrap(), 0);
    let error = eggshell.explode().await.unwrap_err();
    assert_eq!(error.code(), "action_panicked");
    settle().await;
    let error = eggshell.told().await.unwrap_err();
    assert_eq!(error.code(), "failed_too_often");
    eggshell.restart().await.unwrap();
    assert_eq!(eggshell.told().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_end_of_a_pause_and_learn_at_once_that_the_actor_failed() {
    let directory = directory();
    let (system, _log, began) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    fragile.explode().await.unwrap_err();
    assert_eq!(fragile.add().await.unwrap(), (1, 1));
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "the first start is at once"
    );
    fragile.explode().await.unwrap_err();
    // Its file is closed first.
    while fragile.status() != Status::Starting {
        tokio::task::yield_now().await;
    }
    assert_eq!(fragile.add().await.unwrap(), (2, 1));
    assert_eq!(began.elapsed(), Duration::from_millis(100));

    for _ in 0..4 {
        fragile.explode().tell().await.unwrap();
    }
    let error = fragile.add().await.unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(30));
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
}

#[tokio::test(start_paused = true)]
async fn panics_that_are_30_seconds_apart_cost_no_pause() {
    let directory = directory();
    let (system, log, _) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    for _ in 0..8 {
        fragile.explode().await.unwrap_err();
        pass(Duration::from_secs(30)).await;
    }
    let starts = [
        "0", "0", "30000", "60000", "90000", "120000", "150000", "180000", "210000",
    ];
    assert_eq!(log.take(), starts);
    assert_eq!(fragile.info().crashes, 8);
}

#[tokio::test(start_paused = true)]
async fn each_failure_in_a_row_lasts_twice_as_long_until_somebody_restarts_the_actor() {
    let directory = directory();
    let (system, _log, began) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    assert_eq!(fragile.add().await.unwrap(), (1, 1));
    for seconds in [30, 60, 120] {
        spend(&fragile).await;
        let lasts = Duration::from_secs(seconds);
        assert_eq!(retry_after(fragile.add().await.unwrap_err()), lasts);
        pass(lasts).await;
    }
    spend(&fragile).await;
    let lasts = Duration::from_mins(4);
    assert_eq!(retry_after(fragile.add().await.unwrap_err()), lasts);
    let now = began.elapsed();
    fragile.restart().await.unwrap();
    assert_eq!(fragile.status(), Status::Awake);
    assert_eq!(fragile.add().await.unwrap(), (2, 1));
    assert_eq!(began.elapsed(), now);
    spend(&fragile).await;
    let lasts = Duration::from_secs(30);
    assert_eq!(retry_after(fragile.add().await.unwrap_err()), lasts);
    fragile.restart().await.unwrap();
    // One that is awake is left as it is.
    assert_eq!(fragile.add().await.unwrap(), (3, 1));
    fragile.restart().await.unwrap();
    assert_eq!(fragile.add().await.unwrap(), (4, 2));

    let nobody = system.get::<Fragile>("b");
    let error = nobody.restart().await.unwrap_err();
    assert_eq!(error.code(), "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_failure_outlives_the_last_handle_and_a_failed_actor_can_be_destroyed() {
    let directory = directory();
    let (system, _log, _) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    assert_eq!(fragile.add().await.unwrap(), (1, 1));
    spend(&fragile).await;
    settle().await;
    drop(fragile);
    let fragile = system.get_or_create::<Fragile>("a", ());
    let info = fragile.info();
    assert_eq!((info.status, info.crashes), (Status::Failed, 6));
    assert_eq!(info.last_crash.unwrap().message, "it explodes");
    let error = fragile.add().await.unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(30));
    fragile.destroy().await.unwrap();
    pass(Duration::from_secs(30)).await;
    assert_eq!(fragile.add().await.unwrap(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn timers_and_messages_of_a_failed_actor_wait_for_it() {
    let directory = directory();
    let (system, log, _) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    fragile.add().after(Duration::from_secs(10)).await.unwrap();
    spend(&fragile).await;
    settle().await;
    assert_eq!(fragile.status(), Status::Failed);
    let sender = system.get_or_create::<Sender>("s", ());
    sender.send().await.unwrap();
    log.take();
    pass(Duration::from_secs(29)).await;
    assert_eq!(fragile.status(), Status::Failed);
    assert_eq!(log.take(), Vec::<String>::new());
    pass(Duration::from_mins(1)).await;
    // Each is handled, once, by the first instance that can.
    assert_eq!(log.take(), ["31500"]);
    assert_eq!(fragile.add().await.unwrap(), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_due_while_its_actor_is_failed_runs_once_without_a_call() {
    let directory = directory();
    let (system, log, _) = start(&directory).await;
    let fragile = system.get_or_create::<Fragile>("a", ());
    fragile.add().after(Duration::from_secs(10)).await.unwrap();
    spend(&fragile).await;
    log.take();
    pass(Duration::from_mins(2)).await;
    // The scheduler tries again when it may start.
    assert_eq!(log.take(), ["31500"]);
    assert_eq!(fragile.add().await.unwrap(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_memory_fails_like_any_other_and_is_created_anew() {
    let directory = directory();
    let (system, _log, began) = start(&directory).await;
    let fleeting = system.get_or_create::<Fleeting>("a", ());
    assert_eq!(fleeting.add().await.unwrap(), 1);
    for _ in 0..6 {
        fleeting.explode().await.unwrap_err();
    }
    let error = fleeting.add().await.unwrap_err();
    assert_eq!(retry_after(error), Duration::from_secs(30));
    assert_eq!(began.elapsed(), Duration::from_millis(1_500));
    assert_eq!(fleeting.status(), Status::Failed);
    pass(Duration::from_secs(30)).await;
    assert_eq!(fleeting.add().await.unwrap(), 1);
}
