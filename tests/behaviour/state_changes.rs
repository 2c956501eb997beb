//! What runs behind a change of the state: once for each action that was well, in its transaction.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::Lab;
use actor_core::{StartCause, StartError, Step, Subscription};
use diesel::prelude::*;

use crate::support::{Broken, Random, directory, start};

actor_core::schema! { mod schema = "migrations/gauge"; }

use schema::steps;

/// The level has changed.
#[derive(Clone, Debug, PartialEq, Eq, Event)]
#[event(of(Gauge), name = "moved")]
struct Moved(i64, i64);

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Level {
    value: i64,
    /// How often the hook saw a change.
    changes: u32,
}

/// Writes down each change of its level. The hook refuses 13 and bursts at 17.
#[derive(Actor)]
#[actor(name = "gauge", sleep_after = "never")]
struct Gauge {
    #[state]
    level: State<Level>,
    #[vars]
    ran: u32,
}

#[actor]
impl Gauge {
    #[migrate("migrations/gauge")]
    fn migrate() {}

    /// It makes the state, and does not change it.
    #[on_create]
    fn begin(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        cx.state_mut().value = 1;
        Ok(())
    }

    #[on_wake]
    fn up(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        match self.level.value {
            100 => self.level.value += 10,
            103 => self.level.value = 13,
            _ => {}
        }
        Ok(())
    }

    #[on_before_start]
    fn further(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        if self.level.value == 110 {
            self.level.value += 10;
        }
        Ok(())
    }

    /// What it wrote is kept although it fails.
    #[on_sleep]
    fn down(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        match self.level.value {
            14 | 50 => self.level.value -= 1,
            _ => return Ok(()),
        }
        Err(Broken("down").into())
    }

    #[on_state_change]
    fn changed(&mut self, cx: &mut Context<'_, Self>, before: &Level) -> Result<()> {
        self.ran += 1;
        let (was, became) = (before.value, self.level.value);
        diesel::insert_into(steps::table)
            .values((steps::was.eq(was), steps::became.eq(became)))
            .execute(cx.db())?;
        cx.emit(Moved(was, became));
        self.level.changes += 1;
        if [13, 17, 60].contains(&became) {
            cx.after(Duration::from_mins(1), cx.handle().set(61))?;
        }
        match became {
            13 => Err(Broken("changed").into()),
            17 => panic!("the gauge bursts"),
            _ => Ok(()),
        }
    }

    #[action]
    fn set(&mut self, _cx: &mut Context<'_, Self>, value: i64) -> Result<u32> {
        self.level.value = value;
        Ok(self.ran)
    }

    #[action]
    async fn set_slowly(&mut self, cx: &mut Context<'_, Self>, value: i64) -> Result<u32> {
        self.level.value = value;
        cx.db();
        tokio::task::yield_now().await;
        Ok(self.ran)
    }

    #[action]
    fn set_and_fail(&mut self, _cx: &mut Context<'_, Self>, value: i64) -> Result<()> {
        self.level.value = value;
        Err(Broken("set_and_fail").into())
    }

    /// Could change the state, and does not.
    #[action]
    fn ran(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.ran)
    }

    #[action]
    fn read(&self, cx: &mut Context<'_, Self>) -> Result<(Level, Vec<(i64, i64)>)> {
        let rows = steps::table
            .order(steps::id)
            .select((steps::was, steps::became))
            .load(cx.db())?;
        Ok((self.level.clone(), rows))
    }
}

/// Its hook has a statement without an end.
#[derive(Actor)]
#[actor(name = "endless", timeouts(on_state_change = "50ms"))]
struct Endless {
    #[state]
    value: State<u32>,
    #[vars]
    ran: u32,
}

