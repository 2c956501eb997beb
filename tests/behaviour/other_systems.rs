//! Nothing is stored for an actor of another system.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, OtherSystem, QueueError, Receipt, SendError, TimerError};

use crate::support::{directory, settle};

/// Stores calls by a handle that it is given.
#[derive(Actor)]
#[actor(name = "clerk", sleep_after = "never")]
struct Clerk {
    #[state]
    got: State<u32>,
}

/// Systems that an actor may reach: its own one and others.
struct Others(Vec<System>);

type Reached = std::sync::Mutex<Others>;

fn reach(system: &System, index: usize) -> System {
    let others = system.extension::<Reached>().unwrap().lock().unwrap();
    others.0[index].clone()
}

#[actor]
impl Clerk {
    #[queue]
    fn papers(number: u32) -> u32 {}

    #[action]
    fn get(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.got += 1;
        Ok(*self.got)
    }

    #[action]
    fn count(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.got)
    }

    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>, to: usize, creates: bool) -> Result<()> {
        let other = reach(cx.system(), to);
        let clerk = if creates {
            other.get_or_create::<Self>("b", ())
        } else {
            other.get::<Self>("b")
        };
        cx.send(clerk.get())?;
        Ok(())
    }

    #[action]
    fn set(&mut self, cx: &mut Context<'_, Self>, to: usize, key: String) -> Result<()> {
        let clerk = reach(cx.system(), to).get::<Self>(key);
        cx.after(Duration::ZERO, clerk.get().named("x"))?;
        Ok(())
    }

    #[action]
    fn repeat(&mut self, cx: &mut Context<'_, Self>, to: usize, key: String) -> Result<()> {
        let clerk = reach(cx.system(), to).get::<Self>(key);
        cx.every(Duration::from_secs(1), clerk.get())?;
        Ok(())
    }

    #[action]
    fn put(&mut self, cx: &mut Context<'_, Self>, to: usize, key: String) -> Result<()> {
        let clerk = reach(cx.system(), to).get::<Self>(key);
        cx.push(clerk.papers(), 7)?;
        Ok(())
    }

    #[action]
    fn ack(&mut self, cx: &mut Context<'_, Self>, receipt: Receipt) -> Result<bool> {
        Ok(cx.ack(receipt)?)
    }
}

async fn start(directory: &std::path::Path) -> System {
    let reached = Reached::new(Others(Vec::new()));
    let builder = System::builder().data_dir(directory).extension(reached);
    builder.register::<Clerk>().start().await.unwrap()
}

/// Returns why an action failed, as one of the errors in which it can be.
fn reason(error: &CallError) -> (&'static str, OtherSystem) {
    assert_eq!(error.code(), "action_failed");
    if let Some(error) = error.downcast_ref::<SendError>() {
        let SendError::OtherSystem(other) = error else {
            panic!("another error: {error}");
        };
        return (error.code(), other.clone());
    }
    if let Some(error) = error.downcast_ref::<TimerError>() {
        let TimerError::OtherSystem(other) = error else {
            panic!("another error: {error}");
        };
        return (error.code(), other.clone());
    }
    let error = error.downcast_ref::<QueueError>().unwrap();
    let QueueError::OtherSystem { source, .. } = error else {
        panic!("another error: {error}");
    };
    (error.code(), source.clone())
}

