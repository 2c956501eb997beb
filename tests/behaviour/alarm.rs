//! An actor that notes which of its timers ran, and when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actor_core::prelude::*;
use actor_core::testing::{Lab, LabBuilder};
use actor_core::{Builder, Clock, Timer, TimerId};
use diesel::prelude::*;

use crate::support::{Broken, Faults, Log, builder, reach};

actor_core::schema! { mod schema = "migrations/alarm"; }

use schema::rings;

/// What the clock of the tests shows when they begin: 2026-11-24 12:00:00 UTC.
pub(crate) const NOON: u64 = 1_795_521_600;

/// A clock that shows noon now, and goes on with tokio's.
pub(crate) fn noon() -> Clock {
    Clock::starting_at(UNIX_EPOCH + Duration::from_secs(NOON))
}

/// Returns the milliseconds since noon.
pub(crate) fn since_noon(time: SystemTime) -> u128 {
    let noon = UNIX_EPOCH + Duration::from_secs(NOON);
    time.duration_since(noon).unwrap().as_millis()
}

/// Begins a system of alarms that takes its time from `clock`.
pub(crate) fn alarms(directory: &std::path::Path, clock: Clock, log: &Log) -> Builder {
    builder(directory, log, &Faults::default())
        .extension(clock)
        .clock(clock)
        .register::<Alarm>()
}

/// Starts a system of alarms.
pub(crate) async fn start(directory: &std::path::Path, clock: Clock) -> System {
    alarms(directory, clock, &Log::default())
        .start()
        .await
        .unwrap()
}

/// Begins a lab of alarms, at noon.
pub(crate) fn lab() -> LabBuilder {
    let clock = noon();
    Lab::builder()
        .starting_at(clock.now())
        .extension(clock)
        .register::<Alarm>()
}

/// An argument that cannot be saved.
#[derive(Debug)]
pub(crate) struct Opaque;

#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Starts {
    starts: u32,
    /// Whether the next sleep sets a timer.
    at_sleep: Option<u64>,
}

#[derive(Actor)]
#[actor(name = "alarm", sleep_after = "30s")]
pub(crate) struct Alarm {
    #[state]
    state: State<Starts>,
}

fn now(system: &System) -> i64 {
    let clock = system.extension::<Clock>().expect("the tests set a clock");
    let since = clock.now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap() - i64::try_from(NOON).unwrap() * 1_000
}

fn note(cx: &mut Context<'_, Alarm>, label: &str) -> Result<()> {
    let at = now(cx.system());
    diesel::insert_into(rings::table)
        .values((rings::label.eq(label), rings::at.eq(at)))
        .execute(cx.db())?;
    if let Some(log) = cx.system().extension::<Log>() {
        log.push(format!("{} {label} {at}", cx.key()));
    }
    Ok(())
}

#[actor]
impl Alarm {
    #[migrate("migrations/alarm")]
    fn migrate() {}

    #[on_wake]
    fn count(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        self.state.starts += 1;
        Ok(())
    }

    #[on_sleep]
    async fn plan(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        if let Some(seconds) = self.state.at_sleep.take() {
            cx.after(
                Duration::from_secs(seconds),
                cx.handle().ring("set in on_sleep"),
            )?;
        }
        reach(cx.system(), "alarm sleeps").await
    }

    /// Notes that it was called, and when.
    #[action]
    pub(crate) fn ring(&mut self, cx: &mut Context<'_, Self>, label: String) -> Result<()> {
        note(cx, &label)
    }

    /// Notes that it was called, waits, and goes on.
    #[action]
    pub(crate) async fn ring_slowly(
        &mut self,
        cx: &mut Context<'_, Self>,
        label: String,
        seconds: u64,
    ) -> Result<()> {
        note(cx, &label)?;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    }

