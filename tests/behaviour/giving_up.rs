//! What an actor that is given up for a while does to those who wait for it, and how it comes back.

use std::error::Error as _;
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Change, Status, Watch};
use tokio::time::Instant;

use crate::alarm::{noon, since_noon};
use crate::support::{Fault, Faults, Log, builder, directory, pass, reach, settle};

/// Panics when it is told to, and logs when it starts, ticks and works.
#[derive(Actor)]
#[actor(name = "patient", sleep_after = "never")]
struct Patient {
    #[state]
    count: State<u32>,
}

#[actor]
impl Patient {
    #[queue(visibility = "10s")]
    fn jobs(text: String) -> u32 {}

    #[on_wake]
    async fn on_wake(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx.system(), "woke");
        reach(cx.system(), "on_wake").await
    }

    #[on_destroy]
    fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx.system(), "destroyed");
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    #[action]
    fn tick(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx.system(), "ticked");
        *self.count += 1;
        Ok(())
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// Works on its queue beside itself.
#[derive(Actor)]
#[actor(name = "laborer", sleep_after = "never")]
struct Laborer {
    #[state]
    done: State<Vec<String>>,
}

#[actor]
impl Laborer {
    #[queue(visibility = "10s")]
    fn jobs(text: String) {}

    #[run]
    async fn work(mut background: Background<Self>) -> Result<()> {
        let handle = background.handle();
        while let Some(job) = background.next(handle.jobs()).await? {
            let text = job.message().clone();
            note(background.system(), &text);
            handle.finish(job.receipt(), text).await?;
        }
        Ok(())
    }

    #[action]
    fn finish(
        &mut self,
        cx: &mut Context<'_, Self>,
        receipt: actor_core::Receipt,
        text: String,
    ) -> Result<()> {
        if cx.ack(receipt)? {
            self.done.push(text);
        }
        Ok(())
    }

    #[action]
    fn done(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(self.done.clone())
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// Sends messages to a patient.
#[derive(Actor)]
#[actor(name = "correspondent", sleep_after = "never")]
struct Correspondent {
    #[state]
    sent: State<u32>,
}

#[actor]
impl Correspondent {
    #[action]
    fn send(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        *self.sent += 1;
        let patient = cx.system().get_or_create::<Patient>("a", ());
        cx.send(patient.tick())?;
        Ok(())
    }
}

/// In memory only.
#[derive(Actor)]
#[actor(name = "vapour", sleep_after = "never")]
struct Vapour {
    #[vars]
    seen: u32,
}

#[actor]
impl Vapour {
    #[on_destroy]
    fn on_destroy(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx.system(), "destroyed");
        Ok(())
    }

    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        self.seen += 1;
        Ok(self.seen)
    }

    #[action]
    fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
    }
}

/// Logs what happened, and at which millisecond of the test.
fn note(system: &System, what: &str) {
    let began = system.extension::<Instant>().unwrap();
    let log = system.extension::<Log>().unwrap();
    log.push(format!("{what} at {}", began.elapsed().as_millis()));
}

struct Ward {
    log: Log,
    faults: Faults,
    began: Instant,
    system: System,
    _directory: tempfile::TempDir,
}

impl Ward {
    async fn open() -> Self {
        let directory = directory();
        let (log, faults, began) = (Log::default(), Faults::default(), Instant::now());
        let system = builder(directory.path(), &log, &faults)
            .extension(began)
            .clock(noon())
            .register::<Patient>()
            .register::<Laborer>()
            .register::<Correspondent>()
            .register::<Vapour>()
            .start()
            .await
            .unwrap();
        Self {
            log,
            faults,
            began,
            system,
            _directory: directory,
        }
    }

    fn patient(&self) -> PatientHandle {
        self.system.get_or_create::<Patient>("a", ())
    }

