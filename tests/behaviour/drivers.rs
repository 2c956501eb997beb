//! Actors whose code blocks, beside others.

use actor_core::prelude::*;
use actor_core::{Clock, Durability};

use crate::account::{Account, Opening, accounts};
use crate::memory::Sum;
use crate::support::{Faults, Log, directory};

/// Holds its worker, and lets tokio put another thread into its place.
#[derive(Actor)]
#[actor(name = "holder")]
struct Holder {}

/// What holders say when they hold, and what they wait for.
struct Hold(std::sync::Mutex<std::sync::mpsc::Sender<()>>, Gate);

type Gate = std::sync::Mutex<std::sync::mpsc::Receiver<()>>;

#[actor]
impl Holder {
    #[action]
    fn hold(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        let Hold(holds, gate) = cx.system().extension().expect("the test put it there");
        tokio::task::block_in_place(|| {
            holds.lock().unwrap().send(()).unwrap();
            let _ = gate.lock().unwrap().recv();
        });
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actors_that_block_do_not_keep_others_from_running() {
    let directory = directory();
    let (holds, held) = std::sync::mpsc::channel();
    let (go_on, gate) = std::sync::mpsc::channel();
    let system = System::builder()
        .data_dir(directory.path())
        .register::<Holder>()
        .register::<Sum>()
        .extension(Hold(holds.into(), gate.into()))
        .start()
        .await
        .unwrap();
    let sum = system.get::<Sum>("a");
    sum.add(1).await.unwrap();
    // One more than there are workers.
    for key in ["a", "b", "c"] {
        system.get::<Holder>(key).hold().tell().await.unwrap();
        tokio::task::block_in_place(|| held.recv().unwrap());
    }
    // Behind a tell it cannot run in place.
    sum.add(1).tell().await.unwrap();
    assert_eq!(sum.add(1).await.unwrap(), 3);
    for _ in 0..3 {
        go_on.send(()).unwrap();
    }
    system.shutdown().await.unwrap();
}

#[test]
fn actors_sleep_and_the_system_ends_where_one_thread_may_block() {
    let directory = directory();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = Log::default();
        let start = || {
            accounts(directory.path(), Clock::default(), &log, &Faults::default())
                // Nothing is synced before the actors close their files, or the system its log.
                .durability(Durability::Process)
                .start()
        };
        let system = start().await.unwrap();
        for key in ["a", "b"] {
            let opening = Opening { cents: 100 };
            system.create::<Account>(key, opening).await.unwrap();
        }
        let account = system.get::<Account>("a");
        account.deposit("one", 5).await.unwrap();
        account.sleep().await.unwrap();
        account.deposit("two", 5).await.unwrap();
        system.shutdown().await.unwrap();
        let system = start().await.unwrap();
        let account = system.get::<Account>("a");
        assert_eq!(account.balance().await.unwrap(), 110);
        system.shutdown().await.unwrap();
    });
}
