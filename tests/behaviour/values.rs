//! What a call stores is read back equal, or the call fails where it is made and is undone.

use std::time::Duration;

use actor_core::CallError;
use actor_core::prelude::*;
use actor_core::testing::Lab;
use serde::{Deserialize, Serialize};

/// A value with all that JSON does not keep by itself.
#[allow(clippy::option_option, reason = "it is what JSON does not keep")]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    mean: f64,
    twice: Option<Option<u8>>,
    shape: Shape,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Shape {
    #[default]
    None,
    Name(String),
    /// Never read: the one before writes the same.
    Nickname(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    readings: Vec<Reading>,
    written: u32,
}

#[derive(Actor)]
#[actor(name = "holder")]
pub(crate) struct Holder {
    #[state]
    state: State<Held>,
}

#[actor]
impl Holder {
    #[create_state]
    fn create_state(_cx: &mut Context<'_, Self, Migrated>, first: Vec<Reading>) -> Result<Held> {
        let readings = first;
        Ok(Held {
            readings,
            written: 0,
        })
    }

    #[action]
    pub(crate) fn hold(&mut self, _cx: &mut Context<'_, Self>, reading: Reading) -> Result<()> {
        self.state.readings.push(reading);
        self.state.written += 1;
        Ok(())
    }

    #[action]
    pub(crate) fn held(&self, _cx: &mut Context<'_, Self>) -> Result<Held> {
        Ok(self.state.clone())
    }

    #[action]
    pub(crate) fn plan(&mut self, cx: &mut Context<'_, Self>, reading: Reading) -> Result<()> {
        self.state.written += 1;
        cx.after(Duration::from_secs(1), cx.handle().hold(reading))?;
        Ok(())
    }

    #[action]
    pub(crate) fn pass(
        &mut self,
        cx: &mut Context<'_, Self>,
        to: String,
        reading: Reading,
    ) -> Result<()> {
        self.state.written += 1;
        let other = cx.system().get_or_create::<Self>(to, Vec::new());
        cx.send(other.hold(reading))?;
        Ok(())
    }

    #[queue]
    pub(crate) fn inbox(reading: Reading) -> Reading {}
}

fn lab() -> actor_core::testing::LabBuilder {
    Lab::builder().register::<Holder>()
}

fn good(mean: f64) -> Reading {
    Reading {
        mean,
        twice: Some(Some(1)),
        shape: Shape::Name("a".to_owned()),
    }
}

/// Each value that is refused, and where.
fn bad() -> [(Reading, &'static str); 3] {
    let (mean, twice) = (f64::NAN, Some(None));
    let shape = Shape::Nickname("a".to_owned());
    [
        (Reading { mean, ..good(0.0) }, ".mean: not a finite number"),
        (
            Reading { twice, ..good(0.0) },
            ".twice: it would be read back as another value",
        ),
        (
            Reading { shape, ..good(0.0) },
            ": it would be read back as another value",
        ),
    ]
}

#[track_caller]
fn says<T>(result: Result<T, CallError>, code: (&str, &str), text: &str) {
    let Err(error) = result else {
        panic!("it was accepted, not refused with {text:?}");
    };
    assert_eq!((error.group(), error.code()), code, "{error}");
    assert!(error.to_string().contains(text), "{error} has no {text:?}");
}

#[tokio::test(start_paused = true)]
async fn a_state_that_would_not_come_back_fails_its_call_alone() {
    let mut lab = lab().start().await.unwrap();
    let holder = lab.system().get_or_create::<Holder>("a", vec![good(0.5)]);
    for (reading, place) in bad() {
        // They share a commit with a call before and a call after.
        let (before, failed, after) = tokio::join!(
            holder.hold(good(1.0)).into_future(),
            holder.hold(reading.clone()).into_future(),
            holder.hold(good(2.0)).into_future()
        );
        before.unwrap();
        let place = place.strip_prefix(':').map_or(place, |_| "state: it would");
        says(failed, ("state", "not_storable"), place);
        after.unwrap();
    }
    let held = holder.held().await.unwrap();
    assert_eq!((held.readings.len(), held.written), (7, 6));
    holder.sleep().await.unwrap();
    assert_eq!(holder.held().await.unwrap(), held);
    lab.power_cut().await.unwrap();
    let holder = lab.system().get::<Holder>("a");
    assert_eq!(holder.held().await.unwrap(), held);
    lab.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_is_not_made_of_a_state_that_would_not_come_back() {
    let mut lab = lab().start().await.unwrap();
    for (index, (reading, place)) in bad().into_iter().enumerate() {
        let key = format!("{index}");
        let made = lab
            .system()
            .create::<Holder>(&*key, vec![reading.clone()])
            .await;
        let place = place.strip_prefix(':').map_or(place, |_| "state: it would");
        says(made, ("state", "not_storable"), place);
        lab.system()
            .create::<Holder>(&*key, Vec::new())
            .await
            .unwrap();
    }
    lab.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_timer_a_message_and_a_queue_take_comes_back_equal() {
    let mut lab = lab().start().await.unwrap();
    let holder = lab.system().get_or_create::<Holder>("a", Vec::new());
    let mean = 0.1 + 0.2;
    holder
        .hold(good(mean))
        .after(Duration::from_secs(1))
        .await
        .unwrap();
    holder.plan(good(-mean)).await.unwrap();
    holder.pass("b", good(f64::MIN_POSITIVE)).await.unwrap();
    holder.sleep().await.unwrap();
    lab.advance(Duration::from_secs(2)).await;
    assert_eq!(
        holder.held().await.unwrap().readings,
        [good(mean), good(-mean)]
    );
    let other = lab.system().get::<Holder>("b");
    assert_eq!(
        other.held().await.unwrap().readings,
        [good(f64::MIN_POSITIVE)]
    );
    holder.inbox().push(good(5e-324)).await.unwrap();
    holder.sleep().await.unwrap();
    let job = holder.inbox().next().await.unwrap();
    assert_eq!(*job.message(), good(5e-324));
    lab.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_would_not_come_back_is_refused_where_it_is_stored() {
    let mut lab = lab().start().await.unwrap();
    let holder = lab.system().get_or_create::<Holder>("a", Vec::new());
    for (reading, place) in bad() {
        let place = place.strip_prefix(':').map_or(place, |_| "it would");
        let set = holder.hold(reading.clone()).after(Duration::ZERO).await;
        says(set, ("timer", "arguments"), place);
        says(
            holder.plan(reading.clone()).await,
            ("actor", "action_failed"),
            place,
        );
        says(
            holder.pass("b", reading.clone()).await,
            ("actor", "action_failed"),
            place,
        );
        says(
            holder.inbox().push(reading.clone()).await,
            ("queue", "json"),
            place,
        );
        holder.inbox().push(good(1.0)).await.unwrap();
        let job = holder.inbox().next().await.unwrap();
        says(job.reply(reading).await, ("queue", "json"), place);
    }
    assert_eq!(
        holder.held().await.unwrap(),
        Held::default(),
        "all was undone"
    );
    assert_eq!(holder.timers().await.unwrap().len(), 0);
    assert_eq!(holder.outbox().await.unwrap().len(), 0);
    assert_eq!(holder.dead_letters().await.unwrap().len(), 0);
    lab.shutdown().await.unwrap();
}