    fn elapsed(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    /// Takes what was logged, but for `reach`.
    fn notes(&self) -> Vec<String> {
        let mut notes = self.log.take();
        notes.retain(|note| note != "on_wake");
        notes
    }
}

/// Has an actor panic some times, each as soon as it is awake again.
async fn spend(patient: &PatientHandle, times: u32) {
    for _ in 0..times {
        let error = patient.explode().await.unwrap_err();
        assert_eq!(error.code(), "action_panicked");
    }
}

/// Waits until the file of an actor that crashed is closed, and it pauses.
async fn paused(patient: &PatientHandle) {
    while patient.status() != Status::Starting {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_actor_that_is_given_up_has_the_last_panic_as_its_source() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    spend(&patient, 6).await;
    let error = patient.add().await.unwrap_err();
    let said = error.source().unwrap().to_string();
    assert_eq!(said, "`explode` of patient \"a\" panicked: it explodes");
    let CallError::FailedTooOften { source, .. } = error else {
        panic!("another error: {error}");
    };
    assert_eq!(source.code(), "action_panicked");
    assert!(source.source().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_operator_cuts_the_pause_before_a_start_short() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    assert_eq!(patient.add().await.unwrap(), 1);
    spend(&patient, 5).await;
    paused(&patient).await;
    // The fifth pause is 800 ms.
    assert_eq!(ward.elapsed(), 700);
    let next_try = patient.info().next_try.unwrap();
    assert_eq!(since_noon(next_try), 1_500);
    pass(Duration::from_millis(100)).await;
    assert_eq!(patient.status(), Status::Starting);
    ward.notes();
    patient.restart().await.unwrap();
    assert_eq!(ward.elapsed(), 800);
    assert_eq!(patient.status(), Status::Awake);
    assert_eq!(patient.info().next_try, None);
    assert_eq!(ward.notes(), ["woke at 800"]);
    // What went wrong before does not count: the next panic costs no pause.
    spend(&patient, 1).await;
    assert_eq!(patient.add().await.unwrap(), 2);
    assert_eq!(ward.elapsed(), 800);
}

#[tokio::test(start_paused = true)]
async fn what_waits_during_a_pause_is_handled_when_it_is_cut_short() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    spend(&patient, 5).await;
    paused(&patient).await;
    let (added, restarted) = tokio::join!(patient.add(), patient.restart());
    restarted.unwrap();
    assert_eq!((added.unwrap(), ward.elapsed()), (1, 700));
}

#[tokio::test(start_paused = true)]
async fn info_tells_since_when_an_actor_is_awake_and_when_it_is_tried_next() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    let times = || {
        let info = patient.info();
        let times = (info.awake_since, info.next_try);
        (times.0.map(since_noon), times.1.map(since_noon))
    };
    assert_eq!(times(), (None, None));
    pass(Duration::from_secs(1)).await;
    patient.add().await.unwrap();
    pass(Duration::from_secs(1)).await;
    patient.add().await.unwrap();
    assert_eq!(times(), (Some(1_000), None));
    patient.sleep().await.unwrap();
    assert_eq!(times(), (None, None));
    pass(Duration::from_secs(1)).await;
    patient.add().await.unwrap();
    assert_eq!(times(), (Some(3_000), None));

    // A panic: another instance.
    pass(Duration::from_secs(1)).await;
    spend(&patient, 1).await;
    patient.add().await.unwrap();
    assert_eq!(times(), (Some(4_000), None));
    spend(&patient, 5).await;
    settle().await;
    assert_eq!(patient.status(), Status::Failed);
    assert_eq!(times(), (None, Some(35_500)));
    pass(Duration::from_secs(10)).await;
    assert_eq!(times(), (None, Some(35_500)));
    pass(Duration::from_secs(20)).await;
    assert_eq!(times(), (None, None), "it is tried when somebody calls");
    patient.add().await.unwrap();
    assert_eq!(times(), (Some(35_500), None));

    // A start that fails.
    patient.sleep().await.unwrap();
    ward.faults.set("on_wake", Fault::Fail);
    for next in [35_600, 35_800, 36_200] {
        assert_eq!(patient.add().await.unwrap_err().code(), "hook_failed");
        assert_eq!(times(), (None, Some(next)));
        pass(Duration::from_millis(
            u64::try_from(next).unwrap() - u64::try_from(ward.elapsed()).unwrap(),
        ))
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn info_tells_since_when_an_actor_in_memory_is_awake() {
    let ward = Ward::open().await;
    let vapour = ward.system.get_or_create::<Vapour>("a", ());
    let since = || vapour.info().awake_since.map(since_noon);
    pass(Duration::from_secs(1)).await;
    vapour.add().await.unwrap();
    pass(Duration::from_secs(1)).await;
    vapour.add().await.unwrap();
    assert_eq!(since(), Some(1_000));
    vapour.explode().await.unwrap_err();
    vapour.add().await.unwrap();
    assert_eq!(since(), Some(2_000));
    vapour.sleep().await.unwrap();
    assert_eq!(since(), None);
    pass(Duration::from_secs(1)).await;
    vapour.add().await.unwrap();
    assert_eq!(since(), Some(3_000));
}

/// Takes the changes up to one of them.
async fn until(watch: &mut Watch, last: &str) -> Vec<String> {
    let mut changes: Vec<String> = Vec::new();
    while changes.last().map(String::as_str) != Some(last) {
        let change = watch.next().await.unwrap().unwrap();
        changes.push(match change {
            Change::Failed(error) => error.code().to_owned(),
            other => format!("{other:?}"),
        });
    }
    changes
}

#[tokio::test(start_paused = true)]
async fn a_destruction_that_waits_is_carried_out_when_the_actor_is_given_up() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    patient.add().await.unwrap();
    spend(&patient, 5).await;
    paused(&patient).await;
    ward.notes();
    let mut watch = patient.watch().unwrap();
    let (exploded, before, destroyed, after) = tokio::join!(
        patient.explode(),
        patient.add(),
        patient.destroy(),
        patient.add()
    );
    assert_eq!(exploded.unwrap_err().code(), "action_panicked");
    assert_eq!(before.unwrap_err().code(), "failed_too_often");
    destroyed.unwrap();
    assert_eq!(after.unwrap(), 1, "the next actor of the key");
    assert_eq!(ward.elapsed(), 1_500);
    let woke = "woke at 1500";
    assert_eq!(ward.notes(), [woke, woke, "destroyed at 1500", woke]);
    let changes = until(&mut watch, "Destroyed").await;
    let expected = ["Woke", "Crashed", "failed_too_often", "Woke", "Destroyed"];
    assert_eq!(changes, expected);
    // The next one has a budget of its own.
    spend(&patient, 1).await;
    assert_eq!(patient.add().await.unwrap(), 2);
    assert_eq!(ward.elapsed(), 1_500);
}

#[tokio::test(start_paused = true)]
async fn a_destruction_of_an_actor_in_memory_is_carried_out_when_it_is_given_up() {
    let ward = Ward::open().await;
    let vapour = ward.system.get_or_create::<Vapour>("a", ());
    for _ in 0..5 {
        vapour.explode().await.unwrap_err();
    }
    let (exploded, destroyed, after) =
        tokio::join!(vapour.explode(), vapour.destroy(), vapour.add());
    assert_eq!(exploded.unwrap_err().code(), "action_panicked");
    destroyed.unwrap();
    assert_eq!(after.unwrap(), 1);
    assert_eq!(ward.notes(), ["destroyed at 1500"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_queue_of_an_actor_that_is_given_up_is_handed_out_when_it_starts() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    for text in ["first", "second"] {
        patient.jobs().push(text.to_owned()).await.unwrap();
    }
    let first = patient.jobs().next().await.unwrap();
    assert_eq!((first.message().as_str(), first.tries()), ("first", 1));
    spend(&patient, 6).await;
    settle().await;
    // Nobody waits for an actor that is given up: neither who takes, nor who acknowledges, nor who pushes.
    let code = |error: CallError| error.code();
    let refused = "failed_too_often";
    let pushed = patient.jobs().push("third".to_owned()).await;
    assert_eq!(pushed.map_err(code).unwrap_err(), refused);
    let acknowledged = first.ack().await;
    assert_eq!(acknowledged.map_err(code).unwrap_err(), refused);
    let taken = patient.jobs().next().await;
    assert_eq!(taken.map(|_| ()).map_err(code).unwrap_err(), refused);
    let waited = patient.jobs().send_and_wait("fourth".to_owned()).await;
    assert_eq!(waited.map_err(code).unwrap_err(), refused);
    assert_eq!(ward.elapsed(), 1_500);

    pass(Duration::from_secs(30)).await;
    assert_eq!(patient.jobs().count().await.unwrap(), 2);
    let again = patient.jobs().next().await.unwrap();
    assert_eq!((again.message().as_str(), again.tries()), ("first", 2));
    let second = patient.jobs().next().await.unwrap();
    assert_eq!((second.message().as_str(), second.tries()), ("second", 1));
    assert!(again.ack().await.unwrap());
    assert!(second.ack().await.unwrap());
    assert_eq!(patient.jobs().count().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_message_gets_one_that_is_pushed_after_the_actor_was_given_up() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    let taker = tokio::spawn({
        let patient = patient.clone();
        async move {
            let job = patient.jobs().next().await.unwrap();
            let text = job.message().clone();
            job.reply(7).await.unwrap();
            text
        }
    });
    settle().await;
    spend(&patient, 6).await;
    settle().await;
    assert_eq!(patient.status(), Status::Failed);
    assert!(!taker.is_finished(), "it waits in memory, not in the actor");
    pass(Duration::from_secs(30)).await;
    let replied = patient.jobs().send_and_wait("late".to_owned()).await;
    assert_eq!(replied.unwrap(), 7);
    assert_eq!(taker.await.unwrap(), "late");
    assert_eq!(ward.elapsed(), 31_500);
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_takes_what_came_due_while_its_actor_was_given_up() {
    let ward = Ward::open().await;
    let laborer = ward.system.get_or_create::<Laborer>("a", ());
    laborer.jobs().push("now".to_owned()).await.unwrap();
    let later = Duration::from_secs(5);
    let jobs = laborer.jobs();
    jobs.push_later("later".to_owned(), later).await.unwrap();
    while laborer.done().await.unwrap() != ["now"] {
        tokio::task::yield_now().await;
    }
    for _ in 0..6 {
        laborer.explode().await.unwrap_err();
    }
    settle().await;
    assert_eq!(laborer.status(), Status::Failed);
    assert_eq!(laborer.info().runs, [], "no hook is left running");
    pass(Duration::from_secs(40)).await;
    // Nobody called it: the scheduler started it as soon as it might.
    assert_eq!(ward.notes(), ["now at 0", "later at 31500"]);
    assert_eq!(laborer.done().await.unwrap(), ["now", "later"]);
    assert_eq!(laborer.jobs().count().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_repeats_ticks_once_for_the_time_in_which_its_actor_was_given_up() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    let every = Duration::from_secs(5);
    patient.tick().every(every).await.unwrap();
    spend(&patient, 6).await;
    settle().await;
    ward.notes();
    pass(Duration::from_secs(45)).await;
    let expected = [
        "woke at 31500",
        "ticked at 31500",
        "ticked at 35000",
        "ticked at 40000",
        "ticked at 45000",
    ];
    assert_eq!(ward.notes(), expected);
    assert_eq!(patient.add().await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_others_sent_to_an_actor_that_is_given_up_arrives_once_and_in_order() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    spend(&patient, 6).await;
    settle().await;
    assert_eq!(patient.status(), Status::Failed);
    let correspondent = ward.system.get_or_create::<Correspondent>("c", ());
    for _ in 0..3 {
        correspondent.send().await.unwrap();
    }
    pass(Duration::from_secs(10)).await;
    correspondent.send().await.unwrap();
    assert_eq!(correspondent.dead_letters().await.unwrap().len(), 0);
    ward.notes();
    pass(Duration::from_secs(40)).await;
    let ticked = "ticked at 31500";
    assert_eq!(
        ward.notes(),
        ["woke at 31500", ticked, ticked, ticked, ticked]
    );
    assert_eq!(correspondent.dead_letters().await.unwrap().len(), 0);
    assert_eq!(patient.add().await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_restarts_a_failed_actor_lets_timers_go_on() {
    let ward = Ward::open().await;
    let patient = ward.patient();
    patient.tick().after(Duration::from_secs(3)).await.unwrap();
    spend(&patient, 6).await;
    pass(Duration::from_millis(3_500)).await;
    assert_eq!(patient.status(), Status::Failed);
    ward.notes();
    patient.restart().await.unwrap();
    pass(Duration::from_millis(1)).await;
    assert_eq!(ward.notes(), ["woke at 5000", "ticked at 5000"]);
    assert_eq!(patient.add().await.unwrap(), 2);
    pass(Duration::from_mins(1)).await;
    assert_eq!(ward.notes(), [""; 0]);
}