    /// Notes that it was called, and fails where it is told to.
    #[action]
    pub(crate) async fn ring_if_well(
        &mut self,
        cx: &mut Context<'_, Self>,
        label: String,
    ) -> Result<()> {
        note(cx, &label)?;
        reach(cx.system(), "ring_if_well").await
    }

    /// Notes the call in memory only, in the log of the test, then fails.
    #[action]
    pub(crate) fn fail(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx, "fail")?;
        Err(Broken("fail").into())
    }

    /// Sets a timer, and fails behind it if it is told to.
    #[action]
    pub(crate) fn plan_ring(
        &mut self,
        cx: &mut Context<'_, Self>,
        label: String,
        seconds: u64,
        fail: bool,
    ) -> Result<TimerId> {
        let timer = cx.after(Duration::from_secs(seconds), cx.handle().ring(label))?;
        if fail {
            return Err(Broken("plan_ring").into());
        }
        Ok(timer)
    }

    #[action]
    pub(crate) fn plan_named(
        &mut self,
        cx: &mut Context<'_, Self>,
        name: String,
        label: String,
        seconds: u64,
    ) -> Result<()> {
        cx.every(
            Duration::from_secs(seconds),
            cx.handle().ring(label).named(name),
        )?;
        Ok(())
    }

    #[action]
    pub(crate) fn plan_daily(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.cron("30 9 * * *", "Europe/Berlin", cx.handle().ring("daily"))?;
        Ok(())
    }

    /// Takes `&self` and sets a timer all the same.
    #[action]
    pub(crate) fn plan_sly(&self, cx: &mut Context<'_, Self>) -> Result<()> {
        cx.after(Duration::ZERO, cx.handle().ring("sly"))?;
        Ok(())
    }

    /// Waits for itself to set a timer, which is an error and not a hang.
    #[action]
    pub(crate) async fn plan_by_asking(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let own = cx.handle();
        own.ring("x").after(Duration::ZERO).await?;
        Ok(())
    }

    /// Sets a timer with a call of another actor.
    #[action]
    pub(crate) fn plan_elsewhere(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        let other = cx.system().get::<Self>("elsewhere");
        cx.after(Duration::ZERO, other.ring("elsewhere"))?;
        Ok(())
    }

    /// Cancels the timer whose action it is.
    #[action]
    pub(crate) fn ring_once(&mut self, cx: &mut Context<'_, Self>, name: String) -> Result<()> {
        note(cx, "once")?;
        assert!(cx.cancel_timer(name)?);
        Ok(())
    }

    #[action]
    pub(crate) fn plan_at_sleep(
        &mut self,
        _cx: &mut Context<'_, Self>,
        seconds: u64,
    ) -> Result<()> {
        self.state.at_sleep = Some(seconds);
        Ok(())
    }

    #[action]
    pub(crate) fn cancel(&mut self, cx: &mut Context<'_, Self>, name: String) -> Result<bool> {
        Ok(cx.cancel_timer(name)?)
    }

    #[action]
    pub(crate) fn planned(&self, cx: &mut Context<'_, Self>) -> Result<Vec<Timer>> {
        Ok(cx.timers()?)
    }

    #[action]
    pub(crate) fn starts(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.state.starts)
    }

    /// Returns what rang, each with the milliseconds since noon.
    #[action]
    pub(crate) fn rings(&self, cx: &mut Context<'_, Self>) -> Result<Vec<(String, i64)>> {
        Ok(rings::table
            .order(rings::id)
            .select((rings::label, rings::at))
            .load(cx.db())?)
    }

    /// An action whose argument cannot be saved: it is an action all the same.
    #[action]
    pub(crate) fn opaque(&mut self, _cx: &mut Context<'_, Self>, _opaque: Opaque) -> Result<()> {
        Ok(())
    }

    /// An action whose argument is a reference.
    #[action]
    pub(crate) fn borrowed(
        &mut self,
        _cx: &mut Context<'_, Self>,
        _text: &'static str,
    ) -> Result<()> {
        Ok(())
    }
}
