//! Waking: once for all who call, and with a back-off when it fails.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Status};

use crate::probe::{NEW, Probe, probes};
use crate::support::{Fault, Faults, Log, builder, directory, pass, settle, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_calls_at_once_start_a_sleeping_actor_once() {
    let (_directory, log, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.add("x").await.unwrap();
    probe.sleep().await.unwrap();
    log.take();
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let probe = system.get::<Probe>("a");
            tokio::spawn(async move { probe.rows().await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
    assert_eq!(log.take(), ["create_vars", "on_wake", "on_before_start"]);
}

#[tokio::test(start_paused = true)]
async fn every_waiting_caller_gets_the_error_of_the_start() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    probe.sleep().await.unwrap();
    faults.set("on_wake", Fault::Fail);
    let (a, b, c) = tokio::join!(probe.rows(), probe.rows(), probe.add("x"));
    for error in [a.unwrap_err(), b.unwrap_err(), c.unwrap_err()] {
        assert_eq!(
            error.to_string(),
            "probe \"a\" did not start: on_wake (`on_wake`) failed: on_wake is broken"
        );
    }
    assert_eq!(probe.status(), Status::Asleep);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_again_and_again_backs_off() {
    let (_directory, log, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    probe.sleep().await.unwrap();
    faults.set("on_wake", Fault::Fail);
    // 100 ms after the first failure, 200 ms after the second, 400 ms after the third.
    for pause in [100, 200, 400] {
        log.take();
        probe.rows().await.unwrap_err();
        assert_eq!(log.take(), ["create_vars", "on_wake"]);
        pass(Duration::from_millis(pause - 1)).await;
        let error = probe.rows().await.unwrap_err();
        assert_eq!(error.code(), "hook_failed", "the same error, at once");
        assert_eq!(log.take(), [""; 0], "without another try");
        pass(Duration::from_millis(1)).await;
    }
    faults.clear();
    // A handle made meanwhile knows of the back-off too, and a success ends it.
    assert_eq!(system.get::<Probe>("a").rows().await.unwrap(), 0);
    probe.sleep().await.unwrap();
    faults.set("on_wake", Fault::Fail);
    probe.rows().await.unwrap_err();
    pass(Duration::from_millis(100)).await;
    faults.clear();
    assert_eq!(probe.rows().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_handle_does_not_get_around_the_back_off() {
    let (_directory, log, faults, system) = probes().await;
    system
        .create::<Probe>("a", NEW)
        .await
        .unwrap()
        .sleep()
        .await
        .unwrap();
    faults.set("on_wake", Fault::Fail);
    system.get::<Probe>("a").rows().await.unwrap_err();
    settle().await;
    log.take();
    system.get::<Probe>("a").rows().await.unwrap_err();
    assert_eq!(log.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_start_wrote_is_undone() {
    let directory = directory();
    let (log, faults) = (Log::default(), Faults::default());
    let system = builder(directory.path(), &log, &faults)
        .register::<Twice>()
        .start()
        .await
        .unwrap();
    let twice = system.get_or_create::<Twice>("a", ());
    assert_eq!(twice.count().await.unwrap(), 1);
    twice.sleep().await.unwrap();
    faults.set("second hook", Fault::Fail);
    twice.count().await.unwrap_err();
    faults.clear();
    pass(Duration::from_secs(1)).await;
    assert_eq!(twice.count().await.unwrap(), 2);
}

/// Counts its starts in one hook, and fails in the next.
#[derive(Actor)]
struct Twice {
    #[state]
    starts: State<u32>,
}

#[actor]
impl Twice {
    #[on_wake]
    fn first(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.starts += 1;
        Ok(())
    }

    #[on_wake]
    async fn second(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        crate::support::reach(cx.system(), "second hook").await
    }

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.starts)
    }
}

/// Takes longer than its limit without ever waiting.
#[derive(Actor)]
#[actor(name = "busy", timeouts(on_wake = "50ms"))]
struct Busy {}

#[actor]
impl Busy {
    #[migrate("migrations/probe")]
    fn migrate() {}

    #[on_wake]
    fn spin(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        use diesel::connection::SimpleConnection as _;
        // It ends by itself never; only the deadline does.
        Ok(cx.db().batch_execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        )?)
    }

    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_statement_that_never_ends_is_interrupted_at_the_limit() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let error = system
        .get_or_create::<Busy>("a", ())
        .ping()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "hook_timed_out");
    assert_eq!(
        error.to_string(),
        "busy \"a\" did not start: on_wake (`spin`) took longer than 50ms"
    );
}

#[tokio::test(start_paused = true)]
async fn the_caller_may_wait_less_than_the_start() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    faults.set("on_wake", Fault::Hang);
    let began = tokio::time::Instant::now();
    let error = probe
        .rows()
        .timeout(Duration::from_secs(3))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no reply from probe \"a\" within 3s: the action may have run, may still run or may never run; check before you retry"
    );
    assert!(matches!(error, CallError::TimedOut { .. }));
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_not_registered_and_a_bad_key_are_errors_of_the_call() {
    let (_directory, _, _, system) = probes().await;
    let error = system
        .get_or_create::<Twice>("a", ())
        .count()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the actor type twice is not registered with this system"
    );
    let long = "x".repeat(129);
    let error = system.get::<Probe>(&long).rows().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("key", "part_too_long"));
}
