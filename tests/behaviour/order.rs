//! Hooks run in their order, on create and on wake.

use actor_core::prelude::*;

use crate::probe::{NEW, Probe};
use crate::support::{Faults, Log, builder, directory, reach};

async fn probes(directory: &std::path::Path, log: &Log) -> System {
    builder(directory, log, &Faults::default())
        .register::<Probe>()
        .start()
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn hooks_run_in_order_on_create_and_on_wake() {
    let (directory, log) = (directory(), Log::default());
    let system = probes(directory.path(), &log).await;
    let probe = system.get_or_create::<Probe>("a", NEW);

    assert_eq!(probe.rows().await.unwrap(), 0);
    assert_eq!(
        log.take(),
        [
            "create_state sees 0",
            "create_state",
            "on_create",
            "on_create leaves 0",
            "count_after_create",
            "create_vars",
            "on_wake",
            "on_before_start",
        ]
    );

    probe.sleep().await.unwrap();
    assert_eq!(log.take(), ["on_sleep"]);

    assert_eq!(probe.rows().await.unwrap(), 0);
    assert_eq!(log.take(), ["create_vars", "on_wake", "on_before_start"]);

    probe.destroy().await.unwrap();
    assert_eq!(log.take(), ["on_destroy"]);
    system.shutdown().await.unwrap();
    assert_eq!(log.take(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn creation_hooks_do_not_run_again_and_vars_count_what_was_written() {
    let (directory, log) = (directory(), Log::default());
    let system = probes(directory.path(), &log).await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.rows_at_start().await.unwrap(), 0);
    for (text, rows) in [("one", 1), ("two", 2), ("three", 3)] {
        assert_eq!(probe.add(text).await.unwrap(), rows);
    }
    log.take();
    probe.sleep().await.unwrap();
    assert_eq!(probe.rows_at_start().await.unwrap(), 3);
    assert_eq!(
        log.take(),
        ["on_sleep", "create_vars", "on_wake", "on_before_start"]
    );
}

#[derive(Actor)]
struct Sorted {}

#[actor]
impl Sorted {
    #[on_wake(after = second)]
    async fn third(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "third").await
    }

    #[on_wake]
    async fn second(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "second").await
    }

    #[on_wake(before = second)]
    async fn first(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "first").await
    }

    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn before_and_after_change_the_source_order() {
    let (directory, log) = (directory(), Log::default());
    let system = builder(directory.path(), &log, &Faults::default())
        .register::<Sorted>()
        .start()
        .await
        .unwrap();
    system
        .get_or_create::<Sorted>("a", ())
        .ping()
        .await
        .unwrap();
    assert_eq!(log.take(), ["first", "second", "third"]);
}
