//! What an actor that is given up for a while does to those who wait for it, and how it comes back.

use std::error::Error as _;
use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Change, Status, Watch};
use tokio::time::Instant;

use crate::alarm::{noon, since_noon};
use crate::given_up::{Correspondent, Laborer};
use crate::support::{Fault, Faults, Log, builder, directory, pass, reach, settle};

/// Panics when it is told to, and logs when it starts, ticks and works.
#[derive(Actor)]
#[actor(name = "patient", sleep_after = "never")]
pub(crate) struct Patient {
    #[state]
    count: State<u32>,
}

#[actor]
impl Patient {
    #[queue(visibility = "10s")]
    pub(crate) fn jobs(text: String) -> u32 {}

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
    pub(crate) fn add(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        *self.count += 1;
        Ok(*self.count)
    }

    #[action]
    pub(crate) fn tick(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {
        note(cx.system(), "ticked");
        *self.count += 1;
        Ok(())
    }

    #[action]
    pub(crate) fn explode(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        panic!("it explodes")
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
pub(crate) fn note(system: &System, what: &str) {
    let began = system.extension::<Instant>().unwrap();
    let log = system.extension::<Log>().unwrap();
    log.push(format!("{what} at {}", began.elapsed().as_millis()));
}

pub(crate) struct Ward {
    log: Log,
    faults: Faults,
    began: Instant,
    pub(crate) system: System,
    _directory: tempfile::TempDir,
}

impl Ward {
    pub(crate) async fn open() -> Self {
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

    pub(crate) fn patient(&self) -> PatientHandle {
        self.system.get_or_create::<Patient>("a", ())
    }

    pub(crate) fn elapsed(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    /// Takes what was logged, but for `reach`.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.log.take();
        notes.retain(|note| note != "on_wake");
        notes
    }
}

/// Has an actor panic some times, each as soon as it is awake again.
pub(crate) async fn spend(patient: &PatientHandle, times: u32) {
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
