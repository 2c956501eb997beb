//! Code that fails in every way in which it can is counted, undone and told, and is a dead letter in the end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::Lab;
use actor_core::{CallError, Event};

/// How an action fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Way {
    DisplayPanics,
    DisplayFails,
    DisplayIsEndless,
    DebugAndSourcePanic,
    ErrorDropPanics,
    PayloadDropPanics,
    ReplyDropPanics,
    EventDropPanics,
    HeldDropPanics,
}

const WAYS: [Way; 9] = [
    Way::DisplayPanics,
    Way::DisplayFails,
    Way::DisplayIsEndless,
    Way::DebugAndSourcePanic,
    Way::ErrorDropPanics,
    Way::PayloadDropPanics,
    Way::ReplyDropPanics,
    Way::EventDropPanics,
    Way::HeldDropPanics,
];

/// An error whose code fails.
struct Vile(Way);

impl fmt::Display for Vile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Way::DisplayPanics => panic!("the display panics"),
            Way::DisplayFails => Err(fmt::Error),
            Way::DisplayIsEndless => f.write_str(&"long ".repeat(100_000)),
            way => write!(f, "{way:?}"),
        }
    }
}

impl fmt::Debug for Vile {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("the debug panics")
    }
}

impl std::error::Error for Vile {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("the source panics")
    }
}

impl Drop for Vile {
    fn drop(&mut self) {
        assert!(
            self.0 != Way::ErrorDropPanics,
            "the drop of an error panics"
        );
    }
}

/// Panics when it is dropped.
#[derive(Clone, Event)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb is dropped")
    }
}

#[derive(Actor)]
#[actor(name = "victim", sleep_after = "never", restarts = 1000)]
struct Victim {
    #[state]
    count: State<u32>,
}

/// How often the code ran.
#[derive(Clone, Default)]
struct Ran(Arc<AtomicU32>);

#[actor]
impl Victim {
    #[action]
    fn suffer(&mut self, cx: &mut Context<'_, Self>, way: Way) -> Result<Option<Bomb>> {
        cx.system()
            .extension::<Ran>()
            .unwrap()
            .0
            .fetch_add(1, Ordering::SeqCst);
        *self.count += 1;
        match way {
            Way::PayloadDropPanics => std::panic::panic_any(Bomb),
            // It is not returned to anybody, and commits.
            Way::ReplyDropPanics => Ok(Some(Bomb)),
            Way::EventDropPanics => {
                cx.emit(Bomb);
                Err(Failure::message("its event is undone"))
            }
            Way::HeldDropPanics => {
                let _held = Bomb;
                Ok(None)
            }
            way => Err(Vile(way).into()),
        }
    }

    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>, way: Way) -> Result<()> {
        let other = cx.system().get::<Self>("other");
        cx.send(other.suffer(way))?;
        Ok(())
    }

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.count)
    }
}

async fn lab() -> Lab {
    let lab = Lab::builder()
        .extension(Ran::default())
        .register::<Victim>();
    lab.start().await.unwrap()
}

fn ran(lab: &Lab) -> u32 {
    lab.system()
        .extension::<Ran>()
        .unwrap()
        .0
        .swap(0, Ordering::SeqCst)
}

const DAY: Duration = Duration::from_hours(24);

