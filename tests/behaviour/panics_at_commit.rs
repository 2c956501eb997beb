//! A state whose `Serialize` panics, where a hook commits: the error says so, and nothing of the hook is written.

use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Status};
use diesel::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alarm::noon;
use crate::support::{Faults, Log, Random, builder, count, directory, files, keys, pass, settle};

actor_core::schema! { mod schema = "migrations/lives"; }
use schema::wakes;

thread_local! {
    /// Whether fourteen cannot be read: a program that came later cannot read what this one could.
    static MOODY: Cell<bool> = const { Cell::new(false) };
}

/// A number that cannot be written when it is 13, cannot be read when it is 14, and cannot be dropped when it is 15.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Moody(u32);

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 13, "thirteen is not written");
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        assert!(number != 14 || !MOODY.get(), "fourteen is not read");
        Ok(Self(number))
    }
}

impl Drop for Moody {
    fn drop(&mut self) {
        assert!(self.0 != 15 || std::thread::panicking(), "fifteen stays");
    }
}

/// What each hook makes of the state.
#[derive(Clone, Debug, Default)]
struct Moods(Arc<Mutex<Vec<(&'static str, u32)>>>);

impl Moods {
    fn set(&self, moods: &[(&'static str, u32)]) {
        *self.0.lock().unwrap() = moods.to_vec();
    }

    fn of(&self, hook: &str) -> Option<u32> {
        let moods = self.0.lock().unwrap();
        let found = moods.iter().find(|(of, _)| *of == hook);
        found.map(|(_, mood)| *mood)
    }
}

#[derive(Actor)]
#[actor(name = "moody", sleep_after = "never")]
struct Mood {
    #[state]
    number: State<Moody>,
}

impl Mood {
    /// Writes a row, and changes the state as it is to.
    fn go(&mut self, cx: &mut Context<'_, Self>, hook: &'static str) -> Result<()> {
        diesel::insert_into(wakes::table)
            .default_values()
            .execute(cx.db())?;
        let moods = cx.system().extension::<Moods>().unwrap();
        if let Some(mood) = moods.of(hook) {
            self.number.0 = mood;
        }
        Ok(())
    }
}

#[actor]
impl Mood {
    #[migrate("migrations/lives")]
    fn migrate() {}

    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>, _input: ()) -> Result<Moody> {
        let moods = cx.system().extension::<Moods>().unwrap();
        Ok(Moody(moods.of("create_state").unwrap_or(1)))
    }

    #[on_create]
    fn on_create(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        diesel::insert_into(wakes::table)
            .default_values()
            .execute(cx.db())?;
        Ok(())
    }

    #[on_wake]
    fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        self.go(cx, "on_wake")
    }

    #[on_sleep]
    fn on_sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        self.go(cx, "on_sleep")
    }

    #[on_sleep]
    fn says_so(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let log = cx.system().extension::<Log>().unwrap();
        log.push(format!("sleeps with {}", self.number.0));
        Ok(())
    }

    #[on_destroy]
    fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        self.go(cx, "on_destroy")
    }

    #[action]
    fn set(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<()> {
        self.number.0 = number;
        Ok(())
    }

    #[action]
    fn look(&self, cx: &mut Context<'_, Self>) -> Result<(u32, i64)> {
        let rows = wakes::table.count().get_result(cx.db())?;
        Ok((self.number.0, rows))
    }
}

/// In memory only; what it has cannot be dropped.
#[derive(Actor)]
#[actor(name = "sticky", sleep_after = "never")]
struct Sticky {
    #[vars]
    number: Moody,
}

#[actor]
impl Sticky {
    #[action]
    fn set(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<u32> {
        // Its old value is 0, which can be dropped.
        self.number = Moody(number);
        Ok(number)
    }
}

/// Has what cannot be dropped.
#[derive(Actor)]
#[actor(name = "thrower", sleep_after = "never")]
struct Thrower {
    #[state]
    count: State<u32>,
}

#[actor]
impl Thrower {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.count)
    }

    /// Drops what it holds when its time is over.
    #[action(timeout = "2ms")]
    async fn hold(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.count += 1_000;
        let _moody = Moody(15);
        std::future::pending().await
    }

    /// Takes what may not be read.
    #[action]
    fn take(&mut self, _cx: &mut Context<'_, Self>, moody: Moody) -> Result<u32> {
        Ok(moody.0)
    }

    /// Returns what nobody takes.
    #[action]
    fn throw(&mut self, _cx: &mut Context<'_, Self>) -> Result<Moody> {
        *self.count += 1;
        Ok(Moody(15))
    }
}

struct Room {
    moods: Moods,
    log: Log,
    system: System,
    directory: tempfile::TempDir,
}

async fn room() -> Room {
    let (directory, log, moods) = (directory(), Log::default(), Moods::default());
    let system = builder(directory.path(), &log, &Faults::default())
        .extension(moods.clone())
        .clock(noon())
        .register::<Mood>()
        .register::<Sticky>()
        .register::<Thrower>()
        .start()
        .await
        .unwrap();
    Room {
        moods,
        log,
        system,
        directory,
    }
}

