//! Far more callers at once than a mailbox has room for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actor_core::prelude::*;
use tokio::sync::Notify;

use crate::support::directory;

/// How many ask at once: a hundred times what a mailbox holds.
const CROWD: u32 = 100_000;

/// Lets the first caller wait, and counts.
#[derive(Actor)]
#[actor(name = "counter-hand")]
struct Counter {
    #[state]
    count: State<u32>,
}

#[actor]
impl Counter {
    /// Returns when it is let.
    #[action]
    async fn hold(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        let released = cx.system().extension::<Arc<Notify>>().cloned();
        released.unwrap().notified().await;
        Ok(())
    }

    #[action]
    async fn look(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.count)
    }

    #[action]
    fn add(&mut self, cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        let done = cx.system().extension::<Arc<AtomicU32>>().unwrap();
        done.store(*self.count, Ordering::SeqCst);
        Ok(*self.count)
    }
}

/// The same in memory.
#[derive(Actor)]
#[actor(name = "fleeting-counter")]
struct Fleeting {
    #[vars]
    count: u32,
}

#[actor]
impl Fleeting {
    /// Returns when it is let.
    #[action]
    async fn hold(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        let released = cx.system().extension::<Arc<Notify>>().cloned();
        released.unwrap().notified().await;
        Ok(())
    }

    #[action]
    fn add(&mut self, cx: &mut Context<'_, Self>) -> Result<u32> {
        self.count += 1;
        let done = cx.system().extension::<Arc<AtomicU32>>().unwrap();
        done.store(self.count, Ordering::SeqCst);
        Ok(self.count)
    }
}

struct Crowd {
    system: System,
    released: Arc<Notify>,
    done: Arc<AtomicU32>,
    _directory: tempfile::TempDir,
}

impl Crowd {
    async fn gather() -> Self {
        let directory = directory();
        let (released, done) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let system = System::builder()
            .data_dir(directory.path())
            .extension(Arc::clone(&released))
            .extension(Arc::clone(&done))
            .register::<Counter>()
            .register::<Fleeting>()
            .start()
            .await
            .unwrap();
        Self {
            system,
            released,
            done,
            _directory: directory,
        }
    }
}

/// Has all of them ask, one after the other, while the actor is held. Each keeps its number and gets its reply.
macro_rules! ask_all {
    ($crowd:ident, $actor:ident) => {{
        let held = tokio::spawn({
            let actor = $actor.clone();
            async move { actor.hold().await }
        });
        while $actor.info().awake_since.is_none() {
            tokio::task::yield_now().await;
        }
        let asked = Arc::new(AtomicU32::new(0));
        let asks: Vec<_> = (0..CROWD)
            .map(|_| {
                let (actor, asked) = ($actor.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    asked.fetch_add(1, Ordering::SeqCst);
                    actor.add().await
                })
            })
            .collect();
        // All of them stand in the mailbox or in the line when the last has been polled.
        while asked.load(Ordering::SeqCst) < CROWD {
            tokio::task::yield_now().await;
        }
        assert_eq!($actor.info().waiting, 1_024);
        $crowd.released.notify_one();
        (held, asks)
    }};
}

#[tokio::test]
async fn a_hundred_thousand_who_ask_one_actor_at_once_are_answered_in_the_order_in_which_they_came()
{
    let crowd = Crowd::gather().await;
    let counter = crowd.system.get_or_create::<Counter>("a", ());
    let (held, asks) = ask_all!(crowd, counter);
    held.await.unwrap().unwrap();
    for (number, ask) in (1..).zip(asks) {
        assert_eq!(ask.await.unwrap().unwrap(), number);
    }
    assert_eq!(counter.info().waiting, 0);
    crowd.system.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_who_ask_one_actor_in_memory_at_once_are_answered_in_their_order() {
    let crowd = Crowd::gather().await;
    let counter = crowd.system.get_or_create::<Fleeting>("a", ());
    let (held, asks) = ask_all!(crowd, counter);
    held.await.unwrap().unwrap();
    for (number, ask) in (1..).zip(asks) {
        assert_eq!(ask.await.unwrap().unwrap(), number);
    }
    assert_eq!(counter.info().waiting, 0);
}

#[tokio::test]
async fn those_who_ask_another_actor_do_not_wait_for_the_crowd() {
    let crowd = Crowd::gather().await;
    let counter = crowd.system.get_or_create::<Fleeting>("a", ());
    let other = crowd.system.create::<Counter>("b", ()).await.unwrap();
    let (held, asks) = ask_all!(crowd, counter);
    held.await.unwrap().unwrap();
    let mut most = 0;
    for _ in 0..10 {
        let before = crowd.done.load(Ordering::SeqCst);
        other.look().await.unwrap();
        most = most.max(crowd.done.load(Ordering::SeqCst) - before);
    }
    for ask in asks {
        ask.await.unwrap().unwrap();
    }
    // What is in the mailbox when it asks, at most, and not the line behind it.
    assert!(most <= 2 * 1_024, "{most} calls of the crowd came first");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_who_give_up_waiting_for_room_leave_nothing_behind() {
    let crowd = Crowd::gather().await;
    let counter = crowd.system.get_or_create::<Fleeting>("a", ());
    let (held, asks) = ask_all!(crowd, counter);
    for ask in &asks {
        ask.abort();
    }
    held.await.unwrap().unwrap();
    for ask in asks {
        assert!(ask.await.unwrap_err().is_cancelled());
    }
    // Those in the mailbox run all the same.
    assert_eq!(counter.add().await.unwrap(), 1_025);
    assert_eq!(counter.info().waiting, 0);
}
