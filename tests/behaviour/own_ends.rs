//! Actors that end themselves, or those that wait for them: nobody hangs.

use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;
use tokio::time::Instant;

use crate::support::{Faults, Log, builder, directory, keys, pass, settle};

/// Does to others, or to itself, what it is told to.
#[derive(Actor)]
#[actor(name = "loner", sleep_after = "never")]
struct Loner {
    #[state]
    count: State<u32>,
}

/// What is to be done to an actor.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Sleep,
    Destroy,
    Restart,
    Create,
    Push,
    ShutDown,
}

/// Does it, and returns how it went.
async fn act(system: &System, deed: Deed, key: &str) -> String {
    let actor = system.get::<Loner>(key);
    let done = match deed {
        Deed::Sleep => actor.sleep().await,
        Deed::Destroy => actor.destroy().await,
        Deed::Restart => actor.restart().await,
        Deed::Create => system.create::<Loner>(key, ()).await.map(drop),
        Deed::ShutDown => return told(system.shutdown().await),
        Deed::Push => actor.notes().push(String::new()).await.map(drop),
    };
    told(done)
}

fn told<E: std::fmt::Display>(done: Result<(), E>) -> String {
    match done {
        Ok(()) => "done".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[actor]
impl Loner {
    #[queue]
    fn notes(text: String) {}

    #[on_wake]
    async fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        log(cx, "wakes");
        if cx.key().to_string() == "early" && *self.count == 0 {
            let (system, key) = (cx.system().clone(), "early");
            for deed in [Deed::Restart, Deed::Sleep] {
                let said = act(&system, deed, key).await;
                log(cx, &said);
            }
        }
        Ok(())
    }

    #[on_sleep]
    async fn on_sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let key = cx.key().to_string();
        log(cx, "sleeps");
        if key == "curious" {
            let asked = cx.system().get::<Loner>("asker").add().await;
            log(cx, &told(asked.map(drop)));
        }
        let (system, deed) = (
            cx.system().clone(),
            match key.as_str() {
                "sleepy" => Deed::Sleep,
                "leaver" => Deed::Destroy,
                _ => return Ok(()),
            },
        );
        let said = act(&system, deed, &key).await;
        log(cx, &said);
        Ok(())
    }

    #[on_destroy]
    fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        log(cx, "is destroyed");
        if cx.key().to_string() == "stubborn" {
            return Err(Failure::message("it stays"));
        }
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    /// Does something to an actor, and fails then if it is told to.
    #[action]
    async fn harm(
        &mut self,
        cx: &mut Context<'_, Self>,
        deed: Deed,
        key: String,
        fails: bool,
    ) -> Result<String> {
        *self.count += 10;
        let done = act(cx.system(), deed, &key).await;
        log(cx, "is done");
        if fails {
            return Err(Failure::message("it fails"));
        }
        Ok(done)
    }

    /// Has another one do something to this one.
    #[action]
    async fn through(
        &mut self,
        cx: &mut Context<'_, Self>,
        other: String,
        deed: Deed,
    ) -> Result<String> {
        let other = cx.system().get_or_create::<Loner>(other, ());
        Ok(other.harm(deed, cx.key().to_string(), false).await?)
    }

    /// Ends this actor in what runs beside it.
    #[action]
    fn end_beside(&mut self, cx: &mut Context<'_, Self>, deed: Deed) -> Result<()> {
        let (system, key) = (cx.system().clone(), cx.key().to_string());
        let log = cx.system().extension::<Log>().cloned().unwrap();
        cx.wait_until(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            log.push(format!("beside: {}", act(&system, deed, &key).await));
        });
        Ok(())
    }
}

fn log(cx: &Context<'_, Loner>, what: &str) {
    let log = cx.system().extension::<Log>().unwrap();
    log.push(format!("{} {what}", cx.key()));
}

/// Plays for a while, and is gone then.
#[derive(Actor)]
#[actor(name = "match", sleep_after = "never")]
struct Match {
    #[state]
    rounds: State<u32>,
}

