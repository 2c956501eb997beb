//! An actor is created whole, or not at all.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{StartCause, Step};

use crate::probe::{FILE, NEW, NewProbe, Probe, Settings, probes};
use crate::support::{Broken, Fault, count, files, keys, pass};

fn start_error(error: &CallError) -> &actor_core::StartError {
    match error {
        CallError::Start(error) => error,
        other => panic!("not a start error: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_fails_leaves_nothing_and_the_next_one_succeeds() {
    for place in ["create_state", "on_create", "count_after_create"] {
        for (fault, code) in [
            (Fault::Fail, "hook_failed"),
            (Fault::Panic, "hook_panicked"),
            (Fault::Hang, "hook_timed_out"),
        ] {
            let (directory, log, faults, system) = probes().await;
            let probe = system.get_or_create::<Probe>("a", NEW);
            faults.set(place, fault);
            let error = probe.add("x").await.unwrap_err();
            assert_eq!((error.group(), error.code()), ("start", code));
            let step = if place == "create_state" {
                Step::CreateState
            } else {
                Step::OnCreate
            };
            assert_eq!(start_error(&error).step, Some(step));
            assert_eq!(start_error(&error).hook, Some(place));
            assert_eq!(files(directory.path(), "probe"), [""; 0]);
            assert_eq!(keys::<Probe>(&system).await, [""; 0]);
            assert_eq!(
                system.get::<Probe>("a").rows().await.unwrap_err().code(),
                "not_found"
            );

            faults.clear();
            log.take();
            assert_eq!(probe.add("x").await.unwrap(), 1);
            assert_eq!(log.take()[0], "create_state sees 0");
            probe.sleep().await.unwrap();
            assert_eq!(count(directory.path(), FILE, "notes"), 1);
            assert_eq!(count(directory.path(), FILE, "_actor_meta"), 1);
            assert_eq!(count(directory.path(), FILE, "_actor_state"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_names_actor_step_hook_and_cause() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>(("tenant", "a/b"), NEW);
    faults.set("on_create", Fault::Fail);
    let error = probe.rows().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "probe \"tenant/a~1b\" did not start: on_create (`on_create`) failed: on_create is broken"
    );
    assert_eq!(error.downcast_ref::<Broken>(), Some(&Broken("on_create")));
    faults.set("on_create", Fault::Panic);
    let error = probe.rows().await.unwrap_err();
    assert!(
        matches!(&start_error(&error).cause, StartCause::Panicked(text) if text == "on_create panics")
    );
    faults.set("on_create", Fault::Hang);
    let error = probe.rows().await.unwrap_err();
    assert!(
        matches!(start_error(&error).cause, StartCause::TimedOut(limit) if limit == Duration::from_secs(5))
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_commit_of_the_creation_keeps_the_actor() {
    for place in ["create_vars", "on_wake", "on_before_start"] {
        let (_directory, log, faults, system) = probes().await;
        let probe = system.get_or_create::<Probe>("a", NEW);
        faults.set(place, Fault::Fail);
        assert_eq!(
            start_error(&probe.rows().await.unwrap_err()).hook,
            Some(place)
        );
        assert_eq!(keys::<Probe>(&system).await, ["a"]);
        faults.clear();
        pass(Duration::from_secs(1)).await;
        log.take();
        assert_eq!(probe.rows().await.unwrap(), 0);
        assert_eq!(log.take(), ["create_vars", "on_wake", "on_before_start"]);
    }
}

#[tokio::test(start_paused = true)]
async fn create_says_when_the_key_is_taken() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.create::<Probe>("a", NEW).await.unwrap();
    let again = system
        .create::<Probe>("a", NewProbe { title: "other" })
        .await
        .unwrap_err();
    assert_eq!(again.code(), "already_exists");
    assert_eq!(again.to_string(), "probe \"a\" already exists");
    probe.sleep().await.unwrap();
    let again = system.create::<Probe>("a", NEW).await.unwrap_err();
    assert_eq!(again.code(), "already_exists");
    assert_eq!(
        probe.settings().await.unwrap(),
        Settings {
            title: "new".to_owned(),
            edits: 0
        }
    );
}

#[tokio::test(start_paused = true)]
async fn of_two_creations_at_once_one_wins() {
    let (_directory, log, _, system) = probes().await;
    let (first, second) = tokio::join!(
        system.create::<Probe>("a", NewProbe { title: "first" }),
        system.create::<Probe>("a", NewProbe { title: "second" }),
    );
    let first = first.unwrap();
    assert_eq!(second.unwrap_err().code(), "already_exists");
    assert_eq!(first.settings().await.unwrap().title, "first");
    let created = log.take();
    assert_eq!(
        created
            .iter()
            .filter(|entry| *entry == "create_state")
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn handles_do_nothing_before_a_call() {
    let (directory, log, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let call = probe.add("x");
    drop(call);
    assert_eq!(log.take(), [""; 0]);
    assert_eq!(files(directory.path(), "probe"), [""; 0]);
}
