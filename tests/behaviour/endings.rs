//! Sleep and destruction: what their hooks see, and what is left.

use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;
use diesel::prelude::*;

use crate::probe::{FILE, NEW, Probe, probes};
use crate::support::{Fault, count, directory, files, keys, pass, reach, settle, start};

actor_core::schema! { mod schema = "migrations/lives"; }
use schema::{sleeps, wakes};

/// Writes a row each time it wakes and sleeps.
#[derive(Actor)]
#[actor(name = "life")]
struct Life {}

#[actor]
impl Life {
    #[migrate("migrations/lives")]
    fn migrate() {}

    #[on_wake]
    fn wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        diesel::insert_into(wakes::table)
            .default_values()
            .execute(cx.db())?;
        Ok(())
    }

    #[on_sleep]
    fn sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let seen: i64 = wakes::table.count().get_result(cx.db())?;
        diesel::insert_into(sleeps::table)
            .values(sleeps::wakes_seen.eq(seen))
            .execute(cx.db())?;
        Ok(())
    }

    #[on_destroy]
    async fn farewell(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let seen: i64 = wakes::table.count().get_result(cx.db())?;
        let name = cx.key().to_string();
        let registry = cx.system().get_or_create::<Registry>("all", ());
        registry.gone(name, seen).tell().await?;
        Ok(())
    }

    #[action]
    fn wakes(&self, cx: &mut Context<'_, Self>) -> Result<i64> {
        Ok(wakes::table.count().get_result(cx.db())?)
    }

    #[action]
    fn sleeps(&self, cx: &mut Context<'_, Self>) -> Result<Vec<i64>> {
        Ok(sleeps::table.select(sleeps::wakes_seen).load(cx.db())?)
    }
}

/// Is told who is gone.
#[derive(Actor)]
#[actor(name = "registry")]
struct Registry {
    #[state]
    gone: State<Vec<(String, i64)>>,
}

#[actor]
impl Registry {
    #[action]
    fn gone(&mut self, _cx: &mut Context<'_, Self>, name: String, rows: i64) -> Result<()> {
        self.gone.push((name, rows));
        Ok(())
    }