#[actor]
impl Match {
    #[run]
    async fn play(mut background: Background<Self>) -> Result<()> {
        let handle = background.handle();
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            handle.play_on().await?;
        }
        handle.destroy().await?;
        // It learns of its end as of any other.
        background.aborted().await;
        Ok(())
    }

    #[action]
    fn play_on(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.rounds += 1;
        Ok(*self.rounds)
    }
}

async fn start(directory: &tempfile::TempDir) -> (System, Log) {
    let log = Log::default();
    let system = builder(directory.path(), &log, &Faults::default())
        .register::<Loner>()
        .register::<Match>()
        .start()
        .await
        .unwrap();
    (system, log)
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_puts_itself_to_sleep_sleeps_when_its_action_has_ended() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    let loner = system.get_or_create::<Loner>("a", ());
    let (harmed, added) = tokio::join!(loner.harm(Deed::Sleep, "a", false), loner.add());
    assert_eq!(harmed.unwrap(), "done");
    // What was sent meanwhile, and before it asked, is handled first.
    assert_eq!(added.unwrap(), 11);
    while loner.status() != Status::Asleep {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.take(), ["a wakes", "a is done", "a sleeps"]);
    assert_eq!(loner.add().await.unwrap(), 12);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_destroys_itself_is_gone_when_its_action_has_ended_however_that_ends() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    for fails in [false, true] {
        let loner = system.create::<Loner>("a", ()).await.unwrap();
        let harmed = loner.harm(Deed::Destroy, "a", fails).await;
        assert_eq!(harmed.is_err(), fails);
        while loner.status() != Status::Asleep {
            tokio::task::yield_now().await;
        }
        assert_eq!(log.take(), ["a wakes", "a is done", "a is destroyed"]);
        let plain = system.get::<Loner>("a");
        assert_eq!(plain.add().await.unwrap_err().code(), "not_found");
    }
    // The hook may refuse, and the actor lives on.
    let stubborn = system.get_or_create::<Loner>("stubborn", ());
    let harmed = stubborn.harm(Deed::Destroy, "stubborn", false).await;
    assert_eq!(harmed.unwrap(), "done");
    assert_eq!(stubborn.add().await.unwrap(), 11);
    assert_eq!(keys::<Loner>(&system).await, ["stubborn"]);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn other_waits_of_an_actor_for_itself_are_refused_at_once() {
    let (directory, began) = (directory(), Instant::now());
    let (system, _) = start(&directory).await;
    let loner = system.get_or_create::<Loner>("a", ());
    let cycle = "the ask would wait for itself: loner \"a\" -> loner \"a\"";
    let expected = [
        (Deed::Restart, "done"),
        (Deed::Create, cycle),
        (Deed::Push, cycle),
        (
            Deed::ShutDown,
            "a shutdown that is awaited inside loner \"a\" would wait for itself: spawn it as a task",
        ),
    ];
    for (deed, said) in expected {
        let harmed = loner.harm(deed, "a", false).await;
        assert_eq!(harmed.unwrap(), said);
    }
    assert_eq!(loner.status(), Status::Awake);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_actor_that_waits_for_it_is_refused_at_once() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    let loner = system.get_or_create::<Loner>("a", ());
    let cycle = "the ask would wait for itself: loner \"a\" -> loner \"b\" -> loner \"a\"";
    let expected = [
        (Deed::Sleep, cycle),
        (Deed::Destroy, cycle),
        (Deed::Create, cycle),
        (Deed::Push, cycle),
        (Deed::Restart, "done"),
    ];
    for (deed, said) in expected {
        let harmed = loner.through("b", deed).await;
        assert_eq!(harmed.unwrap(), said);
    }
    // It was refused, not put off.
    settle().await;
    assert_eq!(loner.status(), Status::Awake);
    assert_eq!(loner.add().await.unwrap(), 1);
    assert_eq!(began.elapsed(), Duration::ZERO);
    log.take();
}

#[tokio::test(start_paused = true)]
async fn the_hook_of_an_end_knows_who_waits_for_it() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    let asker = system.create::<Loner>("asker", ()).await.unwrap();
    let curious = system.create::<Loner>("curious", ()).await.unwrap();
    log.take();
    let harmed = asker.harm(Deed::Sleep, "curious", false).await;
    assert_eq!(harmed.unwrap(), "done");
    let refused = "curious the ask would wait for itself: loner \"asker\" -> loner \"curious\" -> loner \"asker\"";
    assert_eq!(log.take(), ["curious sleeps", refused, "asker is done"]);
    assert_eq!(curious.status(), Status::Asleep);
    // Nobody waits for the next end: the ask is answered.
    curious.add().await.unwrap();
    log.take();
    curious.sleep().await.unwrap();
    assert_eq!(log.take(), ["curious sleeps", "curious done"]);
    assert_eq!(asker.add().await.unwrap(), 12);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_hook_of_a_start_may_put_its_actor_to_sleep_and_cannot_wait_for_its_start() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    let early = system.get_or_create::<Loner>("early", ());
    assert_eq!(early.add().await.unwrap(), 1);
    while early.status() != Status::Asleep {
        tokio::task::yield_now().await;
    }
    let cycle = "early the ask would wait for itself: loner \"early\" -> loner \"early\"";
    let expected = ["early wakes", cycle, "early done", "early sleeps"];
    assert_eq!(log.take(), expected);
    assert_eq!(early.add().await.unwrap(), 2);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_an_actor_may_end_it_and_is_not_waited_for() {
    let directory = directory();
    let (system, log) = start(&directory).await;
    let loner = system.get_or_create::<Loner>("a", ());
    for (deed, ended) in [(Deed::Sleep, "a sleeps"), (Deed::Destroy, "a is destroyed")] {
        loner.end_beside(deed).await.unwrap();
        log.take();
        let before = Instant::now();
        pass(Duration::from_millis(1_001)).await;
        assert_eq!(loner.status(), Status::Asleep);
        assert_eq!(log.take(), ["beside: done", ended]);
        assert_eq!(before.elapsed(), Duration::from_millis(1_001));
    }
    assert_eq!(keys::<Loner>(&system).await, [""; 0]);

    loner.end_beside(Deed::ShutDown).await.unwrap();
    pass(Duration::from_millis(1_001)).await;
    let refused = "beside: a shutdown that is awaited inside loner \"a\" would wait for itself: spawn it as a task";
    assert!(log.take().contains(&refused.to_owned()));

    let round = system.get_or_create::<Match>("m", ());
    let mut watch = round.watch().unwrap();
    let before = Instant::now();
    assert_eq!(round.play_on().await.unwrap(), 1);
    let mut changes = Vec::new();
    while changes.last().map(String::as_str) != Some("Destroyed") {
        changes.push(format!("{:?}", watch.next().await.unwrap().unwrap()));
    }
    assert_eq!(changes, ["Woke", "Destroyed"]);
    assert_eq!(before.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_hook_of_an_end_may_ask_for_an_end() {
    let (directory, began) = (directory(), Instant::now());
    let (system, log) = start(&directory).await;
    let sleepy = system.create::<Loner>("sleepy", ()).await.unwrap();
    sleepy.sleep().await.unwrap();
    settle().await;
    let wakes_and_sleeps = ["sleepy wakes", "sleepy sleeps", "sleepy done"];
    assert_eq!(log.take(), wakes_and_sleeps);
    assert_eq!(sleepy.status(), Status::Asleep);
    assert_eq!(sleepy.add().await.unwrap(), 1);
    sleepy.sleep().await.unwrap();
    assert_eq!(log.take(), wakes_and_sleeps);

    let leaver = system.create::<Loner>("leaver", ()).await.unwrap();
    let mut watch = leaver.watch().unwrap();
    leaver.sleep().await.unwrap();
    let mut changes = Vec::new();
    while changes.last().map(String::as_str) != Some("Destroyed") {
        changes.push(format!("{:?}", watch.next().await.unwrap().unwrap()));
    }
    assert_eq!(changes, ["Slept", "Woke", "Destroyed"]);
    let expected = ["wakes", "sleeps", "done", "wakes", "is destroyed"];
    assert_eq!(log.take(), expected.map(|what| format!("leaver {what}")));
    assert_eq!(keys::<Loner>(&system).await, ["sleepy"]);
    assert_eq!(began.elapsed(), Duration::ZERO);
}
