//! Many timers that came due at once: few actors are awake for them, callers come first, and all of them run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actor_core::Status;
use actor_core::prelude::*;
use actor_core::testing::Lab;
use tokio::sync::Semaphore;

/// How many actors are awake at most only because something of theirs is due, and how many of these have not done it.
const WOKEN: usize = 1_024;
const AT_WORK: usize = 32;

/// For how long one counts as such.
const WORKS: Duration = Duration::from_millis(100);

#[derive(Clone)]
struct Counts(Arc<Inner>);

struct Inner {
    awake: AtomicUsize,
    most: AtomicUsize,
    ran: AtomicUsize,
    /// Lets timers end.
    ends: Semaphore,
}

impl Counts {
    fn new(ends: usize) -> Self {
        Self(Arc::new(Inner {
            awake: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            ran: AtomicUsize::new(0),
            ends: Semaphore::new(ends),
        }))
    }

    fn awake(&self) -> usize {
        self.0.awake.load(Ordering::SeqCst)
    }

    fn ran(&self) -> usize {
        self.0.ran.load(Ordering::SeqCst)
    }

    /// Returns how many were awake at once since this was asked for.
    fn most(&self) -> usize {
        self.0.most.swap(self.awake(), Ordering::SeqCst)
    }
}

/// There while its actor is awake.
struct Awake(Counts);

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.0.awake.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Actor)]
#[actor(name = "sleeper", sleep_after = "30s")]
struct Sleeper {
    #[state]
    rings: State<u32>,
    #[vars]
    awake: Awake,
}

#[actor]
impl Sleeper {
    #[create_vars]
    fn wake(cx: &mut Context<'_, Self, Stateful>) -> Result<Awake> {
        let counts = cx.system().extension::<Counts>().unwrap().clone();
        let awake = counts.0.awake.fetch_add(1, Ordering::SeqCst) + 1;
        counts.0.most.fetch_max(awake, Ordering::SeqCst);
        Ok(Awake(counts))
    }

    #[action]
    async fn ring(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        let counts = self.awake.0.clone();
        counts.0.ends.acquire().await.unwrap().forget();
        *self.rings += 1;
        counts.0.ran.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    #[action]
    fn rings(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.rings)
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.rings += 100;
        Ok(*self.rings)
    }
}

/// Makes a lab with so many sleeping actors whose timers are due in a minute.
async fn sleepers(count: usize, counts: &Counts) -> Lab {
    let lab = Lab::builder()
        .extension(counts.clone())
        .register::<Sleeper>()
        .start()
        .await
        .unwrap();
    for key in 0..count {
        let sleeper = lab.get_or_create::<Sleeper>(key.to_string(), ());
        sleeper.ring().after(Duration::from_mins(1)).await.unwrap();
        sleeper.sleep().await.unwrap();
    }
    counts.most();
    lab
}

#[tokio::test(start_paused = true)]
async fn no_more_are_awake_than_the_bound_and_each_timer_runs() {
    let count = WOKEN + 200;
    let counts = Counts::new(Semaphore::MAX_PERMITS);
    let mut lab = sleepers(count, &counts).await;
    lab.advance(Duration::from_secs(65)).await;
    assert_eq!(counts.ran(), count);
    assert_eq!(counts.most(), WOKEN);
    // Nobody waits any more, so they sleep when they were idle for long enough.
    assert_eq!(counts.awake(), WOKEN);
    lab.advance(Duration::from_secs(31)).await;
    assert_eq!(counts.awake(), 0);
    for key in 0..count {
        let rings = lab.get::<Sleeper>(key.to_string()).rings().await.unwrap();
        assert_eq!(rings, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn few_are_at_work_and_a_caller_does_not_wait_for_them() {
    let count = 6 * AT_WORK;
    let counts = Counts::new(0);
    let mut lab = sleepers(count, &counts).await;
    lab.advance(Duration::from_mins(1)).await;
    // Nobody ends, so nobody else is woken.
    assert_eq!((counts.awake(), counts.ran()), (AT_WORK, 0));
    let last = lab.get::<Sleeper>((count - 1).to_string());
    assert_eq!(last.status(), Status::Asleep);
    assert_eq!(last.add().await.unwrap(), 100);
    assert_eq!(counts.awake(), AT_WORK + 1);
    // Those that take long let others be woken.
    lab.advance(WORKS).await;
    assert_eq!(counts.awake(), 2 * AT_WORK + 1);
    // Who ends lets the next be woken at once.
    counts.0.ends.add_permits(1);
    lab.idle().await;
    assert_eq!((counts.awake(), counts.ran()), (2 * AT_WORK + 1, 1));
    lab.advance(WORKS).await;
    counts.0.ends.add_permits(count);
    lab.idle().await;
    assert_eq!(counts.ran(), count);
}

#[tokio::test(start_paused = true)]
async fn those_that_never_end_hold_up_nobody_for_ever() {
    let stuck = WOKEN + 10;
    let counts = Counts::new(0);
    let mut lab = sleepers(stuck, &counts).await;
    lab.advance(Duration::from_mins(1)).await;
    // As many as there may be, a few at a time.
    lab.advance(WORKS * 40).await;
    assert_eq!(counts.most(), WOKEN);
    lab.advance(Duration::from_secs(6)).await;
    assert_eq!(counts.most(), stuck);
    counts.0.ends.add_permits(stuck);
    lab.idle().await;
    assert_eq!(counts.ran(), stuck);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_somebody_called_stays_awake_while_others_wait() {
    let count = WOKEN + 100;
    let counts = Counts::new(Semaphore::MAX_PERMITS);
    let mut lab = sleepers(count, &counts).await;
    // This one is the first to be woken, and is called then.
    let called = lab.get::<Sleeper>("0");
    lab.advance_to(lab.now() + Duration::from_secs(59)).await;
    assert_eq!(called.add().await.unwrap(), 100);
    lab.advance(Duration::from_secs(5)).await;
    assert_eq!(counts.ran(), count);
    assert_eq!(called.status(), Status::Awake);
    assert_eq!(called.rings().await.unwrap(), 101);
    assert!(counts.most() <= WOKEN + 1);
}
