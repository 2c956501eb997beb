//! `#[run]`: beside the actor, until it stops.

use std::time::Duration;

use actor_core::prelude::*;

use crate::support::{Faults, Log, builder, directory, pass, start};

/// Ticks once a second, and says when it stops.
#[derive(Actor)]
#[actor(name = "ticker", sleep_after = "10s")]
struct Ticker {
    #[state]
    ticks: State<u32>,
}

#[actor]
impl Ticker {
    #[run]
    async fn tick_tock(mut background: Background<Self>) -> Result<()> {
        let log = background.system().extension::<Log>().cloned();
        loop {
            tokio::select! {
                () = background.aborted() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
            background.handle().tick().await?;
        }
        // A last call is answered while the actor stops.
        background.handle().tick().await?;
        if let Some(log) = log {
            log.push(format!("{} stops", background.key()));
        }
        Ok(())
    }

    #[on_sleep]
    fn on_sleep(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        if let Some(log) = cx.system().extension::<Log>() {
            log.push(format!("sleeps after {}", *self.ticks));
        }
        Ok(())
    }

    #[action]
    fn tick(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.ticks += 1;
        Ok(())
    }

    #[action]
    fn ticks(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.ticks)
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_works_beside_the_actor_and_ends_before_it_sleeps() {
    let (directory, log) = (directory(), Log::default());
    let system = builder(directory.path(), &log, &Faults::default())
        .register::<Ticker>()
        .start()
        .await
        .unwrap();
    let ticker = system.get_or_create::<Ticker>("clock", ());
    assert_eq!(ticker.ticks().await.unwrap(), 0);
    pass(Duration::from_millis(3_500)).await;
    assert_eq!(ticker.ticks().await.unwrap(), 3);
    ticker.sleep().await.unwrap();
    assert_eq!(log.take(), ["clock stops", "sleeps after 4"]);
    pass(Duration::from_mins(1)).await;
    assert_eq!(ticker.ticks().await.unwrap(), 4);
}

/// Does not look at its signal.
#[derive(Actor)]
#[actor(name = "stubborn")]
struct Stubborn {}

#[actor]
impl Stubborn {
    #[run]
    async fn never_ends(_background: Background<Self>) -> Result<()> {
        std::future::pending().await
    }

    #[run]
    async fn panics(_background: Background<Self>) -> Result<()> {
        panic!("a run hook panics")
    }

    #[action]
    fn ping(&self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_that_does_not_end_is_dropped_after_the_grace() {
    let directory = directory();
    let system = start::<Stubborn>(directory.path()).await;
    let stubborn = system.get_or_create::<Stubborn>("a", ());
    stubborn.ping().await.unwrap();
    let began = tokio::time::Instant::now();
    let (slept, pinged) = tokio::join!(stubborn.sleep(), async {
        pass(Duration::from_secs(1)).await;
        stubborn.ping().await.unwrap();
        began.elapsed()
    });
    slept.unwrap();
    assert_eq!(
        pinged,
        Duration::from_secs(1),
        "calls are answered meanwhile"
    );
    assert_eq!(began.elapsed(), Duration::from_secs(15));
}
