//! `keep_awake` and `wait_until`: what an action begins that goes on beside its actor, and what it does to the actor's sleep.

use std::future::{Future, pending};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{Builder, CallError, Handlers, Status};
use tokio::time::Instant;

use crate::alarm::{self, Alarm};
use crate::support::{Faults, Log, builder, directory, pass, settle};

/// When a test began.
#[derive(Clone, Copy)]
struct Began(Instant);

/// Says what happens, and how many seconds after the test began.
fn say(system: &System, what: &str) {
    let began = system.extension::<Began>().unwrap();
    let log = system.extension::<Log>().unwrap();
    log.push(format!("{what} at {:?}", began.0.elapsed()));
}

/// Says so when it is dropped.
struct Dropped(System, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        say(&self.0, self.1);
    }
}

/// How a future goes on beside its actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    KeepsAwake,
    IsWaitedFor,
}

/// Begins a future.
fn begin<A: Handlers>(
    cx: &mut Context<'_, A>,
    kind: Kind,
    future: impl Future<Output = ()> + Send + 'static,
) {
    match kind {
        Kind::KeepsAwake => cx.keep_awake(future),
        Kind::IsWaitedFor => cx.wait_until(future),
    }
}

/// Begins futures of all kinds.
#[derive(Actor)]
#[actor(name = "baker", sleep_after = "10s")]
struct Baker {
    #[state]
    baked: State<Vec<u32>>,
    #[vars]
    begins_late: bool,
}

#[actor]
impl Baker {
    #[on_wake]
    fn woke(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), "wakes");
        Ok(())
    }

    #[on_sleep]
    fn sleeps(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), "sleeps");
        if self.begins_late {
            cx.wait_until(pass(Duration::from_secs(3)));
        }
        Ok(())
    }

    #[on_destroy]
    fn is_destroyed(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), "is destroyed");
        Ok(())
    }

    /// Only takes its time.
    #[action]
    fn rest(&mut self, cx: &mut Context<'_, Self>, kind: Kind, seconds: u64) -> Result<()> {
        begin(cx, kind, pass(Duration::from_secs(seconds)));
        Ok(())
    }

    /// Takes its time, and keeps a number then.
    #[action]
    fn bake(
        &mut self,
        cx: &mut Context<'_, Self>,
        kind: Kind,
        seconds: u64,
        number: u32,
    ) -> Result<()> {
        let baker = cx.handle();
        begin(cx, kind, async move {
            pass(Duration::from_secs(seconds)).await;
            baker.keep(number).await.unwrap();
        });
        if number == 13 {
            return Err(Failure::message("an unlucky number"));
        }
        Ok(())
    }

    #[action]
    fn hang(&mut self, cx: &mut Context<'_, Self>, kind: Kind) -> Result<()> {
        let dropped = Dropped(cx.system().clone(), "dropped");
        begin(cx, kind, async move {
            let _dropped = dropped;
            pending::<()>().await;
        });
        Ok(())
    }

    #[action]
    fn burn(&mut self, cx: &mut Context<'_, Self>, kind: Kind, seconds: u64) -> Result<()> {
        begin(cx, kind, async move {
            pass(Duration::from_secs(seconds)).await;
            panic!("it burns");
        });
        Ok(())
    }

    #[action]
    fn panics(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("the baker panics")
    }

    #[action]
    fn begin_late(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.begins_late = true;
        Ok(())
    }

    #[action]
    fn keep(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<()> {
        self.baked.push(number);
        Ok(())
    }

    #[action]
    fn baked(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<u32>> {
        Ok(self.baked.clone())
    }
}

/// The same without a database.
#[derive(Actor)]
#[actor(name = "cook", sleep_after = "10s")]
struct Cook {
    #[vars]
    cooked: u32,
}

#[actor]
impl Cook {
    #[on_sleep]
    fn sleeps(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), &format!("sleeps with {}", self.cooked));
        Ok(())
    }

    #[action]
    fn cook(&mut self, cx: &mut Context<'_, Self>, kind: Kind, seconds: u64) -> Result<()> {
        let cook = cx.handle();
        begin(cx, kind, async move {
            pass(Duration::from_secs(seconds)).await;
            cook.serve().await.unwrap();
        });
        Ok(())
    }

    #[action]
    fn rest(&mut self, cx: &mut Context<'_, Self>, kind: Kind, seconds: u64) -> Result<()> {
        begin(cx, kind, pass(Duration::from_secs(seconds)));
        Ok(())
    }

    #[action]
    fn serve(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.cooked += 1;
        Ok(())
    }
}

