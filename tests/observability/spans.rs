//! The spans of an actor's life, as a subscriber sees them.

use std::sync::MutexGuard;

use std::future::IntoFuture;

use actor_core::prelude::*;
use tracing::Instrument as _;

use crate::recorder::Recorder;
use crate::support::{Broken, directory, start};
use crate::turn;

/// An actor whose program is replaced by one with more migrations.
macro_rules! program {
    ($name:ident, $directory:literal { $($more:tt)* }) => {
        #[derive(Actor)]
        #[actor(name = "ledger")]
        struct $name {
            #[state]
            count: State<u32>,
        }

        #[actor]
        impl $name {
            #[migrate($directory)]
            fn migrate() {}

            #[on_create]
            async fn greet(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
                tracing::info!("hello");
                tokio::task::yield_now().await;
                Ok(())
            }

            #[on_wake]
            async fn look(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
                Ok(())
            }

            #[on_sleep]
            async fn tidy(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
                tracing::info!("good night");
                Ok(())
            }

            #[action]
            fn count(&mut self, _cx: &mut Context<'_, Self>, more: u32) -> Result<u32> {
                tracing::info!(more, "counting");
                match more {
                    0 => return Err(Broken("count").into()),
                    13 => panic!("unlucky"),
                    _ => {}
                }
                *self.count += more;
                Ok(*self.count)
            }

            #[action]
            async fn later(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
                tracing::info!("before");
                tokio::task::yield_now().await;
                tracing::info!("after");
                Ok(())
            }

            #[action]
            fn read(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
                tracing::info!("reading");
                Ok(*self.count)
            }

            $($more)*
        }
    };
}

program!(First, "migrations/ledger_v1" {});
program!(Second, "migrations/ledger_v3" {
    #[data_migration(after = "2026-11-22-000003")]
    async fn fill_slugs(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        tracing::info!("filling");
        Ok(())
    }
});

/// Makes a call in a span of the user's.
async fn request<F: IntoFuture>(call: F) -> F::Output {
    call.into_future()
        .instrument(tracing::info_span!("request"))
        .await
}

/// Records what this thread does from now on. The threads of the store are others.
pub(crate) fn record() -> (
    Recorder,
    (tracing::subscriber::DefaultGuard, MutexGuard<'static, ()>),
) {
    let turn = turn();
    let recorder = Recorder::default();
    let guard = tracing::subscriber::set_default(recorder.clone());
    (recorder, (guard, turn))
}

#[tokio::test(start_paused = true)]
async fn a_creation_is_a_part_of_the_call_that_needs_it() {
    let (recorder, _guard) = record();
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    let ledger = system.get_or_create::<First>("a", ());
    assert_eq!(request(ledger.count(2)).await.unwrap(), 2);
    assert_eq!(
        recorder.take(),
        [
            "request",
            "  actor.start actor=ledger key=a kind=new",
            "    actor.hook step=on_create hook=greet",
            "      - hello",
            "    actor.commit actor=ledger key=a bytes=_",
            "    actor.hook step=on_wake hook=look",
            "    actor.commit actor=ledger key=a",
            "  actor.action actor=ledger key=a action=count read_only=false outcome=ok",
            "    - counting more=2",
            "actor.commit actor=ledger key=a calls=1 bytes=_",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_wake_shows_its_migration_and_a_sleep_its_hooks() {
    let (recorder, _guard) = record();
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    system
        .get_or_create::<First>("a", ())
        .count(2)
        .await
        .unwrap();
    recorder.take();
    system.get::<First>("a").sleep().await.unwrap();
    assert_eq!(
        recorder.take(),
        [
            "actor.stop actor=ledger key=a ending=sleep",
            "  actor.hook step=on_sleep hook=tidy",
            "    - good night",
            "  actor.commit actor=ledger key=a",
        ]
    );
    system.shutdown().await.unwrap();
    let system = start::<Second>(directory.path()).await;
    recorder.take();
    assert_eq!(system.get::<Second>("a").read().await.unwrap(), 2);
    assert_eq!(
        recorder.take(),
        [
            "actor.start actor=ledger key=a kind=wake",
            "  actor.migrate from=20261122000001 to=20261122000004",
            "    actor.hook step=migrate hook=fill_slugs",
            "      - filling",
            "  actor.hook step=on_wake hook=look",
            "  actor.commit actor=ledger key=a",
            "actor.action actor=ledger key=a action=read read_only=true outcome=ok",
            "  - reading",
            "actor.commit actor=ledger key=a calls=1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_outcome_and_the_code_of_its_error() {
    let (recorder, _guard) = record();
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    let ledger = system.get_or_create::<First>("a", ());
    ledger.count(2).await.unwrap();
    recorder.take();
    assert_eq!(ledger.count(0).await.unwrap_err().code(), "action_failed");
    assert_eq!(
        recorder.take(),
        [
            "actor.action actor=ledger key=a action=count read_only=false outcome=failed error=actor/action_failed",
            "  - counting more=0",
            "actor.commit actor=ledger key=a calls=1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_instance_and_the_next_start_is_nobodys() {
    let (recorder, _guard) = record();
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    let ledger = system.get_or_create::<First>("a", ());
    ledger.count(2).await.unwrap();
    recorder.take();
    assert_eq!(
        request(ledger.count(13)).await.unwrap_err().code(),
        "action_panicked"
    );
    assert_eq!(ledger.count(1).await.unwrap(), 3);
    assert_eq!(
        recorder.take(),
        [
            "request",
            "  actor.action actor=ledger key=a action=count read_only=false outcome=panicked error=actor/action_panicked",
            "    - counting more=13",
            "actor.commit actor=ledger key=a calls=1",
            "actor.stop actor=ledger key=a ending=crash",
            "actor.start actor=ledger key=a kind=restart",
            "  actor.hook step=on_wake hook=look",
            "  actor.commit actor=ledger key=a",
            "actor.action actor=ledger key=a action=count read_only=false outcome=ok",
            "  - counting more=1",
            "actor.commit actor=ledger key=a calls=1 bytes=_",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_ask_is_a_part_of_its_caller_and_a_tell_follows_it() {
    let (recorder, _guard) = record();
    let directory = directory();
    let system = start::<First>(directory.path()).await;
    let ledger = system.get_or_create::<First>("a", ());
    ledger.count(2).await.unwrap();
    recorder.take();
    // The first is run by the one who asks, the others by a driver.
    request(ledger.read()).await.unwrap();
    request(ledger.later()).await.unwrap();
    request(ledger.count(1).tell()).await.unwrap();
    ledger.read().await.unwrap();
    assert_eq!(
        recorder.take(),
        [
            "request",
            "  actor.action actor=ledger key=a action=read read_only=true outcome=ok",
            "    - reading",
            "request",
            "  actor.action actor=ledger key=a action=later read_only=false outcome=ok",
            "    - before",
            "    - after",
            "actor.commit actor=ledger key=a calls=1",
            "request",
            "actor.action actor=ledger key=a action=count read_only=false outcome=ok (follows request)",
            "  - counting more=1",
            "actor.action actor=ledger key=a action=read read_only=true outcome=ok",
            "  - reading",
            "actor.commit actor=ledger key=a calls=2 bytes=_",
        ]
    );
}