#[tokio::test(start_paused = true)]
async fn a_poison_timer_is_tried_ten_times_and_is_a_dead_letter_then() {
    for way in WAYS {
        let mut lab = lab().await;
        let victim = lab.get_or_create::<Victim>("a", ());
        let _bombs = victim.subscribe::<Bomb>().unwrap();
        victim
            .suffer(way)
            .after(Duration::from_secs(1))
            .await
            .unwrap();
        lab.advance(DAY).await;
        let letters = victim.dead_letters().await.unwrap();
        assert_eq!(victim.timers().await.unwrap(), [], "{way:?}");
        if way == Way::ReplyDropPanics {
            assert_eq!((ran(&lab), letters.len()), (1, 0));
            assert_eq!(victim.count().await.unwrap(), 1);
            continue;
        }
        assert_eq!(letters.len(), 1, "{way:?}");
        let [letter] = letters.try_into().unwrap();
        assert_eq!(
            (letter.tries, victim.count().await.unwrap()),
            (10, 0),
            "{way:?}"
        );
        assert!(letter.reason.len() < 5_000, "{way:?}");
        assert!(ran(&lab) <= 10, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poison_message_is_tried_ten_times_and_is_a_dead_letter_of_its_sender_then() {
    for way in WAYS {
        let mut lab = lab().await;
        let victim = lab.get_or_create::<Victim>("a", ());
        let other = lab.get_or_create::<Victim>("other", ());
        assert_eq!(other.count().await.unwrap(), 0);
        let _bombs = other.subscribe::<Bomb>().unwrap();
        victim.send(way).await.unwrap();
        lab.advance(DAY).await;
        let letters = victim.dead_letters().await.unwrap();
        assert_eq!(victim.outbox().await.unwrap(), [], "{way:?}");
        let well = way == Way::ReplyDropPanics;
        assert_eq!(letters.len(), usize::from(!well), "{way:?}");
        assert_eq!(other.count().await.unwrap(), u32::from(well), "{way:?}");
        let ran = ran(&lab);
        assert!(if well { ran == 1 } else { ran <= 10 }, "{way:?}: {ran}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_gets_an_error_that_can_be_shown_and_dropped() {
    let lab = lab().await;
    let victim = lab.get_or_create::<Victim>("a", ());
    let shown = |text: &str| format!("`suffer` of victim \"a\" failed: {text}");
    let name = std::any::type_name::<Vile>();
    for (way, text) in [
        (
            Way::DisplayPanics,
            format!(
                "<an error of type {name}, which panicked where it was to be shown: the display panics>"
            ),
        ),
        (
            Way::DisplayFails,
            format!("<an error of type {name}, which cannot be shown>"),
        ),
        (Way::DebugAndSourcePanic, "DebugAndSourcePanic".to_owned()),
        (Way::ErrorDropPanics, "ErrorDropPanics".to_owned()),
    ] {
        let error = victim.suffer(way).await.map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), shown(&text));
        assert_eq!(error.downcast_ref::<Vile>().unwrap().0, way);
        assert!(format!("{error:?}").contains("the debug panics"));
        let source = std::error::Error::source(&error).unwrap();
        assert!(source.source().is_none());
    }
    let error = victim.suffer(Way::PayloadDropPanics).await.map(|_| ());
    let CallError::Panicked { name, panic, .. } = error.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!(
        (name, panic.as_str()),
        ("suffer", "the panic carried no text")
    );
    assert_eq!(victim.count().await.unwrap(), 0);
}

/// Panics, or drops what panics, after its time.
#[derive(Actor)]
#[actor(name = "laggard", sleep_after = "never")]
struct Laggard {
    #[vars]
    calls: u32,
}

#[actor]
impl Laggard {
    #[action(timeout = "20ms")]
    fn hold(&mut self, _cx: &mut Context<'_, Self>, panics: bool) -> Result<u32> {
        self.calls += 1;
        std::thread::sleep(Duration::from_millis(200));
        assert!(!panics, "it comes late");
        Ok(self.calls)
    }

    #[action(timeout = "1s")]
    async fn wait(&mut self, _cx: &mut Context<'_, Self>, panics: bool) -> Result<u32> {
        self.calls += 1;
        // What moves the clock does not wait.
        tokio::time::sleep(Duration::ZERO).await;
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!panics, "it comes late");
        Ok(self.calls)
    }

    #[action(timeout = "20ms")]
    fn late_bomb(&mut self, _cx: &mut Context<'_, Self>) -> Result<Bomb> {
        self.calls += 1;
        std::thread::sleep(Duration::from_millis(200));
        Ok(Bomb)
    }

    #[action]
    fn calls(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.calls)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_panic_however_late_it_comes() {
    let directory = crate::support::directory();
    let system = crate::support::start::<Laggard>(directory.path()).await;
    let laggard = system.get_or_create::<Laggard>("a", ());
    let panicked = |result: Result<u32, CallError>| match result.unwrap_err() {
        CallError::Panicked { panic, .. } => panic,
        error => panic!("another error: {error}"),
    };
    assert_eq!(panicked(laggard.hold(true).await), "it comes late");
    // The instance did not go on.
    assert_eq!(laggard.calls().await.unwrap(), 0);
    assert_eq!(laggard.info().crashes, 1);
    let late = laggard.hold(false).await.unwrap_err();
    assert_eq!(
        (late.code(), laggard.calls().await.unwrap()),
        ("action_timed_out", 1)
    );
    let bomb = laggard.late_bomb().await.map(|_| 0);
    assert_eq!(panicked(bomb), "a bomb is dropped");
    assert_eq!(laggard.calls().await.unwrap(), 0);
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn so_is_one_of_an_async_action() {
    let directory = crate::support::directory();
    let system = crate::support::start::<Laggard>(directory.path()).await;
    let laggard = system.get_or_create::<Laggard>("a", ());
    let error = laggard.wait(true).await.unwrap_err();
    let CallError::Panicked { panic, .. } = error else {
        panic!("another error: {error}");
    };
    assert_eq!(panic, "it comes late");
    assert_eq!(laggard.info().crashes, 1);
    assert_eq!(laggard.calls().await.unwrap(), 0);
    system.shutdown().await.unwrap();
}

/// Where the child that aborts has its data.
const DIRECTORY: &str = "DURABLE_ACTORS_ABORTED_DIRECTORY";

/// Ends the process.
#[derive(Actor)]
#[actor(name = "killer", sleep_after = "never")]
struct Killer {
    #[state]
    count: State<u32>,
}

#[actor]
impl Killer {
    #[action]
    fn abort(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.count += 1;
        // A test that fails must not end by it.
        if std::env::var_os(DIRECTORY).is_some() {
            std::process::abort();
        }
        Ok(())
    }

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.count)
    }
}

/// The child: starts the system, and waits for its end.
#[tokio::test]
#[ignore = "a child of the test below"]
async fn aborted_child() {
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let system = crate::support::start::<Killer>(directory.as_ref()).await;
    let killer = system.get_or_create::<Killer>("a", ());
    if std::env::var_os("DURABLE_ACTORS_ABORTED_FIRST").is_some() {
        // Not at once: what is not on disk yet would be gone with the process.
        let later = Duration::from_secs(1);
        killer.abort().after(later).await.unwrap();
    }
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_timer_that_ends_the_process_is_counted_by_the_next_one() {
    let directory = crate::support::directory();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["poison::aborted_child", "--exact", "--ignored"])
        .env(DIRECTORY, directory.path())
        .env("DURABLE_ACTORS_ABORTED_FIRST", "yes")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    assert!(!child.status().unwrap().success());
    // This one counts it and pauses, instead of running it again at once.
    let system = crate::support::start::<Killer>(directory.path()).await;
    let killer = system.get::<Killer>("a");
    let timers = loop {
        let timers = killer.timers().await.unwrap();
        if timers.iter().all(|timer| timer.tries > 0) {
            break timers;
        }
        tokio::task::yield_now().await;
    };
    let told: Vec<_> = timers
        .iter()
        .map(|timer| (timer.tries, timer.last_error.as_deref()))
        .collect();
    assert_eq!(told, [(1, Some("the process ended while it ran"))]);
    assert_eq!(killer.count().await.unwrap(), 0);
    system.shutdown().await.unwrap();
}
