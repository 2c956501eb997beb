//! What happens to the messages and timers of an actor that is given up for a while: nothing is lost.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::{CallError, Receipt, Status};

use crate::giving_up::{Patient, Ward, note, spend};
use crate::support::{pass, settle};

/// Works on its queue beside itself.
#[derive(Actor)]
#[actor(name = "laborer", sleep_after = "never")]
pub(crate) struct Laborer {
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
    fn finish(&mut self, cx: &mut Context<'_, Self>, receipt: Receipt, text: String) -> Result<()> {
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
pub(crate) struct Correspondent {
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