#[actor]
impl Endless {
    #[on_state_change]
    fn changed(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        self.ran += 1;
        diesel::sql_query(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        )
        .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn change(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        *self.value += 1;
        Ok(())
    }

    #[action]
    fn read(&self, _cx: &mut Context<'_, Self>) -> Result<(u32, u32)> {
        Ok((*self.value, self.ran))
    }
}

/// Sets gauges from elsewhere.
#[derive(Actor)]
#[actor(name = "dial")]
struct Dial {
    #[state]
    sent: State<u32>,
}

#[actor]
impl Dial {
    #[action]
    fn turn(&mut self, cx: &mut Context<'_, Self>, value: i64) -> Result<()> {
        *self.sent += 1;
        let gauge = cx.system().get_or_create::<Gauge>("a", ());
        cx.send(gauge.set(value))?;
        Ok(())
    }
}

async fn lab() -> (Lab, GaugeHandle) {
    let lab = Lab::builder().register::<Gauge>().register::<Dial>();
    let lab = lab.start().await.unwrap();
    let gauge = lab.get_or_create::<Gauge>("a", ());
    assert_eq!(gauge.read().await.unwrap(), (level(1, 0), vec![]));
    (lab, gauge)
}

fn level(value: i64, changes: u32) -> Level {
    Level { value, changes }
}

/// Takes the events that are there.
async fn moved(events: &mut Subscription<Moved>, count: usize) -> Vec<(i64, i64)> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let Moved(was, became) = events.next().await.unwrap().unwrap();
        taken.push((was, became));
    }
    taken
}