    #[action]
    fn all(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<(String, i64)>> {
        Ok(self.gone.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn each_hook_sees_what_the_ones_before_it_wrote() {
    let directory = directory();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Life>()
        .register::<Registry>()
        .start()
        .await
        .unwrap();
    let life = system.get_or_create::<Life>("cat", ());
    assert_eq!(life.wakes().await.unwrap(), 1);
    life.sleep().await.unwrap();
    assert_eq!(life.wakes().await.unwrap(), 2);
    assert_eq!(life.sleeps().await.unwrap(), [1]);
    life.sleep().await.unwrap();
    assert_eq!(count(directory.path(), "life/k_cat.db", "sleeps"), 2);
    // The destruction wakes it, which is the third row.
    life.destroy().await.unwrap();
    let registry = system.get::<Registry>("all");
    assert_eq!(registry.all().await.unwrap(), [("cat".to_owned(), 3)]);
    assert_eq!(files(directory.path(), "life"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_sleeps_after_its_time_and_not_before() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("x").await.unwrap();
    pass(Duration::from_millis(29_900)).await;
    assert_eq!(probe.status(), Status::Awake);
    probe.rows().await.unwrap();
    pass(Duration::from_millis(29_900)).await;
    assert_eq!(probe.status(), Status::Awake);
    pass(Duration::from_millis(200)).await;
    assert_eq!(probe.status(), Status::Asleep);
    // Its log is gone with it: the file alone is the database.
    assert_eq!(files(directory.path(), "probe"), ["k_a.db"]);
    assert_eq!(count(directory.path(), FILE, "notes"), 1);
    assert_eq!(probe.rows().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_double_sleep_is_one_sleep() {
    let (_directory, log, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    log.take();
    let (first, second) = tokio::join!(probe.sleep(), probe.sleep());
    first.unwrap();
    second.unwrap();
    probe.sleep().await.unwrap();
    assert_eq!(log.take(), ["on_sleep"]);
    assert_eq!(probe.status(), Status::Asleep);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_does_not_keep_the_actor_awake() {
    let (_directory, log, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    for fault in [Fault::Fail, Fault::Panic, Fault::Hang] {
        probe.add("x").await.unwrap();
        faults.set("on_sleep", fault);
        log.take();
        probe.sleep().await.unwrap();
        assert_eq!(log.take(), ["on_sleep"]);
        assert_eq!(probe.status(), Status::Asleep);
        faults.clear();
    }
    assert_eq!(probe.rows().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_during_sleep_is_answered_by_the_next_instance() {
    let (_directory, log, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("x").await.unwrap();
    faults.set("on_sleep", Fault::Hang);
    log.take();
    let (slept, rows) = tokio::join!(probe.sleep(), async {
        settle().await;
        assert_eq!(probe.status(), Status::Stopping);
        probe.rows().await
    });
    slept.unwrap();
    assert_eq!(rows.unwrap(), 1);
    assert_eq!(
        log.take(),
        ["on_sleep", "create_vars", "on_wake", "on_before_start"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_fails_leaves_the_actor() {
    let (directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("x").await.unwrap();
    for (fault, code) in [
        (Fault::Fail, "action_failed"),
        (Fault::Panic, "action_panicked"),
        (Fault::Hang, "action_timed_out"),
    ] {
        faults.set("on_destroy", fault);
        assert_eq!(probe.destroy().await.unwrap_err().code(), code);
        faults.clear();
        assert_eq!(probe.rows().await.unwrap(), 1);
    }
    probe.destroy().await.unwrap();
    assert_eq!(files(directory.path(), "probe"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_destroyed_key_is_free_and_a_plain_handle_finds_nobody() {
    let (_directory, log, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let plain = system.get::<Probe>("a");
    probe.add("x").await.unwrap();
    assert_eq!(plain.rows().await.unwrap(), 1);
    plain.destroy().await.unwrap();
    assert_eq!(plain.rows().await.unwrap_err().code(), "not_found");
    assert_eq!(plain.destroy().await.unwrap_err().code(), "not_found");
    log.take();
    // The handle that may create does so.
    assert_eq!(probe.rows().await.unwrap(), 0);
    assert_eq!(log.take()[0], "create_state sees 0");
    assert_eq!(keys::<Probe>(&system).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_creations_and_destructions_leave_nothing() {
    let (directory, _, _, system) = probes().await;
    for _ in 0..100 {
        let probe = system.create::<Probe>("a", NEW).await.unwrap();
        assert_eq!(probe.add("x").await.unwrap(), 1);
        probe.destroy().await.unwrap();
    }
    assert_eq!(files(directory.path(), "probe"), [""; 0]);
    assert_eq!(keys::<Probe>(&system).await, [""; 0]);
    settle().await;
    let shown = format!("{system:?}");
    assert_eq!(
        shown, "System { types: 1, awake: 0, closing: false, .. }",
        "no task is left"
    );
}

#[tokio::test(start_paused = true)]
async fn a_destruction_waits_for_the_preamble_and_for_the_calls_before_it() {
    let (directory, log, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    faults.set("on_wake", Fault::Hang);
    let (added, destroyed) = tokio::join!(probe.add("x"), async {
        settle().await;
        assert_eq!(probe.status(), Status::Starting);
        probe.destroy().await
    });
    // The start fails after 30 seconds, and both learn why.
    assert_eq!(added.unwrap_err().code(), "hook_timed_out");
    assert_eq!(destroyed.unwrap_err().code(), "hook_timed_out");
    faults.clear();
    pass(Duration::from_secs(1)).await;
    log.take();
    let (added, destroyed) = tokio::join!(probe.add("x"), probe.destroy());
    assert_eq!(added.unwrap(), 1);
    destroyed.unwrap();
    assert_eq!(
        log.take(),
        [
            "create_vars",
            "on_wake",
            "on_before_start",
            "add",
            "on_destroy"
        ]
    );
    assert_eq!(files(directory.path(), "probe"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn shutdown_answers_what_was_sent_and_refuses_the_rest() {
    let (directory, log, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("one").await.unwrap();
    probe.add("two").tell().await.unwrap();
    probe.add("three").tell().await.unwrap();
    log.take();
    system.shutdown().await.unwrap();
    assert_eq!(log.take(), ["add", "add", "on_sleep"]);
    assert_eq!(probe.rows().await.unwrap_err().code(), "shut_down");
    assert_eq!(probe.rows().tell().await.unwrap_err().code(), "shut_down");
    assert_eq!(probe.sleep().await.unwrap_err().code(), "shut_down");
    assert_eq!(count(directory.path(), FILE, "notes"), 3);
    system.shutdown().await.unwrap();
    // The directory is free for the next system, in the same process too.
    let again = start::<Probe>(directory.path()).await;
    assert_eq!(again.get::<Probe>("a").rows().await.unwrap(), 3);
}

/// Sleeps at once when nothing is to do, and reaches places.
#[derive(Actor)]
#[actor(sleep_after = "never")]
struct Sleepless {}

#[actor]
impl Sleepless {
    #[action]
    async fn ping(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "ping").await
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_never_sleeps_does_not() {
    let directory = directory();
    let system = start::<Sleepless>(directory.path()).await;
    let sleepless = system.get_or_create::<Sleepless>("a", ());
    sleepless.ping().await.unwrap();
    pass(Duration::from_secs(1_000_000)).await;
    assert_eq!(sleepless.status(), Status::Awake);
    sleepless.sleep().await.unwrap();
    assert_eq!(sleepless.status(), Status::Asleep);
}
