//! Actors whose code blocks, beside others.

use actor_core::prelude::*;

use crate::memory::Sum;
use crate::support::directory;

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