/// Tries everything that stores a call, with the handles of the system at an index.
async fn refuses_all(
    clerk: &<Clerk as actor_core::Handlers>::Handle,
    to: usize,
    labels: (&str, &str),
) {
    let errors = [
        clerk.send(to, false).await.unwrap_err(),
        clerk.send(to, true).await.unwrap_err(),
        // The very same key, and another one.
        clerk.set(to, "a").await.unwrap_err(),
        clerk.set(to, "b").await.unwrap_err(),
        clerk.repeat(to, "a").await.unwrap_err(),
        clerk.put(to, "a").await.unwrap_err(),
        clerk.put(to, "b").await.unwrap_err(),
    ];
    for error in errors {
        let (code, other) = reason(&error);
        assert_eq!(code, "other_system");
        assert_eq!((other.theirs.as_str(), other.ours.as_str()), labels);
        let text = error.to_string();
        assert!(text.contains(labels.0) && text.contains(labels.1), "{text}");
    }
    settle().await;
    assert_eq!(clerk.timers().await.unwrap(), []);
    assert_eq!(clerk.outbox().await.unwrap(), []);
    assert_eq!(clerk.papers().count().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_is_for_actors_of_the_own_system_only() {
    let (here, there) = (directory(), directory());
    let (one, two) = (start(here.path()).await, start(there.path()).await);
    let own = one.extension::<Reached>().unwrap();
    own.lock().unwrap().0 = vec![two.clone(), one.clone()];
    let clerk = one.get_or_create::<Clerk>("a", ());
    let theirs = two.get_or_create::<Clerk>("b", ());
    assert_eq!(theirs.count().await.unwrap(), 0);
    let error = clerk.send(0, true).await.unwrap_err();
    let (_, other) = reason(&error);
    assert!(
        other
            .ours
            .contains(&*here.path().canonicalize().unwrap().to_string_lossy())
    );
    assert!(
        other
            .theirs
            .contains(&*there.path().canonicalize().unwrap().to_string_lossy())
    );
    refuses_all(&clerk, 0, (&other.theirs, &other.ours)).await;
    assert_eq!(theirs.count().await.unwrap(), 0);
    let listed = one.list::<Clerk>(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "an actor was created for it");
    // A handle of the own system, and a call that is not stored, are as they were.
    clerk.send(1, true).await.unwrap();
    assert_eq!(theirs.get().await.unwrap(), 1);
    own.lock().unwrap().0.clear();
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_a_system_that_was_shut_down_is_one_of_another_system() {
    let here = directory();
    let first = start(here.path()).await;
    first.get_or_create::<Clerk>("a", ()).get().await.unwrap();
    first.shutdown().await.unwrap();
    let second = start(here.path()).await;
    let own = second.extension::<Reached>().unwrap();
    own.lock().unwrap().0 = vec![first.clone()];
    let clerk = second.get::<Clerk>("a");
    let (_, other) = reason(&clerk.send(0, false).await.unwrap_err());
    assert!(other.theirs.ends_with(", which is shut down"), "{other}");
    refuses_all(&clerk, 0, (&other.theirs, &other.ours)).await;
    second.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receipt_is_for_a_message_of_its_own_actor() {
    let (here, there) = (directory(), directory());
    let (one, two) = (start(here.path()).await, start(there.path()).await);
    let clerks = [
        one.get_or_create::<Clerk>("a", ()),
        one.get_or_create::<Clerk>("b", ()),
        two.get_or_create::<Clerk>("a", ()),
    ];
    let mut receipts = Vec::new();
    for clerk in &clerks {
        clerk.papers().push(1).await.unwrap();
        receipts.push(clerk.papers().next().await.unwrap().receipt());
    }
    // All have the same number.
    assert_eq!(receipts.len(), 3);
    for (index, clerk) in clerks.iter().enumerate() {
        for (other, receipt) in receipts.iter().enumerate() {
            if other == index {
                continue;
            }
            let error = clerk.ack(*receipt).await.unwrap_err();
            let error = error.downcast_ref::<QueueError>().unwrap();
            assert_eq!(error.code(), "other_receipt");
        }
        assert_eq!(clerk.papers().count().await.unwrap(), 1);
        assert!(clerk.ack(receipts[index]).await.unwrap());
        assert_eq!(clerk.papers().count().await.unwrap(), 0);
    }
    // A later actor of the key is another one.
    clerks[0].papers().push(1).await.unwrap();
    let old = clerks[0].papers().next().await.unwrap().receipt();
    clerks[0].destroy().await.unwrap();
    let clerk = one.get_or_create::<Clerk>("a", ());
    assert_eq!(clerk.ack(old).await.unwrap_err().code(), "action_failed");
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}
