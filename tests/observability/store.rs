//! The spans of the store, and what the gate tells: they are on threads of the runtime that are not the test's.

use std::sync::mpsc;

use tokio::runtime::Builder;
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

use crate::recorder::Recorder;
use crate::shop::{Shop, shops};
use crate::support::{directory, settle, start};
use crate::turn;

/// Begins to build a runtime all of whose threads are recorded.
fn recorded(recorder: &Recorder) -> (Builder, DefaultGuard) {
    let subscriber = Dispatch::new(recorder.clone());
    let guard = tracing::dispatcher::set_default(&subscriber);
    let mut builder = Builder::new_current_thread();
    builder.enable_all().on_thread_start(move || {
        // It is the thread's as long as that is there.
        std::mem::forget(tracing::dispatcher::set_default(&subscriber));
    });
    (builder, guard)
}

#[test]
fn the_store_recovers_writes_and_takes_checkpoints_and_the_gate_tells_what_it_held() {
    let _turn = turn();
    let recorder = Recorder::of_everything();
    let (mut builder, _guard) = recorded(&recorder);
    let runtime = builder.max_blocking_threads(1).build().unwrap();
    let directory = directory();
    runtime.block_on(async {
        let system = start::<Shop>(directory.path()).await;
        assert_eq!(recorder.take()[0], "store.recovery records=0 actors=0");
        let shop = system.create::<Shop>("a", ()).await.unwrap();
        settle().await;
        recorder.forget();
        // The only thread that could write the log has something else to do.
        let (go_on, wait) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let ask = tokio::spawn(async move { shop.sell(1).await });
        settle().await;
        go_on.send(()).unwrap();
        busy.await.unwrap().unwrap();
        ask.await.unwrap().unwrap();
        // The log tells of it on a thread of its own, behind the reply.
        let mut told = Vec::new();
        while !told
            .iter()
            .any(|told: &String| told.starts_with("- replies left the gate"))
        {
            told.extend(recorder.take());
            tokio::task::yield_now().await;
        }
        told.sort();
        assert_eq!(
            told,
            [
                "- replies left the gate actor=shop key=a replies=1 held_us=_",
                "actor.action actor=shop key=a action=sell read_only=false outcome=ok",
                "actor.commit actor=shop key=a calls=1 bytes=_",
                "store.log.write records=1 bytes=_ synced=true",
            ]
        );
        system.shutdown().await.unwrap();
        assert_eq!(
            recorder.take(),
            [
                "actor.stop actor=shop key=a ending=sleep",
                "store.checkpoint actors=2 bytes=_",
            ]
        );
    });
}

#[test]
fn a_recovery_tells_what_it_found_in_the_log() {
    let _turn = turn();
    let recorder = Recorder::of_everything();
    let (mut builder, _guard) = recorded(&recorder);
    let runtime = builder.start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut lab = shops().start().await.unwrap();
        for key in ["a", "b"] {
            let shop = lab.create::<Shop>(key, ()).await.unwrap();
            shop.sell(1).await.unwrap();
        }
        recorder.forget();
        lab.kill().await.unwrap();
        let recovered = "store.recovery records=7 actors=3".to_owned();
        let told = recorder.take();
        assert!(told.contains(&recovered), "{told:?}");
    });
}
