//! An action is a transaction, in the tables and in memory.

use std::time::Duration;

use crate::probe::{FILE, NEW, Probe, Settings, probes};
use crate::support::{Broken, Fault, number};

fn settings(title: &str, edits: u32) -> Settings {
    Settings {
        title: title.to_owned(),
        edits,
    }
}

#[tokio::test(start_paused = true)]
async fn sql_and_state_commit_together_and_survive_sleep() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.rename("one").await.unwrap(), settings("one", 1));
    assert_eq!(probe.rename("two").await.unwrap(), settings("two", 2));
    probe.sleep().await.unwrap();
    assert_eq!(probe.settings().await.unwrap(), settings("two", 2));
    assert_eq!(probe.texts().await.unwrap(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_undoes_sql_and_state() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rename("kept").await.unwrap();
    faults.set("rename", Fault::Fail);
    let error = probe.rename("lost").await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("actor", "action_failed"));
    assert_eq!(
        error.to_string(),
        "`rename` of probe \"a\" failed: rename is broken"
    );
    assert_eq!(error.downcast_ref::<Broken>(), Some(&Broken("rename")));
    assert_eq!(probe.settings().await.unwrap(), settings("kept", 1));
    assert_eq!(probe.texts().await.unwrap(), ["kept"]);
    probe.sleep().await.unwrap();
    assert_eq!(probe.settings().await.unwrap(), settings("kept", 1));
    assert_eq!(probe.texts().await.unwrap(), ["kept"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_undoes_and_restarts_the_actor() {
    let (_directory, log, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rename("kept").await.unwrap();
    faults.set("rename", Fault::Panic);
    log.take();
    let (lost, next) = tokio::join!(probe.rename("lost"), probe.rows());
    let error = lost.unwrap_err();
    assert_eq!(error.code(), "action_panicked");
    assert_eq!(
        error.to_string(),
        "`rename` of probe \"a\" panicked: rename panics"
    );
    assert_eq!(next.unwrap(), 1, "a call behind the panic is answered");
    assert_eq!(
        log.take(),
        ["rename", "create_vars", "on_wake", "on_before_start"]
    );
    assert_eq!(probe.settings().await.unwrap(), settings("kept", 1));
}

#[tokio::test(start_paused = true)]
async fn an_action_past_its_limit_is_dropped_and_undone() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.nap(1).await.unwrap();
    assert_eq!(probe.settings().await.unwrap(), settings("napping", 0));
    probe.rename("awake").await.unwrap();
    let began = tokio::time::Instant::now();
    let error = probe.nap(3).await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_secs(2));
    assert_eq!((error.group(), error.code()), ("actor", "action_timed_out"));
    assert_eq!(
        error.to_string(),
        "`nap` of probe \"a\" took longer than 2s"
    );
    assert_eq!(probe.settings().await.unwrap(), settings("awake", 1));
    assert_eq!(probe.texts().await.unwrap(), ["nap", "awake"]);
}

#[tokio::test(start_paused = true)]
async fn the_users_own_error_type_comes_back() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let error = probe.own_error().await.unwrap_err();
    assert_eq!(error.downcast_ref::<Broken>(), Some(&Broken("own")));
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_is_there_after_a_crash_before_the_actor_sleeps() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("x").await.unwrap();
    let left = crate::support::crash(directory.path());
    let again = actor_core::System::builder()
        .data_dir(left.path())
        .register::<Probe>();
    // The start brings the files up to what the log has.
    again.start().await.unwrap().shutdown().await.unwrap();
    assert_eq!(crate::support::count(left.path(), FILE, "notes"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reading_action_writes_nothing() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    probe.sleep().await.unwrap();
    let changes = "(SELECT count(*) FROM notes)";
    let before = std::fs::read(directory.path().join(FILE)).unwrap();
    probe.rows().await.unwrap();
    probe.settings().await.unwrap();
    probe.sleep().await.unwrap();
    assert_eq!(number(directory.path(), FILE, changes), 0);
    assert_eq!(std::fs::read(directory.path().join(FILE)).unwrap(), before);
}

#[tokio::test(start_paused = true)]
async fn a_long_query_runs_in_the_same_transaction() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.count_aside("kept", false).await.unwrap(), 1);
    let error = probe.count_aside("lost", true).await.unwrap_err();
    assert_eq!(error.code(), "action_failed");
    assert_eq!(probe.texts().await.unwrap(), ["kept"]);
}

#[tokio::test]
async fn a_long_query_past_the_limit_is_interrupted_and_the_actor_goes_on() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let error = probe.endless_aside().await.unwrap_err();
    assert_eq!(error.code(), "action_timed_out");
    assert_eq!(probe.add("x").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_can_be_waited_for() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.put("before").tell().await.unwrap();
    assert_eq!(probe.durable_rows().await.unwrap(), 1);
}
