//! Ends that meet calls, panics and each other: one instance a key, and an answer for everybody.

use std::collections::BTreeMap;
use std::future::IntoFuture as _;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;

use crate::support::{directory, keys, pass, settle, start};

/// Fails in the ways that are not an error of a hook.
#[derive(Actor)]
#[actor(name = "busy", sleep_after = "never")]
struct Busy {
    #[state]
    count: State<Count>,
}

/// A state whose serialization panics above 99.
#[derive(Clone, Debug, Default, serde::Deserialize)]
struct Count {
    number: u32,
}

impl serde::Serialize for Count {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        assert!(self.number < 100, "the state panics");
        let mut fields = serializer.serialize_struct("Count", 1)?;
        fields.serialize_field("number", &self.number)?;
        fields.end()
    }
}

/// Holds the other end of what a blocking call waits for.
struct Held(Mutex<Receiver<()>>);

#[actor]
impl Busy {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, number: u32) -> Result<u32> {
        self.count.number += number;
        Ok(self.count.number)
    }

    #[action]
    async fn panic_later(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        panic!("later")
    }

    /// Begins a blocking call, gives it up, and ends well.
    #[action]
    async fn give_up(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let system = cx.system().clone();
        let waits = cx.blocking(move |_db| {
            let held = system.extension::<Held>().expect("the test put it there");
            let _ = held.0.lock().expect("nobody panics with it").recv();
            Ok::<_, Failure>(())
        });
        tokio::select! {
            biased;
            waited = waits => waited,
            () = tokio::task::yield_now() => Ok(()),
        }
    }

    #[action]
    fn raw(&mut self, cx: &mut Context<'_, Self>, sql: String) -> Result<()> {
        use diesel::connection::SimpleConnection as _;
        Ok(cx.db().batch_execute(&sql)?)
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_although_the_last_action_panics() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(1).await.unwrap();
    busy.panic_later().tell().await.unwrap();
    settle().await;
    let began = tokio::time::Instant::now();
    system.shutdown().await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_sleep_behind_a_panic_is_a_sleep() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(1).await.unwrap();
    busy.panic_later().tell().await.unwrap();
    settle().await;
    busy.sleep().await.unwrap();
    assert_eq!(busy.status(), Status::Asleep);
    pass(Duration::from_secs(5)).await;
    assert_eq!(busy.status(), Status::Asleep);
}

/// Its background panics an action while the actor stops.
#[derive(Actor)]
#[actor(name = "runner", sleep_after = "never")]
struct Runner {
    #[state]
    number: State<u32>,
}

#[actor]
impl Runner {
    #[run]
    async fn beside(mut background: Background<Self>) -> Result<()> {
        background.aborted().await;
        let _ = background.handle().panic_once().await;
        Ok(())
    }

