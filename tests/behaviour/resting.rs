//! What the hooks of an actor's end begin does not hold the end up, and does not start the actor again, by asking the actor.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Status};
use tokio::time::Instant;

use crate::support::{Faults, Log, builder, directory, pass};

/// Asks, from what its last hooks begin, itself and another one that asks it.
#[derive(Actor)]
#[actor(name = "sleeper", sleep_after = "30s")]
struct Sleeper {
    #[state]
    count: State<u32>,
}

fn say(system: &System, what: impl Into<String>) {
    system.extension::<Log>().unwrap().push(what);
}

/// Says how a call ended.
fn say_result<T>(system: &System, what: &str, result: Result<T, CallError>) {
    match result {
        Ok(_) => say(system, format!("{what}: well")),
        Err(error) => say(system, format!("{what}: {error}")),
    }
}

#[actor]
impl Sleeper {
    #[queue]
    fn notes(note: u32) {}

    #[on_wake]
    fn woke(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), "wakes");
        Ok(())
    }

    #[on_sleep]
    fn sleeps(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let (own, system) = (cx.handle(), cx.system().clone());
        let other = system.get_or_create::<Other>("b", ());
        let futures = async move {
            say_result(&system, "own", own.add().await);
            say_result(
                &system,
                "with a limit",
                own.add().timeout(Duration::from_secs(1)).await,
            );
            say_result(&system, "through another", other.ask_back("a").await);
            say_result(&system, "another", other.add().await);
            say_result(&system, "push", own.notes().push(1).await);
            say_result(&system, "next", own.notes().next().await);
            say_result(
                &system,
                "timer",
                own.add().after(Duration::from_secs(1)).await,
            );
        };
        match cx.key().as_str() {
            "a" => cx.wait_until(futures),
            "k" => cx.keep_awake(futures),
            _ => {}
        }
        Ok(())
    }

    #[on_destroy]
    fn ends(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let (own, system) = (cx.handle(), cx.system().clone());
        let fails = *self.count == 7;
        cx.wait_until(async move {
            say_result(&system, "while it ends", own.add().await);
            pass(Duration::from_secs(5)).await;
            say_result(&system, "after that", own.add().await);
        });
        if fails {
            return Err(Failure::message("it lives on"));
        }
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }
}

/// Asks back.
#[derive(Actor)]
#[actor(name = "other", sleep_after = "never")]
struct Other {
    #[state]
    count: State<u32>,
}

#[actor]
impl Other {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    #[action]
    async fn ask_back(&mut self, cx: &mut Context<'_, Self>, key: String) -> Result<u32> {
        Ok(cx.system().get::<Sleeper>(key).add().await?)
    }
}

async fn sleepers() -> (tempfile::TempDir, Log, System) {
    let (directory, log) = (directory(), Log::default());
    let system = builder(directory.path(), &log, &Faults::default())
        .register::<Sleeper>()
        .register::<Other>();
    let system = system.start().await.unwrap();
    (directory, log, system)
}

/// What the futures of an `#[on_sleep]` find.
fn refused(key: &str) -> Vec<String> {
    let own = format!("the ask would wait for itself: sleeper \"{key}\" -> sleeper \"{key}\"");
    let through = "through another: `ask_back` of other \"b\" failed: \
         the ask would wait for itself: sleeper \"a\" -> other \"b\" -> sleeper \"a\"";
    let through = if key == "a" {
        through.to_owned()
    } else {
        "through another: well".to_owned()
    };
    vec![
        format!("own: {own}"),
        format!("with a limit: {own}"),
        through,
        "another: well".to_owned(),
        format!("push: {own}"),
        format!("next: {own}"),
        format!("timer: {own}"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_on_sleep_begins_cannot_ask_its_actor_and_does_not_hold_up_the_sleep() {
    let (_directory, log, system) = sleepers().await;
    for key in ["a", "k"] {
        let sleeper = system.get_or_create::<Sleeper>(key, ());
        sleeper.add().await.unwrap();
        assert_eq!(log.take(), ["wakes"]);
        let began = Instant::now();
        sleeper.sleep().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        let mut expected = refused(key);
        let woken = if key == "a" {
            vec![]
        } else {
            vec!["wakes".to_owned()]
        };
        // The other one finds `a` asleep, and asks it.
        expected.splice(2..2, woken);
        assert_eq!(log.take(), expected);
        assert_eq!(sleeper.status(), Status::Asleep);
        pass(Duration::from_mins(10)).await;
        let starts = log.take().iter().filter(|entry| *entry == "wakes").count();
        assert_eq!(starts, 0);
    }
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_whose_on_sleep_asks_it_rests() {
    let (_directory, log, system) = sleepers().await;
    let sleeper = system.get_or_create::<Sleeper>("a", ());
    sleeper.add().await.unwrap();
    pass(Duration::from_mins(10)).await;
    assert_eq!(sleeper.status(), Status::Asleep);
    let starts = log.take().iter().filter(|entry| *entry == "wakes").count();
    assert_eq!(starts, 1);
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_on_destroy_begins_cannot_ask_its_actor_unless_that_lives_on() {
    let (_directory, log, system) = sleepers().await;
    let own = "the ask would wait for itself: sleeper \"c\" -> sleeper \"c\"";
    let sleeper = system.get_or_create::<Sleeper>("c", ());
    for _ in 0..7 {
        sleeper.add().await.unwrap();
    }
    let error = sleeper.destroy().await.unwrap_err();
    assert_eq!(error.code(), "action_failed");
    // The futures are polled when the hook has failed already.
    assert_eq!(log.take(), ["wakes"]);
    pass(Duration::from_secs(6)).await;
    assert_eq!(log.take(), ["while it ends: well", "after that: well"]);
    assert_eq!(sleeper.add().await.unwrap(), 10);
    let began = Instant::now();
    sleeper.destroy().await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    let told = [
        format!("while it ends: {own}"),
        format!("after that: {own}"),
    ];
    assert_eq!(log.take(), told);
    system.shutdown().await.unwrap();
}
