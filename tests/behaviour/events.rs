//! Events: they leave with the commit, in order, before the reply, and never when it is undone.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::{Disk, Lab};
use actor_core::{Lagged, Status, Subscription};
use futures_core::Stream as _;

use crate::support::{directory, pass, settle, start};
use crate::tally::End;

/// Something that was noted. Only notebooks note.
#[derive(Clone, Debug, PartialEq, Eq, Event)]
#[event(of(Notebook), name = "noted")]
struct Noted(u32);

/// Where a notebook is in its life. Any actor may say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Event)]
enum Lived {
    Created,
    Woke,
    Slept,
    Failed,
    Destroyed,
}

/// Emits what it does.
#[derive(Actor)]
#[actor(name = "notebook", sleep_after = "10s")]
struct Notebook {
    #[state]
    notes: State<Vec<u32>>,
}

#[actor]
impl Notebook {
    #[on_create]
    fn created(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        cx.emit(Lived::Created);
        Ok(())
    }

    #[on_wake]
    fn woke(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Lived::Woke);
        Ok(())
    }

    #[on_sleep]
    fn slept(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Lived::Slept);
        Ok(())
    }

    /// Keeps what it wrote, and so what it emitted.
    #[on_sleep]
    fn fails(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Lived::Failed);
        Err(Failure::message("it fails"))
    }

    #[on_destroy]
    fn destroyed(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Lived::Destroyed);
        Ok(())
    }

    #[action]
    fn note(&mut self, cx: &mut Context<'_, Self>, number: u32, end: End) -> Result<()> {
        self.notes.push(number);
        cx.emit(Noted(number));
        match end {
            End::Fails => Err(Failure::message("it fails")),
            End::Panics => panic!("it panics"),
            End::Well | End::Overruns => Ok(()),
        }
    }

    #[action(timeout = "1s")]
    async fn note_slowly(
        &mut self,
        cx: &mut Context<'_, Self>,
        number: u32,
        end: End,
    ) -> Result<()> {
        cx.emit(Noted(number));
        if end == End::Overruns {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        tokio::task::yield_now().await;
        cx.emit(Noted(number + 1));
        Ok(())
    }

    #[action]
    fn read(&self, cx: &mut Context<'_, Self>) -> Result<usize> {
        cx.emit(Noted(0));
        Ok(self.notes.len())
    }
}

/// Takes what is there, without waiting.
fn taken<E: Event>(events: &mut Subscription<E>) -> Vec<Result<E, Lagged>> {
    let mut taken = Vec::new();
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    while let Poll::Ready(Some(next)) = Pin::new(&mut *events).poll_next(&mut task) {
        taken.push(next);
    }
    taken
}

