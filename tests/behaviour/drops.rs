//! Code of the user's that is no hook and no action, and panics.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Event, Status};

use crate::support::{directory, pass, settle, start};

/// Panics where no hook does.
#[derive(Actor)]
#[actor(name = "grenade", sleep_after = "never")]
struct Grenade {
    #[vars]
    pin: Pin,
}

#[derive(Default)]
struct Pin {
    pulled: bool,
}

impl Drop for Pin {
    fn drop(&mut self) {
        assert!(!self.pulled, "the pin panics");
    }
}

/// Panics when it is dropped unsent.
#[derive(Clone, Event)]
struct Bang {
    armed: bool,
}

impl Drop for Bang {
    fn drop(&mut self) {
        assert!(!self.armed, "the bang panics");
    }
}

#[actor]
impl Grenade {
    /// Emits what cannot be dropped, and is undone.
    #[action]
    fn bang(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.emit(Bang { armed: true });
        Err(Failure::message("it fails"))
    }

    #[action]
    fn pull(&mut self, _cx: &mut Context<'_, Self>) -> Result<bool> {
        Ok(std::mem::replace(&mut self.pin.pulled, true))
    }

    /// Drops what it holds when its time is over.
    #[action(timeout = "1s")]
    async fn hold(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        let _pin = Pin { pulled: true };
        std::future::pending().await
    }

    #[action]
    fn throw(&mut self, _cx: &mut Context<'_, Self>) -> Result<Pin> {
        Ok(Pin { pulled: true })
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_drop_loses_nobody() {
    let directory = directory();
    let system = start::<Grenade>(directory.path()).await;
    let grenade = system.get::<Grenade>("a");
    for _ in 0..3 {
        assert!(!grenade.pull().await.unwrap());
        let (slept, pulled) = tokio::join!(grenade.sleep(), async { grenade.pull().await });
        slept.unwrap();
        // It came in behind the request, so it is the next one's.
        assert!(!pulled.unwrap());
        grenade.sleep().await.unwrap();
        assert_eq!(grenade.status(), Status::Asleep);
    }
    system.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_code_that_is_no_hook_and_no_action_is_told_and_counts() {
    let directory = directory();
    let system = start::<Grenade>(directory.path()).await;
    let grenade = system.get::<Grenade>("a");
    let _bangs = grenade.subscribe::<Bang>().unwrap();
    for crashes in 1..=6 {
        let (banged, pulled) = tokio::join!(grenade.bang(), grenade.pull());
        let error = banged.unwrap_err();
        let CallError::Panicked { name, panic, .. } = &error else {
            panic!("another error: {error}");
        };
        assert_eq!((*name, panic.as_str()), ("drop", "the bang panics"));
        assert_eq!(grenade.info().crashes, crashes);
        // It waited behind the call, so the next instance handles it.
        match pulled {
            Ok(pulled) => assert!(!pulled && crashes < 6),
            Err(error) => assert_eq!((error.code(), crashes), ("failed_too_often", 6)),
        }
    }
    assert_eq!(grenade.status(), Status::Failed);
    pass(Duration::from_secs(30)).await;
    assert!(!grenade.pull().await.unwrap());
    // What an action holds when its time is over is a part of it.
    let error = grenade.hold().await.unwrap_err();
    let CallError::Panicked { name, panic, .. } = &error else {
        panic!("another error: {error}");
    };
    assert_eq!((*name, panic.as_str()), ("hold", "the pin panics"));
    assert_eq!(grenade.info().crashes, 7);
    assert!(!grenade.pull().await.unwrap());
    // Nobody takes what this returns, and nobody is harmed by it.
    grenade.throw().tell().await.unwrap();
    assert!(grenade.pull().await.unwrap());
    assert_eq!(grenade.info().crashes, 7);
    system.shutdown().await.unwrap();
}

/// Panics when it is woken, as no task of tokio's does.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("the alarm panics");
    }
}

#[tokio::test(start_paused = true)]
async fn a_waker_that_panics_harms_nobody_else() {
    let directory = directory();
    let system = start::<Grenade>(directory.path()).await;
    let grenade = system.get::<Grenade>("a");
    let busy = grenade.clone();
    let held = tokio::spawn(async move { busy.hold().await });
    settle().await;
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    let task = &mut Task::from_waker(&waker);
    let mut loud = pin!(grenade.pull().into_future());
    assert!(loud.as_mut().poll(task).is_pending());
    // It is answered together with the one before, whose waker comes first.
    assert!(grenade.pull().await.unwrap());
    assert_eq!(alarm.0.load(Ordering::SeqCst), 1);
    let Poll::Ready(pulled) = loud.as_mut().poll(task) else {
        panic!("it was answered");
    };
    assert!(!pulled.unwrap());
    assert_eq!(held.await.unwrap().unwrap_err().code(), "action_panicked");
    assert_eq!(grenade.info().crashes, 1);
    system.shutdown().await.unwrap();
}