#[tokio::test(start_paused = true)]
async fn it_runs_once_for_each_action_that_was_well_though_they_share_a_commit() {
    let (mut lab, gauge) = lab().await;
    let mut events = gauge.subscribe::<Moved>().unwrap();
    let (two, failed, refused, three, ran) = tokio::join!(
        async { gauge.set(2).await },
        async { gauge.set_and_fail(9).await },
        async { gauge.set(13).await },
        async { gauge.set(3).await },
        async { gauge.ran().await },
    );
    // The action's own reply is made before the hook runs.
    assert_eq!((two.unwrap(), three.unwrap(), ran.unwrap()), (0, 2, 3));
    assert_eq!(
        failed.unwrap_err().to_string(),
        "`set_and_fail` of gauge \"a\" failed: set_and_fail is broken"
    );
    let refused = refused.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`changed` of gauge \"a\" failed: changed is broken"
    );
    assert_eq!(refused.downcast_ref(), Some(&Broken("changed")));
    let left = (level(3, 2), vec![(1, 2), (2, 3)]);
    assert_eq!(gauge.read().await.unwrap(), left);
    // What the refused call emitted and planned is gone with it.
    assert_eq!(moved(&mut events, 2).await, left.1);
    assert_eq!(gauge.timers().await.unwrap().len(), 0);
    lab.power_cut().await.unwrap();
    assert_eq!(lab.get::<Gauge>("a").read().await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn it_runs_behind_an_async_action_as_well() {
    let (_lab, gauge) = lab().await;
    assert_eq!(gauge.set_slowly(2).await.unwrap(), 0);
    let refused = gauge.set_slowly(13).await.unwrap_err();
    assert_eq!(refused.downcast_ref(), Some(&Broken("changed")));
    assert_eq!(gauge.set_slowly(3).await.unwrap(), 2);
    let left = (level(3, 2), vec![(1, 2), (2, 3)]);
    assert_eq!(gauge.read().await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn a_change_to_the_same_value_is_one() {
    let (_lab, gauge) = lab().await;
    gauge.set(1).await.unwrap();
    assert_eq!(gauge.read().await.unwrap(), (level(1, 1), vec![(1, 1)]));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_it_undoes_the_action_and_starts_the_actor_again() {
    let (_lab, gauge) = lab().await;
    assert_eq!(gauge.set(2).await.unwrap(), 0);
    let burst = gauge.set(17).await.unwrap_err();
    assert_eq!(
        burst.to_string(),
        "`changed` of gauge \"a\" panicked: the gauge bursts"
    );
    assert_eq!(gauge.ran().await.unwrap(), 0, "the vars are new");
    assert_eq!(gauge.read().await.unwrap(), (level(2, 1), vec![(1, 2)]));
    let info = gauge.info();
    assert_eq!(
        (info.crashes, info.last_crash.unwrap().name),
        (1, "changed")
    );
    assert_eq!(gauge.timers().await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_has_a_limit_of_its_own() {
    let directory = directory();
    let system = start::<Endless>(directory.path()).await;
    let endless = system.get_or_create::<Endless>("a", ());
    let late = endless.change().await.unwrap_err();
    assert_eq!(
        late.to_string(),
        "`changed` of endless \"a\" took longer than 50ms"
    );
    // Vars are not undone.
    assert_eq!(endless.read().await.unwrap(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn it_runs_behind_timers_and_messages_and_what_it_plans_commits_with_them() {
    let (mut lab, gauge) = lab().await;
    gauge.set(13).after(Duration::from_secs(1)).await.unwrap();
    lab.advance(Duration::from_secs(1)).await;
    let timers = gauge.timers().await.unwrap();
    assert_eq!((timers.len(), timers[0].tries), (1, 1));
    assert_eq!(
        timers[0].last_error.as_deref(),
        Some("`changed` of gauge \"a\" failed: changed is broken")
    );
    gauge.cancel_timer(timers[0].id).await.unwrap();

    let dial = lab.get_or_create::<Dial>("d", ());
    dial.turn(60).await.unwrap();
    lab.idle().await;
    assert_eq!(gauge.read().await.unwrap(), (level(60, 1), vec![(1, 60)]));
    assert_eq!(gauge.timers().await.unwrap().len(), 1);
    lab.advance(Duration::from_mins(1)).await;
    let left = (level(61, 2), vec![(1, 60), (60, 61)]);
    assert_eq!(gauge.read().await.unwrap(), left);
}

#[tokio::test(start_paused = true)]
async fn it_runs_once_for_all_hooks_of_a_start_and_can_refuse_it() {
    let (_lab, gauge) = lab().await;
    gauge.set(100).await.unwrap();
    gauge.sleep().await.unwrap();
    let left = (level(120, 2), vec![(1, 100), (100, 120)]);
    assert_eq!(gauge.read().await.unwrap(), left);

    gauge.set(103).await.unwrap();
    gauge.sleep().await.unwrap();
    let CallError::Start(error) = gauge.read().await.unwrap_err() else {
        panic!("it starts");
    };
    let StartError {
        step, hook, cause, ..
    } = &*error;
    assert_eq!((*step, *hook), (Some(Step::OnStateChange), Some("changed")));
    assert!(
        matches!(cause, StartCause::Failed(failure) if failure.to_string() == "changed is broken")
    );
    assert_eq!((error.group(), error.code()), ("start", "hook_failed"));
}

#[tokio::test(start_paused = true)]
async fn it_runs_behind_a_hook_of_the_sleep_and_can_undo_it() {
    let (_lab, gauge) = lab().await;
    gauge.set(50).await.unwrap();
    gauge.sleep().await.unwrap();
    let left = vec![(1, 50), (50, 49)];
    assert_eq!(gauge.read().await.unwrap(), (level(49, 2), left.clone()));

    // The sleep would lead to 13, which is refused.
    gauge.set(14).await.unwrap();
    gauge.sleep().await.unwrap();
    let left = [left, vec![(49, 14)]].concat();
    assert_eq!(gauge.read().await.unwrap(), (level(14, 3), left));
}

/// Makes one call, of which some fail.
async fn call(gauge: &GaugeHandle, choice: u64, value: i64) {
    let (ended, wanted) = match choice {
        0 | 1 => (gauge.set(value).await.err(), None),
        2 => (gauge.set_slowly(value).await.err(), None),
        3 => (gauge.set(13).await.err(), Some("changed")),
        4 => (gauge.set_slowly(13).await.err(), Some("changed")),
        5 => {
            let failed = gauge.set_and_fail(value).await;
            (failed.err(), Some("set_and_fail"))
        }
        _ => (gauge.read().await.err(), None),
    };
    let broken = ended.as_ref().map(|error| error.downcast_ref());
    assert_eq!(
        broken,
        wanted
            .map(|place| Some(Broken(place)))
            .as_ref()
            .map(Option::as_ref)
    );
}

#[tokio::test(start_paused = true)]
async fn random_programs_leave_a_chain_of_steps_that_leads_to_the_state() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let (mut lab, mut gauge) = lab().await;
        for _ in 0..60 {
            match random.below(12) {
                0 => gauge.sleep().await.unwrap(),
                1 => lab.crash::<Gauge>("a").await.unwrap(),
                2 => {
                    lab.power_cut().await.unwrap();
                    gauge = lab.get::<Gauge>("a");
                }
                _ => {
                    // Special values are below 20 and above 45.
                    let mut next = || (random.below(7), 20 + random.below(25).cast_signed());
                    let (a, b, c) = (next(), next(), next());
                    tokio::join!(
                        call(&gauge, a.0, a.1),
                        call(&gauge, b.0, b.1),
                        call(&gauge, c.0, c.1),
                    );
                }
            }
        }
        let (level, steps) = gauge.read().await.unwrap();
        assert_eq!(usize::try_from(level.changes).unwrap(), steps.len());
        assert!(steps.len() > 20, "{} steps", steps.len());
        let mut value = 1;
        for (was, became) in steps {
            assert_eq!(was, value);
            value = became;
        }
        assert_eq!(value, level.value);
    }
}
