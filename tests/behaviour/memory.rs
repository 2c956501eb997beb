//! Actors without a database: in memory, and nowhere else.

use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;

use crate::support::{Faults, Log, builder, directory, keys, pass, reach, settle, start};

/// Adds up what it is sent. It has neither tables nor a state.
#[derive(Actor)]
#[actor(name = "sum", sleep_after = "10s")]
pub(crate) struct Sum {
    #[vars]
    sum: u64,
}

#[actor]
impl Sum {
    #[action]
    pub(crate) fn add(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        self.sum += number;
        Ok(self.sum)
    }

    #[action]
    async fn add_later(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.sum += number;
        Ok(self.sum)
    }

    #[action]
    fn fail(&mut self, _cx: &mut Context<'_, Self>, panics: bool) -> Result<()> {
        self.sum += 100;
        assert!(!panics, "the sum panics");
        Err(Failure::message("the sum fails"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_without_tables_and_state_leaves_nothing_behind() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.create::<Sum>("a", ()).await.unwrap();
    assert_eq!(sum.add(1).await.unwrap(), 1);
    system.get_or_create::<Sum>("b", ()).add(1).await.unwrap();
    assert_eq!(keys::<Sum>(&system).await, ["a", "b"]);
    assert!(!directory.path().join("sum").exists());
    sum.sleep().await.unwrap();
    assert_eq!(sum.status(), Status::Asleep);
    assert_eq!(keys::<Sum>(&system).await, ["b"]);
    system.shutdown().await.unwrap();
    let system = start::<Sum>(directory.path()).await;
    assert_eq!(keys::<Sum>(&system).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn one_that_needs_no_input_is_there_for_every_handle() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.get::<Sum>("a");
    assert_eq!(sum.destroy().await.unwrap_err().code(), "not_found");
    assert_eq!(sum.add(1).await.unwrap(), 1);
    let taken = system.create::<Sum>("a", ()).await.unwrap_err();
    assert_eq!(taken.code(), "already_exists");
    assert_eq!(sum.add(1).await.unwrap(), 2);
    // What it had is gone with it, when it slept and when it was destroyed.
    pass(Duration::from_secs(11)).await;
    assert_eq!(sum.status(), Status::Asleep);
    assert_eq!(sum.add(1).await.unwrap(), 1);
    sum.destroy().await.unwrap();
    assert_eq!(sum.add(1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_error_undoes_nothing_in_memory_and_a_panic_starts_it_anew() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.get::<Sum>("a");
    assert_eq!(sum.add(1).await.unwrap(), 1);
    let failed = sum.fail(false).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "`fail` of sum \"a\" failed: the sum fails"
    );
    assert_eq!(sum.add(1).await.unwrap(), 102);
    let (panicked, behind) =
        tokio::join!(async { sum.fail(true).await }, async { sum.add(1).await });
    assert_eq!(
        panicked.unwrap_err().to_string(),
        "`fail` of sum \"a\" panicked: the sum panics"
    );
    assert_eq!(behind.unwrap(), 1, "a call behind the panic is answered");
}

#[tokio::test(start_paused = true)]
async fn asks_and_tells_of_one_sender_keep_their_order() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.get::<Sum>("a");
    for round in 0..10 {
        assert_eq!(sum.add(1).await.unwrap(), round * 6 + 1);
        sum.add(1).tell().await.unwrap();
        sum.add_later(1).tell().await.unwrap();
        sum.add(1).tell().await.unwrap();
        assert_eq!(sum.add_later(1).await.unwrap(), round * 6 + 5);
        assert_eq!(sum.add(1).await.unwrap(), round * 6 + 6);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_an_action_that_waits_and_a_dropped_ask_is_carried_out() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.get::<Sum>("a");
    let began = tokio::time::Instant::now();
    let dropped =
        tokio::time::timeout(Duration::from_millis(500), async { sum.add_later(1).await });
    assert!(dropped.await.is_err());
    assert_eq!(sum.add(1).await.unwrap(), 2);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    let late = sum.add_later(1).timeout(Duration::from_millis(10)).await;
    assert_eq!(late.unwrap_err().code(), "ask_timed_out");
    assert_eq!(sum.add(1).await.unwrap(), 4);
}

/// Says what runs, and needs something to start with.
#[derive(Actor)]
#[actor(name = "guest")]
struct Guest {
    #[vars]
    made: u32,
}

#[actor]
impl Guest {
    #[create_state]
    fn create_state(cx: &mut Context<'_, Self, Migrated>, name: &'static str) -> Result<()> {
        let log = cx.system().extension::<Log>();
        log.expect("the test put it there").push(name);
        Ok(())
    }

    #[on_create]
    async fn on_create(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        reach(cx.system(), "on_create").await
    }

    #[create_vars]
    async fn create_vars(cx: &mut Context<'_, Self, Stateful>) -> Result<u32> {
        reach(cx.system(), "create_vars").await?;
        Ok(7)
    }

    #[on_wake]
    async fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        reach(cx.system(), "on_wake").await
    }

    #[on_sleep]
    async fn on_sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_sleep").await
    }

    #[on_destroy]
    async fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "on_destroy").await
    }

    #[action]
    fn made(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.made)
    }

