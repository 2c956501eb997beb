//! The mailbox: order, back-pressure and tells.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actor_core::prelude::*;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::probe::{NEW, Probe, probes};
use crate::support::{Fault, directory, pass, settle, start};

#[tokio::test(start_paused = true)]
async fn calls_of_one_sender_are_handled_in_their_order() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    for index in 0..20 {
        if index % 3 == 0 {
            probe.add(index.to_string()).await.unwrap();
        } else {
            probe.add(index.to_string()).tell().await.unwrap();
        }
    }
    let expected: Vec<_> = (0..20).map(|index: i32| index.to_string()).collect();
    assert_eq!(probe.texts().await.unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_is_back_pressure_for_tell_and_an_error_for_try_tell() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    faults.set("hold", Fault::Hang);
    let held = tokio::spawn({
        let probe = probe.clone();
        async move { probe.hold().timeout(Duration::from_secs(1)).await }
    });
    settle().await;
    // Its mailbox holds 4 calls; the one that it works on is not among them.
    for index in 0..4 {
        probe.add(index.to_string()).try_tell().unwrap();
    }
    let full = probe.add("4").try_tell().unwrap_err();
    assert_eq!((full.group(), full.code()), ("queue", "full"));
    assert_eq!(
        full.to_string(),
        "the mailbox of probe \"a\" is full (4 calls)"
    );
    let late = probe
        .add("4")
        .timeout(Duration::from_secs(2))
        .tell()
        .await
        .unwrap_err();
    assert_eq!(late.code(), "ask_timed_out");
    // The action holds for its own 60 seconds; then there is room.
    let began = tokio::time::Instant::now();
    probe.add("5").tell().await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(58));
    held.await.unwrap().unwrap_err();
    faults.clear();
    assert_eq!(probe.texts().await.unwrap(), ["0", "1", "2", "3", "5"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_ask_gives_its_room_back() {
    let (_directory, _, faults, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    faults.set("hold", Fault::Hang);
    probe.hold().tell().await.unwrap();
    settle().await;
    for _ in 0..4 {
        probe.add("queued").try_tell().unwrap();
    }
    for _ in 0..10 {
        // None of these gets in, and none of them takes room for ever.
        let ask = tokio::time::timeout(Duration::from_millis(1), async {
            probe.add("dropped").await
        });
        assert!(ask.await.is_err());
    }
    faults.clear();
    pass(Duration::from_secs(61)).await;
    assert_eq!(probe.rows().await.unwrap(), 4);
    for _ in 0..4 {
        probe.add("again").try_tell().unwrap();
    }
    assert_eq!(probe.rows().await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_ask_that_is_dropped_while_it_runs_is_carried_out() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let ask = tokio::time::timeout(Duration::from_millis(500), async { probe.nap(1).await });
    assert!(ask.await.is_err());
    assert_eq!(probe.texts().await.unwrap(), ["nap"]);
}

#[tokio::test(start_paused = true)]
async fn a_tell_to_nobody_is_accepted_and_changes_nothing() {
    let (directory, _, _, system) = probes().await;
    let nobody = system.get::<Probe>("nobody");
    nobody.add("x").tell().await.unwrap();
    assert_eq!(nobody.rows().await.unwrap_err().code(), "not_found");
    assert_eq!(crate::support::files(directory.path(), "probe"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_lose_nothing() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let probe = probe.clone();
            tokio::spawn(async move {
                for index in 0..25 {
                    if index % 2 == 0 {
                        probe.add("asked").await.unwrap();
                    } else {
                        probe.add("told").tell().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    assert_eq!(probe.rows().await.unwrap(), 200);
}

/// Asks others, as it is told.
#[derive(Actor)]
#[actor(name = "asker")]
struct Asker {}

#[actor]
impl Asker {
    /// Asks the next in the list to go on with the rest.
    #[action]
    async fn pass_on(&mut self, cx: &mut Context<'_, Self>, mut names: Vec<String>) -> Result<u32> {
        if names.is_empty() {
            return Ok(1);
        }
        let next = names.remove(0);
        let next = cx.system().get_or_create::<Asker>(next, ());
        Ok(1 + next.pass_on(names).await?)
    }

    /// Tells the next one, which is never a cycle.
    #[action]
    async fn tell_on(&mut self, cx: &mut Context<'_, Self>, name: String) -> Result<()> {
        let next = cx.system().get_or_create::<Asker>(name, ());
        Ok(next.pass_on(vec![]).tell().await?)
    }
}

fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_asks_is_refused_at_once_with_its_path() {
    let directory = directory();
    let system = start::<Asker>(directory.path()).await;
    let began = tokio::time::Instant::now();
    let a = system.get_or_create::<Asker>("a", ());
    assert_eq!(a.pass_on(names("b c d")).await.unwrap(), 4);
    for (path, shown) in [
        ("a", "asker \"a\" -> asker \"a\""),
        ("b a", "asker \"a\" -> asker \"b\" -> asker \"a\""),
        ("b c b", "asker \"b\" -> asker \"c\" -> asker \"b\""),
    ] {
        let error = a.pass_on(names(path)).await.unwrap_err();
        let text = error.to_string();
        let expected = format!("the ask would wait for itself: {shown}");
        assert!(text.ends_with(&expected), "{text}");
    }
    // New actors are created on the way, in their preamble.
    let error = a.pass_on(names("x y a")).await.unwrap_err().to_string();
    assert!(
        error.ends_with("asker \"a\" -> asker \"x\" -> asker \"y\" -> asker \"a\""),
        "{error}"
    );
    a.tell_on("a").await.unwrap();
    assert_eq!(a.pass_on(names("b")).await.unwrap(), 2, "nobody hangs");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Has room for four calls, and starts when it is let.
#[derive(Actor)]
#[actor(name = "narrow", mailbox = 4, sleep_after = "30s")]
struct Narrow {
    #[state]
    count: State<u32>,
}

#[actor]
impl Narrow {
    #[on_wake]
    async fn wait(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let released = cx.system().extension::<Arc<Notify>>();
        released.unwrap().notified().await;
        Ok(())
    }

    #[action]
    fn read(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.count)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_for_room_and_runs_in_place_leaves_its_room_to_the_next() {
    let directory = directory();
    let released = Arc::new(Notify::new());
    let system = System::builder()
        .data_dir(directory.path())
        .extension(Arc::clone(&released))
        .register::<Narrow>()
        .start()
        .await
        .unwrap();
    released.notify_one();
    let narrow = system.create::<Narrow>("a", ()).await.unwrap();
    narrow.sleep().await.unwrap();
    // Four are in the mailbox, and the others in the line: more than get room at once.
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let narrow = narrow.clone();
            tokio::spawn(async move { narrow.read().await })
        })
        .collect();
    settle().await;
    let began = Instant::now();
    released.notify_one();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 0);
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Is in memory only, and has room for four calls.
#[derive(Actor)]
#[actor(name = "small", mailbox = 4)]
struct Small {
    #[vars]
    counted: u32,
}

/// How often actors told themselves to go on.
#[derive(Default)]
struct Rounds(AtomicU32);

#[actor]
impl Small {
    #[action]
    fn count(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        self.counted += 1;
        Ok(self.counted)
    }

    /// Waits until it is released.
    #[action]
    async fn wait(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let released = cx.system().extension::<Arc<Notify>>();
        released.unwrap().notified().await;
        Ok(())
    }

    /// Tells itself the same, until it was told so often.
    #[action]
    fn go_on(&mut self, cx: &mut Context<'_, Self>, until: u32) -> Result<()> {
        let rounds = cx.system().extension::<Rounds>().unwrap();
        if rounds.0.fetch_add(1, Ordering::SeqCst) < until {
            cx.handle().go_on(until).try_tell()?;
        }
        Ok(())
    }

    /// Does the same, and could wait.
    #[action]
    async fn go_on_later(&mut self, cx: &mut Context<'_, Self>, until: u32) -> Result<()> {
        let rounds = cx.system().extension::<Rounds>().unwrap();
        if rounds.0.fetch_add(1, Ordering::SeqCst) < until {
            cx.handle().go_on_later(until).try_tell()?;
        }
        Ok(())
    }
}

/// Starts an actor in memory, and returns what releases it.
async fn small() -> (tempfile::TempDir, Arc<Notify>, System, SmallHandle) {
    let (directory, released) = (directory(), Arc::new(Notify::new()));
    let system = System::builder()
        .data_dir(directory.path())
        .extension(Arc::clone(&released))
        .extension(Rounds::default())
        .register::<Small>()
        .start()
        .await
        .unwrap();
    let small = system.get::<Small>("a");
    (directory, released, system, small)
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_taken_with_one_that_waits_leave_their_room() {
    let (_directory, released, _system, small) = small().await;
    let asked = tokio::spawn({
        let small = small.clone();
        async move {
            // Behind a tell they do not run in place, so that all are taken together.
            small.count().tell().await.unwrap();
            let count = async || small.count().await.unwrap();
            tokio::join!(count(), count(), async { small.wait().await.unwrap() })
        }
    });
    settle().await;
    // All are handled but the last, which is no more in the mailbox.
    for _ in 0..4 {
        small.count().try_tell().unwrap();
    }
    assert_eq!(small.count().try_tell().unwrap_err().code(), "full");
    released.notify_one();
    assert_eq!(asked.await.unwrap(), (2, 3, ()));
    assert_eq!(small.count().await.unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_tells_itself_lets_others_run() {
    let (_directory, released, system, small) = small().await;
    // What may wait is handled in another way, which is kept.
    released.notify_one();
    small.wait().await.unwrap();
    let rounds = system.extension::<Rounds>().unwrap();
    small.go_on(10_000).tell().await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(rounds.0.load(Ordering::SeqCst), 256);
    settle().await;
    assert_eq!(rounds.0.swap(0, Ordering::SeqCst), 10_001);
    small.go_on_later(10_000).tell().await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(rounds.0.load(Ordering::SeqCst), 256);
}

#[tokio::test(start_paused = true)]
async fn a_tell_that_is_over_holds_no_room() {
    let (_directory, released, _system, small) = small().await;
    small.wait().tell().await.unwrap();
    settle().await;
    for _ in 0..4 {
        small.count().try_tell().unwrap();
    }
    let count = || small.count().timeout(Duration::from_secs(1));
    let mut told = [(); 2].map(|()| Box::pin(count().tell()));
    let mut asked = [(); 2].map(|()| Box::pin(count().into_future()));
    for told in &mut told {
        assert_eq!(told.await.unwrap_err().code(), "ask_timed_out");
    }
    for asked in &mut asked {
        assert_eq!(asked.await.unwrap_err().code(), "ask_timed_out");
    }
    let others = [(); 4].map(|()| {
        let small = small.clone();
        tokio::spawn(async move { small.count().tell().await })
    });
    settle().await;
    released.notify_one();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(small.count().await.unwrap(), 9);
}