fn numbers(events: &mut Subscription<Noted>) -> Vec<u32> {
    let taken = taken(events).into_iter();
    taken
        .map(|event| event.expect("none is missed").0)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn events_are_there_before_the_reply_and_in_their_order() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    let mut events = notebook.subscribe::<Noted>().unwrap();
    let mut others = notebook.subscribe::<Noted>().unwrap();
    for number in 1..=100 {
        notebook.note(number, End::Well).await.unwrap();
        assert_eq!(numbers(&mut events), [number]);
    }
    notebook.note_slowly(200, End::Well).await.unwrap();
    assert_eq!(numbers(&mut events), [200, 201]);
    assert_eq!(notebook.read().await.unwrap(), 100);
    assert_eq!(numbers(&mut events), [0]);
    let expected: Vec<_> = (1..=100).chain([200, 201, 0]).collect();
    assert_eq!(numbers(&mut others), expected);
    // Of another actor nothing is heard.
    let other = system.get_or_create::<Notebook>("b", ());
    other.note(1, End::Well).await.unwrap();
    assert_eq!(numbers(&mut events), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn of_calls_that_share_a_commit_those_that_are_undone_tell_nothing() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    assert_eq!(notebook.read().await.unwrap(), 0);
    let mut events = notebook.subscribe::<Noted>().unwrap();
    // All are in the mailbox before the actor takes the first.
    for number in 1..=10 {
        let end = if number % 3 == 0 {
            End::Fails
        } else {
            End::Well
        };
        notebook.note(number, end).tell().await.unwrap();
    }
    assert_eq!(notebook.read().await.unwrap(), 7);
    assert_eq!(numbers(&mut events), [1, 2, 4, 5, 7, 8, 10, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_limit_tell_nothing_and_the_subscription_goes_on() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    let mut events = notebook.subscribe::<Noted>().unwrap();
    let mut lived = notebook.subscribe::<Lived>().unwrap();
    let panicked = notebook.note(1, End::Panics).await.unwrap_err();
    assert_eq!(panicked.code(), "action_panicked");
    let late = notebook.note_slowly(2, End::Overruns).await.unwrap_err();
    assert_eq!(late.code(), "action_timed_out");
    notebook.note(4, End::Well).await.unwrap();
    assert_eq!(numbers(&mut events), [4]);
    // It started again behind the panic.
    assert_eq!(
        taken(&mut lived),
        [Ok(Lived::Created), Ok(Lived::Woke), Ok(Lived::Woke)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_outlives_sleep_and_ends_with_the_actor() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    let mut lived = notebook.subscribe::<Lived>().unwrap();
    settle().await;
    assert_eq!(notebook.status(), Status::Asleep, "it wakes nobody");
    let created = system.create::<Notebook>("a", ()).await.unwrap();
    assert_eq!(taken(&mut lived), [Ok(Lived::Created), Ok(Lived::Woke)]);
    // It keeps nobody awake.
    pass(Duration::from_secs(11)).await;
    assert_eq!(notebook.status(), Status::Asleep);
    assert_eq!(taken(&mut lived), [Ok(Lived::Slept), Ok(Lived::Failed)]);
    notebook.note(1, End::Well).await.unwrap();
    created.destroy().await.unwrap();
    assert_eq!(lived.next().await, Some(Ok(Lived::Woke)));
    assert_eq!(lived.next().await, Some(Ok(Lived::Destroyed)));
    assert_eq!(lived.next().await, None);
    // The next one with this key is another actor.
    let mut next = notebook.subscribe::<Lived>().unwrap();
    notebook.note(1, End::Well).await.unwrap();
    assert_eq!(lived.next().await, None);
    assert_eq!(taken(&mut next), [Ok(Lived::Created), Ok(Lived::Woke)]);
    system.shutdown().await.unwrap();
    assert_eq!(next.next().await, Some(Ok(Lived::Slept)));
    assert_eq!(next.next().await, Some(Ok(Lived::Failed)));
    assert_eq!(next.next().await, None);
    let refused = notebook.subscribe::<Lived>().unwrap_err();
    assert_eq!(refused.code(), "shut_down");
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_learns_how_many_it_missed_and_goes_on() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    let mut slow = notebook.subscribe_with::<Noted>(4).unwrap();
    let mut usual = notebook.subscribe::<Noted>().unwrap();
    for number in 1..=300 {
        notebook.note(number, End::Well).await.unwrap();
    }
    let missed = slow.next().await.unwrap().unwrap_err();
    assert_eq!(missed.missed, 296);
    assert_eq!((missed.group(), missed.code()), ("event", "lagged"));
    assert_eq!(numbers(&mut slow), [297, 298, 299, 300]);
    let missed = usual.next().await.unwrap().unwrap_err();
    assert_eq!(missed.missed, 44);
    assert_eq!(numbers(&mut usual), (45..=300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_and_dropping_the_wait_loses_nothing() {
    let directory = directory();
    let system = start::<Notebook>(directory.path()).await;
    let notebook = system.get_or_create::<Notebook>("a", ());
    let mut events = notebook.subscribe::<Noted>().unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(1), events.next()).await;
    assert!(waited.is_err());
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(event) = poll_fn(|task| Pin::new(&mut events).poll_next(task)).await {
            seen.push(event.unwrap().0);
        }
        seen
    });
    for number in 1..=3 {
        notebook.note(number, End::Well).await.unwrap();
        settle().await;
    }
    system.shutdown().await.unwrap();
    assert_eq!(reader.await.unwrap(), [1, 2, 3]);
}

/// Has no database.
#[derive(Actor)]
#[actor(name = "bell")]
struct Bell {
    #[vars]
    rung: u32,
}

/// A bell rang.
#[derive(Clone, Debug, PartialEq, Eq, Event)]
struct Rang<T>(T);

#[actor]
impl Bell {
    #[on_wake]
    fn wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Rang("wake"));
        Ok(())
    }

    #[action]
    fn ring(&mut self, cx: &mut Context<'_, Self>, end: End) -> Result<u32> {
        self.rung += 1;
        cx.emit(Rang(self.rung));
        match end {
            End::Well | End::Overruns => Ok(self.rung),
            End::Fails => Err(Failure::message("it fails")),
            End::Panics => panic!("it panics"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_memory_tells_when_the_action_is_well() {
    let directory = directory();
    let system = start::<Bell>(directory.path()).await;
    let bell = system.get::<Bell>("a");
    let mut rang = bell.subscribe::<Rang<u32>>().unwrap();
    let mut woke = bell.subscribe::<Rang<&'static str>>().unwrap();
    assert_eq!(bell.ring(End::Well).await.unwrap(), 1);
    assert_eq!(taken(&mut rang), [Ok(Rang(1))]);
    bell.ring(End::Fails).await.unwrap_err();
    bell.ring(End::Panics).await.unwrap_err();
    assert_eq!(bell.ring(End::Well).await.unwrap(), 1, "it started again");
    assert_eq!(taken(&mut rang), [Ok(Rang(1))]);
    bell.sleep().await.unwrap();
    assert_eq!(bell.ring(End::Well).await.unwrap(), 1);
    assert_eq!(taken(&mut rang), [Ok(Rang(1))]);
    bell.destroy().await.unwrap();
    assert_eq!(rang.next().await, None);
    assert_eq!(taken(&mut woke), vec![Ok(Rang("wake")); 3]);
    assert_eq!(<Rang<u32> as Event>::NAME, "rang");
    assert_eq!(Noted::NAME, "noted");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_become_durable_is_not_told() {
    for fail in [Disk::fail_writes, Disk::fill_up, Disk::fail_syncs] {
        let lab = Lab::builder().register::<Notebook>().start().await.unwrap();
        let notebook = lab.get_or_create::<Notebook>("a", ());
        notebook.note(1, End::Well).await.unwrap();
        let mut events = notebook.subscribe::<Noted>().unwrap();
        notebook.note(2, End::Well).await.unwrap();
        fail(&lab.disk());
        let (three, four) = tokio::join!(notebook.note(3, End::Well), notebook.note(4, End::Well));
        for refused in [three, four] {
            assert_eq!(refused.unwrap_err().group(), "store");
        }
        assert_eq!(numbers(&mut events), [2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_goes_on_with_the_same_subscription() {
    let mut lab = Lab::builder().register::<Notebook>().start().await.unwrap();
    let notebook = lab.get_or_create::<Notebook>("a", ());
    let mut events = notebook.subscribe::<Noted>().unwrap();
    notebook.note(1, End::Well).await.unwrap();
    lab.crash::<Notebook>("a").await.unwrap();
    notebook.note(2, End::Well).await.unwrap();
    assert_eq!(numbers(&mut events), [1, 2]);
}