    #[action]
    fn panics(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("a guest panics")
    }
}

async fn guests(directory: &std::path::Path) -> (Log, Faults, System) {
    let (log, faults) = (Log::default(), Faults::default());
    let system = builder(directory, &log, &faults)
        .register::<Guest>()
        .start()
        .await
        .unwrap();
    (log, faults, system)
}

#[tokio::test(start_paused = true)]
async fn all_hooks_run_and_those_of_a_creation_once_a_life() {
    let directory = directory();
    let (log, _, system) = guests(directory.path()).await;
    let guest = system.create::<Guest>("a", "ann").await.unwrap();
    assert_eq!(guest.made().await.unwrap(), 7);
    assert_eq!(log.take(), ["ann", "on_create", "create_vars", "on_wake"]);
    guest.panics().await.unwrap_err();
    assert_eq!(guest.made().await.unwrap(), 7);
    assert_eq!(log.take(), ["create_vars", "on_wake"]);
    guest.sleep().await.unwrap();
    assert_eq!(log.take(), ["on_sleep"]);
    assert_eq!(guest.made().await.unwrap_err().code(), "not_found");
    let guest = system.get_or_create::<Guest>("a", "bob");
    assert_eq!(guest.made().await.unwrap(), 7);
    assert_eq!(log.take(), ["bob", "on_create", "create_vars", "on_wake"]);
    guest.destroy().await.unwrap();
    assert_eq!(log.take(), ["on_destroy"]);
    assert_eq!(guest.destroy().await.unwrap_err().code(), "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_leaves_nobody() {
    let directory = directory();
    let (log, faults, system) = guests(directory.path()).await;
    let guest = system.get_or_create::<Guest>("a", "ann");
    for (place, code) in [("on_create", "hook_failed"), ("on_wake", "hook_failed")] {
        faults.set(place, crate::support::Fault::Fail);
        assert_eq!(guest.made().await.unwrap_err().code(), code);
        assert_eq!(guest.status(), Status::Asleep);
        assert_eq!(keys::<Guest>(&system).await, [""; 0]);
        faults.clear();
        pass(Duration::from_secs(1)).await;
    }
    log.take();
    assert_eq!(guest.made().await.unwrap(), 7);
}

/// Asks the next, as deep as it is told.
#[derive(Actor)]
#[actor(name = "link")]
struct Link {}

#[actor]
impl Link {
    #[action]
    async fn deep(&mut self, cx: &mut Context<'_, Self>, left: u32) -> Result<u32> {
        if left == 0 {
            return Ok(0);
        }
        let next = cx.system().get::<Link>(left.to_string());
        Ok(1 + next.deep(left - 1).await?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actors_ask_each_other_as_deep_as_they_like() {
    let directory = directory();
    let system = start::<Link>(directory.path()).await;
    assert_eq!(system.get::<Link>("first").deep(300).await.unwrap(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_meet_sleeps_and_lose_nothing() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let clients: Vec<_> = (0..8_u64)
        .map(|client| {
            let sum = system.get::<Sum>("a");
            tokio::spawn(async move {
                let mut answered = 0;
                for round in 0..500 {
                    if client == 0 && round % 10 == 0 {
                        sum.sleep().await.unwrap();
                    }
                    if round % 3 == 0 {
                        sum.add(1).tell().await.unwrap();
                    }
                    answered += u64::from(sum.add(1).await.unwrap() > 0);
                }
                answered
            })
        })
        .collect();
    for client in clients {
        assert_eq!(client.await.unwrap(), 500);
    }
    system.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_of_one_actor_add_up() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let clients: Vec<_> = (0..32)
        .map(|client| {
            let sum = system.get::<Sum>("a");
            tokio::spawn(async move {
                let mut last = 0;
                for round in 0..1_000 {
                    if (client + round) % 7 == 0 {
                        sum.add(0).tell().await.unwrap();
                    }
                    let now = sum.add(1).await.unwrap();
                    assert!(now > last, "one client's calls keep their order");
                    last = now;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(system.get::<Sum>("a").add(0).await.unwrap(), 32_000);
}

#[test]
fn an_ask_from_another_runtime_is_answered_in_the_runtime_of_the_system() {
    let directory = directory();
    let first = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let system = first.block_on(start::<Sum>(directory.path()));
    // One without a timer, which the action needs.
    let second = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sum = system.get::<Sum>("a");
    second.block_on(async {
        assert_eq!(sum.add(1).await.unwrap(), 1);
        assert_eq!(sum.add_later(1).await.unwrap(), 2);
        sum.add(1).tell().await.unwrap();
        assert_eq!(sum.add(1).await.unwrap(), 4);
    });
    drop(first);
    let gone = second.block_on(async { sum.add(1).await });
    assert_eq!(gone.unwrap_err().code(), "shut_down");
}

#[tokio::test(start_paused = true)]
async fn an_idle_actor_in_memory_sleeps_after_its_time_and_not_before() {
    let directory = directory();
    let system = start::<Sum>(directory.path()).await;
    let sum = system.get::<Sum>("a");
    sum.add(1).await.unwrap();
    pass(Duration::from_millis(9_900)).await;
    sum.add(1).await.unwrap();
    pass(Duration::from_millis(9_900)).await;
    assert_eq!(sum.status(), Status::Awake);
    pass(Duration::from_millis(200)).await;
    settle().await;
    assert_eq!(sum.status(), Status::Asleep);
}

/// Has no database, and wants what needs one.
#[derive(Actor)]
#[actor(name = "forgetful")]
struct Forgetful {}

#[actor]
impl Forgetful {
    #[action]
    fn plan(&mut self, cx: &mut Context<'_, Self>) -> Result<String> {
        let refused = cx.after(Duration::from_secs(1), cx.handle().nothing());
        Ok(refused.unwrap_err().to_string())
    }

    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>) -> Result<String> {
        let other = cx.system().get::<Forgetful>("other");
        Ok(cx.send(other.nothing()).unwrap_err().to_string())
    }

    #[action]
    fn nothing(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

/// Has a database.
#[derive(Actor)]
#[actor(name = "mindful")]
struct Mindful {
    #[state]
    sent: State<u64>,
}

#[actor]
impl Mindful {
    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>) -> Result<String> {
        *self.sent += 1;
        let other = cx.system().get::<Forgetful>("other");
        Ok(cx.send(other.nothing()).unwrap_err().to_string())
    }
}

#[tokio::test(start_paused = true)]
async fn one_stores_no_calls_and_is_sent_no_messages() {
    let directory = directory();
    let types = System::builder().data_dir(directory.path());
    let types = types.register::<Forgetful>();
    let system = types.register::<Mindful>().start().await.unwrap();
    let forgetful = system.get::<Forgetful>("a");
    let cure = "`#[state]` or `#[migrate]` gives it a database";
    assert_eq!(
        forgetful.plan().await.unwrap(),
        format!("forgetful \"a\" is in memory only, so it has no timers: {cure}")
    );
    assert_eq!(
        forgetful.send().await.unwrap(),
        format!("forgetful \"a\" is in memory only, so it has no outbox: {cure}")
    );
    let stores_none =
        |key: &str| format!("forgetful \"{key}\" is in memory only, so it stores no calls: {cure}");
    let error = forgetful.nothing().after(Duration::from_secs(1)).await;
    let error = error.unwrap_err();
    assert_eq!((error.group(), error.code()), ("actor", "in_memory"));
    assert_eq!(error.to_string(), stores_none("a"));
    let error = forgetful.dead_letters().await.unwrap_err();
    assert_eq!(error.to_string(), stores_none("a"));
    let mindful = system.get_or_create::<Mindful>("m", ());
    assert_eq!(
        mindful.send().await.unwrap(),
        format!("there can be no receiver: {}", stores_none("other"))
    );
    system.shutdown().await.unwrap();
}
