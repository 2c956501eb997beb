//! What those who watch an actor are told, and when.

use actor_core::prelude::*;
use actor_core::{Change, Status, Watch};

use crate::support::{Broken, Fault, Faults, Log, builder, directory, files, reach};

#[derive(Actor)]
#[actor(name = "watched", sleep_after = "10s")]
struct Watched {
    #[state]
    count: State<u32>,
}

#[actor]
impl Watched {
    #[on_wake]
    async fn look(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        reach(cx.system(), "watched").await
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u32) -> Result<u32> {
        *self.count += more;
        match more {
            7 => Err(Broken("seven").into()),
            13 => panic!("thirteen"),
            _ => Ok(*self.count),
        }
    }
}

/// One that is in memory only.
#[derive(Actor)]
#[actor(name = "seen")]
struct Seen {
    #[vars]
    _count: u32,
}

#[actor]
impl Seen {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u32) -> Result<u32> {
        assert_ne!(more, 13);
        Ok(more)
    }
}

async fn next(watch: &mut Watch) -> String {
    match watch.next().await {
        Some(Ok(Change::NotStarted(error))) => format!("NotStarted in {:?}", error.hook),
        Some(Ok(Change::Failed(error))) => format!("Failed: {}", error.code()),
        Some(Ok(change)) => format!("{change:?}"),
        other => panic!("{other:?} is no change"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_of_each_change_in_its_order() {
    let directory = directory();
    let (log, faults) = (Log::default(), Faults::default());
    let system = builder(directory.path(), &log, &faults)
        .register::<Watched>()
        .start()
        .await
        .unwrap();
    let actor = system.get_or_create::<Watched>("a", ());
    let mut watch = actor.watch().unwrap();
    assert_eq!(actor.status(), Status::Asleep, "to watch does not wake");
    assert_eq!(actor.add(1).await.unwrap(), 1);
    assert_eq!(next(&mut watch).await, "Woke");
    assert_eq!(actor.add(7).await.unwrap_err().code(), "action_failed");
    assert_eq!(actor.add(13).await.unwrap_err().code(), "action_panicked");
    assert_eq!(next(&mut watch).await, "Crashed");
    assert_eq!(next(&mut watch).await, "Woke");
    assert_eq!(actor.add(1).await.unwrap(), 2);
    // It sleeps because nobody calls it.
    assert_eq!(next(&mut watch).await, "Slept");
    assert_eq!(files(directory.path(), "watched"), ["k_a.db"]);
    faults.set("watched", Fault::Fail);
    assert_eq!(actor.add(1).await.unwrap_err().group(), "start");
    assert_eq!(next(&mut watch).await, "NotStarted in Some(\"look\")");
    faults.clear();
    actor.destroy().await.unwrap();
    let mut changes = Vec::new();
    while changes.last().map(String::as_str) != Some("Destroyed") {
        changes.push(next(&mut watch).await);
    }
    assert_eq!(changes, ["Destroyed"]);
    assert_eq!(files(directory.path(), "watched"), [""; 0]);
    // The key is another actor's now; who watches the key sees that one too.
    assert_eq!(actor.add(5).await.unwrap(), 5);
    assert_eq!(next(&mut watch).await, "Woke");
    system.shutdown().await.unwrap();
    assert_eq!(next(&mut watch).await, "Slept");
    assert!(watch.next().await.is_none());
    assert!(actor.watch().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_memory_is_watched_too() {
    let directory = directory();
    let system = crate::support::start::<Seen>(directory.path()).await;
    let actor = system.get_or_create::<Seen>("a", ());
    let mut watch = actor.watch().unwrap();
    actor.add(1).await.unwrap();
    assert_eq!(actor.add(13).await.unwrap_err().code(), "action_panicked");
    actor.add(1).await.unwrap();
    actor.sleep().await.unwrap();
    actor.add(1).await.unwrap();
    actor.destroy().await.unwrap();
    for expected in ["Woke", "Crashed", "Woke", "Slept", "Woke", "Destroyed"] {
        assert_eq!(next(&mut watch).await, expected);
    }
    system.shutdown().await.unwrap();
    assert!(watch.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_that_an_actor_is_given_up() {
    let directory = directory();
    let system = crate::support::start::<Watched>(directory.path()).await;
    let actor = system.get_or_create::<Watched>("a", ());
    let mut watch = actor.watch().unwrap();
    for _ in 0..6 {
        assert_eq!(actor.add(13).await.unwrap_err().code(), "action_panicked");
        assert_eq!(next(&mut watch).await, "Woke");
        assert_eq!(next(&mut watch).await, "Crashed");
    }
    assert_eq!(next(&mut watch).await, "Failed: failed_too_often");
    assert_eq!(actor.status(), Status::Failed);
    actor.restart().await.unwrap();
    assert_eq!(next(&mut watch).await, "Woke");
    system.shutdown().await.unwrap();
}