/// Is held awake by its hook, which calls nothing, for 25 seconds.
#[derive(Actor)]
#[actor(name = "watchman", sleep_after = "10s")]
struct Watchman {
    #[state]
    seen: State<u32>,
}

#[actor]
impl Watchman {
    #[run]
    async fn watch(mut background: Background<Self>) -> Result<()> {
        let first = background.keep_awake();
        let second = background.keep_awake();
        pass(Duration::from_secs(20)).await;
        drop(first);
        pass(Duration::from_secs(5)).await;
        drop(second);
        background.aborted().await;
        Ok(())
    }

    #[on_sleep]
    fn sleeps(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        say(cx.system(), "sleeps");
        Ok(())
    }

    #[action]
    fn seen(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.seen)
    }
}

/// A system, what it says, and where it is.
struct House {
    system: System,
    log: Log,
    began: Instant,
    _directory: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let (directory, log) = (directory(), Log::default());
        let began = Instant::now();
        let builder: Builder = builder(directory.path(), &log, &Faults::default());
        let system = builder
            .extension(Began(began))
            .register::<Baker>()
            .register::<Cook>()
            .register::<Watchman>()
            .start()
            .await
            .unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "the clock stands still");
        Self {
            system,
            log,
            began,
            _directory: directory,
        }
    }

    fn baker(&self) -> <Baker as Handlers>::Handle {
        self.system.get_or_create::<Baker>("a", ())
    }

    fn cook(&self) -> <Cook as Handlers>::Handle {
        self.system.get_or_create::<Cook>("a", ())
    }

    /// Lets the clock run until so many seconds after the beginning.
    async fn until(&self, seconds: u64) {
        tokio::time::sleep_until(self.began + Duration::from_secs(seconds)).await;
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_sleeps_its_time_after_the_last_that_kept_it_awake() {
    let house = House::open().await;
    let baker = house.baker();
    baker.rest(Kind::KeepsAwake, 25).await.unwrap();
    baker.rest(Kind::KeepsAwake, 12).await.unwrap();
    house.until(60).await;
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 35s"]);
    assert_eq!(baker.status(), Status::Asleep);
}

#[tokio::test(start_paused = true)]
async fn an_actor_sleeps_its_time_after_its_last_call_if_that_is_later() {
    let house = House::open().await;
    let baker = house.baker();
    baker.rest(Kind::KeepsAwake, 4).await.unwrap();
    house.until(7).await;
    baker.baked().await.unwrap();
    house.until(60).await;
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 17s"]);
}

#[tokio::test(start_paused = true)]
async fn what_keeps_an_actor_awake_may_call_it() {
    let house = House::open().await;
    house.baker().bake(Kind::KeepsAwake, 25, 1).await.unwrap();
    house.until(34).await;
    assert_eq!(house.baker().status(), Status::Awake);
    house.until(40).await;
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 35s"]);
    assert_eq!(house.baker().baked().await.unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_holds_its_actor_awake_as_long_as_it_has_a_guard() {
    let house = House::open().await;
    let watchman = house.system.get_or_create::<Watchman>("a", ());
    assert_eq!(watchman.seen().await.unwrap(), 0);
    house.until(60).await;
    assert_eq!(house.log.take(), ["sleeps at 35s"]);
    // A guard holds off the sleep of an idle actor only; the hook is waited for.
    assert_eq!(watchman.seen().await.unwrap(), 0);
    watchman.sleep().await.unwrap();
    assert_eq!(house.log.take(), ["sleeps at 75s"]);
}

#[tokio::test(start_paused = true)]
async fn a_sleep_waits_for_what_is_to_be_waited_for_and_saves_what_it_changes() {
    let house = House::open().await;
    let baker = house.baker();
    baker.bake(Kind::IsWaitedFor, 18, 7).await.unwrap();
    house.until(11).await;
    assert_eq!(baker.status(), Status::Stopping);
    house.until(20).await;
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 18s"]);
    assert_eq!(baker.status(), Status::Asleep);
    assert_eq!(baker.baked().await.unwrap(), [7]);
    assert_eq!(house.log.take(), ["wakes at 20s"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_dropped_after_the_grace_and_calls_are_handled_until_then() {
    let house = House::open().await;
    let baker = house.baker();
    baker.hang(Kind::KeepsAwake).await.unwrap();
    baker.hang(Kind::IsWaitedFor).await.unwrap();
    house.until(20).await;
    assert_eq!(baker.status(), Status::Awake, "it is kept awake");
    let (slept, kept) = tokio::join!(baker.sleep(), async {
        pass(Duration::from_secs(14)).await;
        baker.keep(3).await.unwrap();
        // What a call begins meanwhile has what is left of the grace.
        baker.hang(Kind::IsWaitedFor).await.unwrap();
        house.began.elapsed()
    });
    slept.unwrap();
    assert_eq!(kept, Duration::from_secs(34));
    let dropped = "dropped at 35s";
    assert_eq!(
        house.log.take(),
        ["wakes at 0ns", dropped, dropped, dropped, "sleeps at 35s"]
    );
    assert_eq!(baker.baked().await.unwrap(), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_destruction_and_a_shutdown_wait_too() {
    let house = House::open().await;
    let baker = house.baker();
    baker.rest(Kind::IsWaitedFor, 5).await.unwrap();
    baker.destroy().await.unwrap();
    assert_eq!(house.log.take(), ["wakes at 0ns", "is destroyed at 5s"]);
    baker.bake(Kind::KeepsAwake, 2, 1).await.unwrap();
    // It is let go by then, and keeps nobody awake any more.
    house.until(60).await;
    assert_eq!(house.log.take(), ["wakes at 5s", "sleeps at 17s"]);
    baker.rest(Kind::KeepsAwake, 4).await.unwrap();
    house.system.shutdown().await.unwrap();
    assert_eq!(house.log.take(), ["wakes at 60s", "sleeps at 64s"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_beside_an_actor_is_no_crash_of_it() {
    let house = House::open().await;
    let baker = house.baker();
    baker.burn(Kind::KeepsAwake, 5).await.unwrap();
    baker.burn(Kind::IsWaitedFor, 6).await.unwrap();
    house.until(60).await;
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 15s"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_action_that_fails_has_begun_goes_on() {
    let house = House::open().await;
    let baker = house.baker();
    let failed = baker.bake(Kind::KeepsAwake, 2, 13).await.unwrap_err();
    assert_eq!((failed.group(), failed.code()), ("actor", "action_failed"));
    house.until(3).await;
    assert_eq!(baker.baked().await.unwrap(), [13]);
}

#[tokio::test(start_paused = true)]
async fn a_crash_drops_what_is_under_way_before_the_actor_starts_again() {
    let house = House::open().await;
    let baker = house.baker();
    baker.hang(Kind::KeepsAwake).await.unwrap();
    baker.hang(Kind::IsWaitedFor).await.unwrap();
    house.until(1).await;
    let crashed = baker.panics().await.unwrap_err();
    assert!(matches!(crashed, CallError::Panicked { .. }));
    house.until(60).await;
    assert_eq!(
        house.log.take(),
        [
            "wakes at 0ns",
            "dropped at 1s",
            "dropped at 1s",
            "wakes at 1s",
            "sleeps at 11s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_sleep_hook_begins_is_waited_for_as_well() {
    let house = House::open().await;
    let baker = house.baker();
    baker.begin_late().await.unwrap();
    baker.sleep().await.unwrap();
    assert_eq!(house.log.take(), ["wakes at 0ns", "sleeps at 0ns"]);
    assert_eq!(house.began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_memory_is_kept_awake_and_waits_too() {
    let house = House::open().await;
    let cook = house.cook();
    cook.rest(Kind::KeepsAwake, 25).await.unwrap();
    house.until(60).await;
    assert_eq!(house.log.take(), ["sleeps with 0 at 35s"]);
    cook.cook(Kind::IsWaitedFor, 12).await.unwrap();
    house.until(100).await;
    assert_eq!(house.log.take(), ["sleeps with 1 at 72s"]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_timer_action_keeps_its_actor_awake_until_its_work_is_on_disk() {
    let mut lab = alarm::lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm
        .ring_slowly("x", 50)
        .after(Duration::from_secs(10))
        .await
        .unwrap();
    // It sleeps 30 seconds after its last call, and this one takes 50.
    lab.advance(Duration::from_secs(59)).await;
    assert_eq!(alarm.status(), Status::Awake);
    lab.advance(Duration::from_secs(30)).await;
    assert_eq!(alarm.status(), Status::Awake);
    lab.advance(Duration::from_secs(1)).await;
    assert_eq!(alarm.status(), Status::Asleep);
    assert_eq!(alarm.rings().await.unwrap(), [("x".to_owned(), 10_000)]);
    assert_eq!(alarm.starts().await.unwrap(), 2);
}
