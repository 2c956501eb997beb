//! `#[run]` hooks that fail are started again, and what a handle tells of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use actor_core::prelude::*;
use actor_core::{Clock, RunInfo, RunState, Status};
use tokio::time::Instant;

use crate::support::{Broken, Faults, Log, builder, directory, pass, settle};

/// How the next runs of the hook end; it waits for its signal when there is no more.
#[derive(Clone, Default)]
struct Plan(Arc<Mutex<VecDeque<(Duration, End)>>>);

#[derive(Clone, Copy)]
enum End {
    Well,
    Error,
    Panic,
}

impl Plan {
    fn of(ends: impl IntoIterator<Item = (Duration, End)>) -> Self {
        Self(Arc::new(Mutex::new(ends.into_iter().collect())))
    }

    fn next(&self) -> Option<(Duration, End)> {
        self.0.lock().unwrap().pop_front()
    }
}

const AT_ONCE: Duration = Duration::ZERO;

/// Has a hook that ends as planned, and logs when it starts.
#[derive(Actor)]
#[actor(name = "worker", sleep_after = "5m")]
struct Worker {
    #[state]
    count: State<u32>,
    #[vars]
    seen: u32,
}

#[actor]
impl Worker {
    #[run]
    async fn work(mut background: Background<Self>) -> Result<()> {
        let system = background.system().clone();
        let began = system.extension::<Instant>().unwrap();
        let log = system.extension::<Log>().unwrap();
        log.push(began.elapsed().as_millis().to_string());
        let Some((after, end)) = system.extension::<Plan>().unwrap().next() else {
            background.aborted().await;
            return Ok(());
        };
        pass(after).await;
        match end {
            End::Well => Ok(()),
            End::Error => Err(Broken("the work").into()),
            End::Panic => panic!("the work panics"),
        }
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<(u32, u32)> {
        *self.count += 1;
        self.seen += 1;
        Ok((*self.count, self.seen))
    }

    #[action]
    async fn wait(&mut self, _cx: &mut Context<'_, Self>, seconds: u64) -> Result<()> {
        pass(Duration::from_secs(seconds)).await;
        Ok(())
    }

    #[action]
    fn fail(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Err(Broken("it").into())
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

async fn start(directory: &tempfile::TempDir, plan: Plan) -> (System, Log) {
    let log = Log::default();
    let system = builder(directory.path(), &log, &Faults::default())
        .extension(plan)
        .extension(Instant::now())
        .clock(Clock::starting_at(SystemTime::UNIX_EPOCH))
        .register::<Worker>()
        .start()
        .await
        .unwrap();
    (system, log)
}

fn only(runs: &[RunInfo]) -> (&'static str, RunState, u32, Option<&str>) {
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    (run.hook, run.state, run.restarts, run.last_error.as_deref())
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_that_fails_is_started_again_with_pauses_that_double_up_to_30_seconds() {
    let directory = directory();
    let ends = [End::Panic, End::Error].into_iter().cycle().take(12);
    let plan = Plan::of(ends.map(|end| (AT_ONCE, end)));
    let (system, log) = start(&directory, plan).await;
    let worker = system.get_or_create::<Worker>("a", ());
    assert_eq!(worker.info().runs, []);
    assert_eq!(worker.add().await.unwrap(), (1, 1));
    pass(Duration::from_mins(2)).await;
    assert_eq!(
        log.take(),
        [
            "0", "100", "300", "700", "1500", "3100", "6300", "12700", "25500", "51100", "81100",
            "111100"
        ]
    );
    let pausing = ("work", RunState::Pausing, 11, Some("the work is broken"));
    assert_eq!(only(&worker.info().runs), pausing);
    // The instance is the same one, and it was no crash of the actor.
    assert_eq!(worker.add().await.unwrap(), (2, 2));
    assert_eq!((worker.info().crashes, worker.info().last_crash), (0, None));
    pass(Duration::from_secs(30)).await;
    assert_eq!(log.take(), ["141100"]);
    let running = ("work", RunState::Running, 12, Some("the work is broken"));
    assert_eq!(only(&worker.info().runs), running);
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_that_ran_well_for_30_seconds_is_started_again_after_the_shortest_pause() {
    let directory = directory();
    let well = Duration::from_secs(30);
    let almost = Duration::from_millis(29_999);
    let plan = Plan::of([
        (AT_ONCE, End::Error),
        (AT_ONCE, End::Error),
        (almost, End::Panic),
        (well, End::Panic),
        (AT_ONCE, End::Error),
    ]);
    let (system, log) = start(&directory, plan).await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.add().await.unwrap();
    pass(Duration::from_secs(100)).await;
    // 300 + 29,999 + 400; then 30,000 and 100; then 200.
    assert_eq!(log.take(), ["0", "100", "300", "30699", "60799", "60999"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_that_returns_ok_has_ended_until_the_actor_starts_again() {
    let directory = directory();
    let plan = Plan::of([(AT_ONCE, End::Panic), (AT_ONCE, End::Well)]);
    let (system, log) = start(&directory, plan).await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.add().await.unwrap();
    settle().await;
    let pausing = ("work", RunState::Pausing, 0, Some("the work panics"));
    assert_eq!(only(&worker.info().runs), pausing);
    pass(Duration::from_mins(1)).await;
    assert_eq!(log.take(), ["0", "100"]);
    let ended = ("work", RunState::Ended, 1, Some("the work panics"));
    assert_eq!(only(&worker.info().runs), ended);
    worker.sleep().await.unwrap();
    assert_eq!(worker.info().runs, []);
    assert_eq!(worker.add().await.unwrap(), (2, 1));
    settle().await;
    assert_eq!(log.take(), ["60000"]);
    let running = ("work", RunState::Running, 0, None);
    assert_eq!(only(&worker.info().runs), running);
}

#[tokio::test(start_paused = true)]
async fn the_signal_to_stop_ends_a_pause_at_once() {
    let directory = directory();
    let plan = Plan::of([(AT_ONCE, End::Error); 20]);
    let (system, log) = start(&directory, plan).await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.add().await.unwrap();
    pass(Duration::from_mins(1)).await;
    let pausing = ("work", RunState::Pausing, 9, Some("the work is broken"));
    assert_eq!(only(&worker.info().runs), pausing);
    let began = Instant::now();
    worker.sleep().await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(log.take().len(), 10);
    pass(Duration::from_mins(1)).await;
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_that_keeps_failing_does_not_keep_its_actor_awake() {
    let directory = directory();
    let plan = Plan::of([(AT_ONCE, End::Error); 100]);
    let (system, log) = start(&directory, plan).await;
    let worker = system.get_or_create::<Worker>("a", ());
    worker.add().await.unwrap();
    pass(Duration::from_secs(299)).await;
    assert_eq!(worker.status(), Status::Awake);
    pass(Duration::from_secs(2)).await;
    assert_eq!(worker.status(), Status::Asleep);
    // The ten of the first minute, and one in each 30 seconds from 51,100 on.
    assert_eq!(log.take().len(), 18);
}

#[tokio::test(start_paused = true)]
async fn a_handle_tells_of_the_last_crash_and_of_the_calls_that_wait() {
    let directory = directory();
    let (system, log) = start(&directory, Plan::default()).await;
    let worker = system.get_or_create::<Worker>("a", ());
    let info = worker.info();
    assert_eq!((info.status, info.waiting), (Status::Asleep, 0));
    assert_eq!(worker.add().await.unwrap(), (1, 1));
    worker.fail().await.unwrap_err();
    assert_eq!((worker.info().crashes, worker.info().last_crash), (0, None));

    pass(Duration::from_millis(1_234)).await;
    worker.explode().await.unwrap_err();
    assert_eq!(worker.add().await.unwrap(), (2, 1));
    let info = worker.info();
    assert_eq!((info.status, info.crashes), (Status::Awake, 1));
    let crash = info.last_crash.unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
    assert_eq!((crash.at, crash.name), (at, "explode"));
    assert_eq!(crash.message, "it explodes");
    // The hook of the instance before is none of this one.
    settle().await;
    assert_eq!(only(&info.runs), ("work", RunState::Running, 0, None));
    assert_eq!(log.take(), ["0", "1234"]);

    worker.wait(2).tell().await.unwrap();
    settle().await;
    for _ in 0..3 {
        worker.add().tell().await.unwrap();
    }
    assert_eq!(worker.info().waiting, 3);
    pass(Duration::from_secs(3)).await;
    assert_eq!(worker.info().waiting, 0);
    assert_eq!(worker.add().await.unwrap(), (6, 5));

    // It is not lost with the instance as long as somebody holds a handle.
    worker.sleep().await.unwrap();
    assert_eq!(worker.info().crashes, 1);
}