const FILE: &str = "moody/k_a.db";

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_at_its_creation_creates_nothing() {
    let room = room().await;
    room.moods.set(&[("create_state", 13)]);
    let error = room.system.create::<Mood>("a", ()).await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("start", "hook_panicked"));
    let said = error.to_string();
    assert!(
        said.starts_with("moody \"a\" did not start: on_create panicked: "),
        "{said}"
    );
    assert!(said.contains("thirteen is not written"), "{said}");
    assert_eq!(files(room.directory.path(), "moody"), [""; 0]);
    assert_eq!(keys::<Mood>(&room.system).await, [""; 0]);
    // The key is free, and the next creation is tried at once.
    room.moods.set(&[]);
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    assert_eq!(mood.look().await.unwrap(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_after_on_wake_undoes_the_start() {
    let room = room().await;
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    mood.sleep().await.unwrap();
    assert_eq!(count(room.directory.path(), FILE, "wakes"), 3);
    room.moods.set(&[("on_wake", 13)]);
    let error = mood.look().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("start", "hook_panicked"));
    let CallError::Start(error) = error else {
        panic!("another error: {error}");
    };
    assert!(
        error.to_string().contains("thirteen is not written"),
        "{error}"
    );
    settle().await;
    assert_eq!(mood.status(), Status::Asleep);
    assert_eq!(count(room.directory.path(), FILE, "wakes"), 3);
    // It backs off as behind any other start that failed.
    room.moods.set(&[]);
    assert_eq!(mood.look().await.unwrap_err().code(), "hook_panicked");
    pass(Duration::from_millis(100)).await;
    assert_eq!(mood.look().await.unwrap(), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_after_on_sleep_does_not_keep_the_actor_awake() {
    let room = room().await;
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    room.moods.set(&[("on_sleep", 13)]);
    mood.set(5).await.unwrap();
    mood.sleep().await.unwrap();
    assert_eq!(mood.status(), Status::Asleep);
    // The hook behind it sees that it was undone.
    assert_eq!(room.log.take(), ["sleeps with 5"]);
    assert_eq!(count(room.directory.path(), FILE, "wakes"), 2);
    assert_eq!(mood.look().await.unwrap(), (5, 3));
    assert_eq!(mood.info().crashes, 0);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_after_on_destroy_leaves_the_actor_and_counts() {
    let room = room().await;
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    room.moods.set(&[("on_destroy", 13)]);
    let error = mood.destroy().await.unwrap_err();
    let CallError::Panicked { name, panic, .. } = &error else {
        panic!("another error: {error}");
    };
    assert_eq!(*name, "on_destroy");
    assert!(panic.contains("thirteen is not written"), "{panic}");
    let info = mood.info();
    assert_eq!(info.crashes, 1);
    assert_eq!(info.last_crash.unwrap().name, "on_destroy");
    // It has started again, which wrote a row; the destruction wrote none.
    assert_eq!(mood.look().await.unwrap(), (1, 3));
    room.moods.set(&[]);
    mood.destroy().await.unwrap();
    assert_eq!(files(room.directory.path(), "moody"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_state_that_panics_when_it_is_read_is_a_start_that_failed() {
    let room = room().await;
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    mood.set(14).await.unwrap();
    MOODY.set(true);
    mood.sleep().await.unwrap();
    let error = mood.look().await.unwrap_err();
    assert_eq!((error.group(), error.code()), ("start", "hook_panicked"));
    assert!(
        error.to_string().contains("fourteen is not read"),
        "{error}"
    );
    assert_eq!(mood.status(), Status::Asleep);
    assert_eq!(count(room.directory.path(), FILE, "wakes"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_panics_when_it_is_dropped_harms_nobody() {
    let room = room().await;
    let mood = room.system.create::<Mood>("a", ()).await.unwrap();
    mood.set(15).await.unwrap();
    // The old value goes with the commit of the next.
    mood.set(16).await.unwrap();
    assert_eq!(mood.look().await.unwrap(), (16, 2));
    mood.set(15).await.unwrap();
    mood.sleep().await.unwrap();
    assert_eq!(mood.look().await.unwrap(), (15, 4));
    mood.destroy().await.unwrap();
    assert_eq!(files(room.directory.path(), "moody"), [""; 0]);
    let sticky = room.system.get_or_create::<Sticky>("a", ());
    assert_eq!(sticky.set(15).await.unwrap(), 15);
    sticky.sleep().await.unwrap();
    assert_eq!(sticky.set(1).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_committed_and_what_waits_outlives_a_panic_of_what_an_action_held() {
    let seed = 11;
    let mut random = Random::new(seed);
    let room = room().await;
    let thrower = room.system.create::<Thrower>("a", ()).await.unwrap();
    let mut expected = 0;
    for crashes in 1..=300 {
        let yields = random.below(4);
        let held = async {
            for _ in 0..yields {
                tokio::task::yield_now().await;
            }
            thrower.hold().await
        };
        let (first, held, second) = tokio::join!(thrower.add(), held, thrower.add());
        assert_eq!(held.unwrap_err().code(), "action_panicked", "seed {seed}");
        let counts = (first.unwrap(), second.unwrap());
        assert_eq!(counts, (expected + 1, expected + 2), "seed {seed}");
        thrower.throw().tell().await.unwrap();
        expected += 3;
        assert_eq!(thrower.info().crashes, crashes, "seed {seed}");
        thrower.restart().await.unwrap();
        assert_eq!(thrower.count().await.unwrap(), expected, "seed {seed}");
    }
    room.system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stored_call_whose_argument_panics_when_it_is_read_is_a_dead_letter() {
    let room = room().await;
    let thrower = room.system.create::<Thrower>("a", ()).await.unwrap();
    let second = Duration::from_secs(1);
    thrower.take(Moody(14)).after(second).await.unwrap();
    MOODY.set(true);
    pass(2 * second).await;
    let letters = thrower.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    let reason = &letters[0].reason;
    assert!(
        reason.starts_with("its arguments cannot be read: "),
        "{reason}"
    );
    assert!(reason.contains("fourteen is not read"), "{reason}");
    assert_eq!(thrower.info().crashes, 0);
}