    #[action]
    fn panic_once(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let first = cx
            .system()
            .extension::<Mutex<bool>>()
            .expect("the test put it there");
        let was = std::mem::replace(&mut *first.lock().expect("nobody panics with it"), false);
        assert!(!was, "once");
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.number += 1;
        Ok(*self.number)
    }
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_a_panic_interrupts_is_carried_out() {
    let directory = directory();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Runner>()
        .extension(Mutex::new(true))
        .start()
        .await
        .unwrap();
    let runner = system.get_or_create::<Runner>("a", ());
    runner.add().await.unwrap();
    runner.destroy().await.unwrap();
    let gone = system.get::<Runner>("a").add().await.unwrap_err();
    assert_eq!(gone.code(), "not_found");
    assert_eq!(keys::<Runner>(&system).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_meet_a_sleep_are_answered_by_one_instance_or_the_next() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(0).await.unwrap();
    let mut errors = BTreeMap::<String, u32>::new();
    for _ in 0..300 {
        let sleeper = busy.clone();
        let sleeper = tokio::spawn(async move { sleeper.sleep().await });
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let busy = busy.clone();
                tokio::spawn(async move {
                    for _ in 0..10 {
                        busy.add(0).await?;
                    }
                    Ok::<_, CallError>(())
                })
            })
            .collect();
        sleeper.await.unwrap().unwrap();
        for caller in callers {
            if let Err(error) = caller.await.unwrap() {
                *errors.entry(error.to_string()).or_default() += 1;
            }
        }
    }
    assert_eq!(errors, BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_sleep_the_actor_is_asleep() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    for _ in 0..300 {
        busy.add(0).await.unwrap();
        busy.sleep().await.unwrap();
        assert_eq!(busy.status(), Status::Asleep);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_was_given_up_can_be_repeated() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(1).await.unwrap();
    busy.panic_later().tell().await.unwrap();
    settle().await;
    let first = tokio::time::timeout(Duration::from_millis(1), system.shutdown());
    assert!(first.await.is_err());
    let (second, third) = tokio::join!(system.shutdown(), system.shutdown());
    second.unwrap();
    third.unwrap();
    start::<Busy>(directory.path()).await;
}

#[tokio::test]
async fn a_blocking_call_that_was_given_up_is_waited_for() {
    let directory = directory();
    let (go_on, held) = channel();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Busy>()
        .extension(Held(Mutex::new(held)))
        .start()
        .await
        .unwrap();
    let busy = system.get_or_create::<Busy>("a", ());
    assert_eq!(busy.add(1).await.unwrap(), 1);
    let (gave_up, added, ()) = tokio::join!(
        async { busy.give_up().await },
        async { busy.add(1).await },
        async {
            settle().await;
            go_on.send(()).unwrap();
        }
    );
    gave_up.unwrap();
    assert_eq!(added.unwrap(), 2);
}

/// Its input cannot be cloned.
#[derive(Debug)]
struct Uncloned;

impl Clone for Uncloned {
    fn clone(&self) -> Self {
        panic!("the input panics")
    }
}

#[derive(Actor)]
#[actor(name = "picky")]
struct Picky {}

#[actor]
impl Picky {
    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, _input: Uncloned) -> Result<()> {
        Ok(())
    }

    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_users_traits_is_an_error_of_the_call() {
    let directory = directory();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Busy>()
        .register::<Picky>()
        .start()
        .await
        .unwrap();
    let picky = system.get_or_create::<Picky>("a", Uncloned);
    assert_eq!(
        picky.ping().await.unwrap_err().to_string(),
        "picky \"a\" did not start: create_state (`create_state`) panicked: the input panics"
    );
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(1).await.unwrap();
    assert_eq!(
        busy.add(99).await.unwrap_err().to_string(),
        "`add` of busy \"a\" panicked: the state panics"
    );
    assert_eq!(busy.add(1).await.unwrap(), 2);
}

#[test]
fn without_its_runtime_a_system_is_shut_down() {
    let directory = directory();
    let first = tokio::runtime::Runtime::new().unwrap();
    let (system, busy) = first.block_on(async {
        let system = start::<Busy>(directory.path()).await;
        let busy = system.get_or_create::<Busy>("a", ());
        busy.add(1).await.unwrap();
        busy.sleep().await.unwrap();
        (system, busy)
    });
    drop(first);
    let second = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (asked, destroyed) =
        second.block_on(async { (busy.add(1).into_future().await, busy.destroy().await) });
    assert_eq!(asked.unwrap_err().code(), "shut_down");
    assert_eq!(destroyed.unwrap_err().code(), "shut_down");
    drop(system);
}

#[tokio::test(start_paused = true)]
async fn types_that_are_not_registered_are_compared_too() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    system.create::<Busy>("a", ()).await.unwrap();
    system.shutdown().await.unwrap();
    std::fs::remove_file(directory.path().join("directory.db")).unwrap();
    start::<Picky>(directory.path())
        .await
        .shutdown()
        .await
        .unwrap();
    let system = start::<Busy>(directory.path()).await;
    assert_eq!(keys::<Busy>(&system).await, ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_cannot_reach_the_savepoints_of_its_neighbours() {
    let directory = directory();
    let system = start::<Busy>(directory.path()).await;
    let busy = system.get_or_create::<Busy>("a", ());
    busy.add(1).await.unwrap();
    for sql in [
        "SAVEPOINT x",
        "RELEASE _actor_call",
        "ROLLBACK TO _actor_call",
    ] {
        let (before, refused, after) = tokio::join!(
            async { busy.add(1).await },
            async { busy.raw(sql).await },
            async { busy.add(1).await },
        );
        before.unwrap();
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.ends_with("is not for handlers: Diesel's `transaction` makes savepoints"),
            "{refused}"
        );
        after.unwrap();
    }
    assert_eq!(busy.add(0).await.unwrap(), 7);
}
