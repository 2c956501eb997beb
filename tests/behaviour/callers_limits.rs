//! A caller's limit is kept, whatever the code does that runs for the call or in front of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use actor_core::prelude::*;

use crate::support::{directory, start};

/// A gate at which code holds its thread until it is opened.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    /// Holds the thread. The limit only ends a test that fails.
    fn pass(&self) {
        let opened = self.0.0.lock().unwrap();
        let longest = Duration::from_secs(30);
        let waited = self.0.1.wait_timeout_while(opened, longest, |open| !*open);
        drop(waited.unwrap());
    }
}

/// Opens a gate when it is dropped, so that a test that fails ends.
struct Opens(Gate);

impl Drop for Opens {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// In memory only: its actions may run in place of who asks.
#[derive(Actor)]
#[actor(name = "blocker", sleep_after = "never")]
struct Blocker {}

#[actor]
impl Blocker {
    #[on_create]
    fn created(cx: &mut Context<'_, Self, actor_core::Stateful>) -> Result<()> {
        if cx.key().as_str() == "slow start" {
            cx.system().extension::<Gate>().unwrap().pass();
        }
        Ok(())
    }

    /// Holds its thread at a gate, or not.
    #[action]
    fn block(&mut self, _cx: &mut Context<'_, Self>, gate: Option<Gate>) -> Result<()> {
        if let Some(gate) = gate {
            gate.pass();
        }
        Ok(())
    }

    #[action]
    async fn block_and_wait(&mut self, _cx: &mut Context<'_, Self>, gate: Gate) -> Result<()> {
        gate.pass();
        Ok(())
    }

    #[action]
    fn quick(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[action]
    fn quick_and_tell(&mut self, cx: &mut Context<'_, Self>, gate: Gate) -> Result<()> {
        // It stands behind this call, which may run in place of its caller.
        cx.handle().block(Some(gate)).try_tell()?;
        Ok(())
    }
}

const SHORT: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_ask_with_a_limit_comes_back_although_the_code_holds_its_thread() {
    let directory = directory();
    let system = start::<Blocker>(directory.path()).await;
    let blocker = system.get_or_create::<Blocker>("a", ());
    // However often it was quick before.
    for _ in 0..1_000 {
        blocker.block(None).await.unwrap();
    }
    let opens = Opens(Gate::default());
    let asked = blocker.block(Some(opens.0.clone())).timeout(SHORT).await;
    assert_eq!(asked.unwrap_err().code(), "ask_timed_out");
    // So do those behind it.
    let behind = blocker.quick().timeout(SHORT).await;
    assert_eq!(behind.unwrap_err().code(), "ask_timed_out");
    drop(opens);
    blocker.quick().await.unwrap();
    system.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_around_an_ask_is_kept_for_code_of_which_nothing_is_known() {
    let directory = directory();
    let system = start::<Blocker>(directory.path()).await;
    let blocker = system.get_or_create::<Blocker>("a", ());
    let opens = Opens(Gate::default());
    let gate = opens.0.clone();
    let asked = tokio::time::timeout(SHORT, blocker.block(Some(gate.clone())).into_future());
    asked.await.unwrap_err();
    drop(opens);
    let opens = Opens(Gate::default());
    let other = system.get_or_create::<Blocker>("b", ());
    let asked = other.block_and_wait(opens.0.clone()).into_future();
    tokio::time::timeout(SHORT, asked).await.unwrap_err();
    let mut select = Vec::new();
    tokio::select! {
        biased;
        done = other.quick().into_future() => select.push(done.is_ok()),
        () = tokio::time::sleep(SHORT) => {}
    }
    assert!(select.is_empty());
    drop(opens);
    system.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_was_slow_once_is_not_run_in_place() {
    let directory = directory();
    let system = start::<Blocker>(directory.path()).await;
    let blocker = system.get_or_create::<Blocker>("a", ());
    for _ in 0..1_000 {
        blocker.block(None).await.unwrap();
    }
    // Somebody asks who has time, and is held.
    let opens = Opens(Gate::default());
    let (gate, asks) = (opens.0.clone(), blocker.clone());
    let held = tokio::spawn(async move { asks.block(Some(gate)).await });
    thread::sleep(Duration::from_millis(200));
    drop(opens);
    held.await.unwrap().unwrap();
    let opens = Opens(Gate::default());
    let asked = blocker.block(Some(opens.0.clone())).into_future();
    tokio::time::timeout(SHORT, asked).await.unwrap_err();
    drop(opens);
    system.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_stands_behind_a_quick_call_does_not_hold_its_caller() {
    let directory = directory();
    let system = start::<Blocker>(directory.path()).await;
    let blocker = system.get_or_create::<Blocker>("a", ());
    let open = Gate::default();
    open.open();
    for _ in 0..1_000 {
        blocker.quick_and_tell(open.clone()).await.unwrap();
    }
    blocker.quick().await.unwrap();
    // What it tells is of an action that was slow lately.
    let opens = Opens(Gate::default());
    let (gate, asks) = (opens.0.clone(), blocker.clone());
    let held = tokio::spawn(async move { asks.block(Some(gate)).await });
    thread::sleep(Duration::from_millis(200));
    drop(opens);
    held.await.unwrap().unwrap();
    let opens = Opens(Gate::default());
    let over = Arc::new(AtomicBool::new(false));
    let (asks, gate, is_over) = (blocker.clone(), opens.0.clone(), Arc::clone(&over));
    let asked = tokio::spawn(async move {
        asks.quick_and_tell(gate).await.unwrap();
        is_over.store(true, Ordering::SeqCst);
    });
    asked.await.unwrap();
    assert!(over.load(Ordering::SeqCst) && !*opens.0.0.0.lock().unwrap());
    drop(opens);
    blocker.quick().await.unwrap();
    system.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hooks_that_hold_their_thread_do_not_hold_who_starts_the_actor() {
    let directory = directory();
    let opens = Opens(Gate::default());
    let builder = System::builder().data_dir(directory.path());
    let builder = builder.extension(opens.0.clone()).register::<Blocker>();
    let system = builder.start().await.unwrap();
    for number in 0..200 {
        let blocker = system.get_or_create::<Blocker>(number.to_string(), ());
        blocker.quick().await.unwrap();
    }
    let slow = system.get_or_create::<Blocker>("slow start", ());
    let asked = slow.quick().timeout(SHORT).await;
    assert_eq!(asked.unwrap_err().code(), "ask_timed_out");
    // A tell does not wait for what it starts.
    slow.quick().tell().await.unwrap();
    drop(opens);
    slow.quick().await.unwrap();
    system.shutdown().await.unwrap();
}
