//! `#[on_error]` of what runs beside an actor, and of actors in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{Change, Status};

use crate::support::{Broken, Faults, Log, builder, directory, pass, settle, start};

/// Logs what it is told.
fn log(system: &System, report: &ErrorReport) {
    let log = system.extension::<Log>().unwrap();
    log.push(format!(
        "{} {}: {}",
        report.origin, report.name, report.error
    ));
}

/// How the runs of a hook end.
#[derive(Clone)]
struct Plan(Arc<Mutex<Vec<&'static str>>>);

/// Has a loop that fails.
#[derive(Actor)]
#[actor(name = "runner", sleep_after = "never")]
struct Runner {
    #[state]
    told: State<u32>,
}

#[actor]
impl Runner {
    #[run]
    async fn work(mut background: Background<Self>) -> Result<()> {
        let plan = background.system().extension::<Plan>().unwrap();
        let next = plan.0.lock().unwrap().pop();
        match next {
            Some("fail") => Err(Broken("work").into()),
            Some("panic") => panic!("the work panics"),
            Some(_) => {
                background.aborted().await;
                Err(Broken("stop").into())
            }
            None => Ok(()),
        }
    }

    #[on_error]
    fn note(&mut self, cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        *self.told += 1;
        log(cx.system(), report);
        Ok(())
    }

    #[action]
    fn told(&self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(*self.told)
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_told_of_run_hooks_and_one_that_fails_at_the_end_does_not_wake_the_actor() {
    let (directory, log) = (directory(), Log::default());
    let plan = Plan(Arc::new(Mutex::new(vec!["stop", "panic", "fail"])));
    let system = builder(directory.path(), &log, &Faults::default())
        .extension(plan)
        .register::<Runner>()
        .start()
        .await
        .unwrap();
    let runner = system.get_or_create::<Runner>("a", ());
    runner.told().await.unwrap();
    // Two failures, with a pause of 100 ms and one of 200 ms behind them.
    pass(Duration::from_secs(1)).await;
    assert_eq!(runner.told().await.unwrap(), 2);
    let mut watch = runner.watch().unwrap();
    runner.sleep().await.unwrap();
    pass(Duration::from_mins(1)).await;
    assert_eq!(runner.status(), Status::Asleep);
    assert_eq!(
        log.take(),
        [
            "run work: `work` of runner \"a\" failed: work is broken",
            "run work: `work` of runner \"a\" panicked: the work panics",
            "run work: `work` of runner \"a\" failed: stop is broken",
        ]
    );
    assert_eq!(runner.told().await.unwrap(), 3);
    for change in ["Slept", "Woke"] {
        let next: Change = watch.next().await.unwrap().unwrap();
        assert_eq!(format!("{next:?}"), change);
    }
}

/// One that is in memory only.
#[derive(Actor)]
#[actor(name = "flighty", sleep_after = "never")]
struct Flighty {
    #[vars]
    told: Vec<String>,
}

#[actor]
impl Flighty {
    #[on_error]
    fn note(&mut self, _cx: &mut Context<'_, Self>, report: &ErrorReport) -> Result<()> {
        self.told.push(report.error.code().to_owned());
        Ok(())
    }

    #[action]
    fn act(&mut self, _cx: &mut Context<'_, Self>, fails: bool) -> Result<Vec<String>> {
        if fails {
            return Err(Broken("act").into());
        }
        Ok(self.told.clone())
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_in_memory_is_told_as_well() {
    let directory = directory();
    let system = start::<Flighty>(directory.path()).await;
    let flighty = system.get_or_create::<Flighty>("a", ());
    flighty.act(true).await.unwrap_err();
    assert_eq!(flighty.act(false).await.unwrap(), ["action_failed"]);
    flighty.explode().await.unwrap_err();
    settle().await;
    assert_eq!(flighty.act(false).await.unwrap(), ["action_panicked"]);
}
