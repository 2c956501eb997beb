//! Tests with the kit: a system on a disk in memory, whose time, power and faults the test has in its hands. Each function below is a
//! test as you write it, with `#[tokio::test(start_paused = true)]` above it.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::{Lab, Unsynced};
use diesel::prelude::*;

use self::schema::reminders;

type Outcome = std::result::Result<(), Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Outcome {
    a_reminder_survives_a_power_cut().await?;
    a_reminder_that_fails_comes_again().await?;
    an_actor_that_crashes_knows_what_it_answered().await?;
    a_full_disk_loses_nothing_that_was_answered().await?;
    every_moment_is_a_good_one_for_a_power_cut().await?;
    println!("all well");
    Ok(())
}

async fn a_reminder_survives_a_power_cut() -> Outcome {
    let mut lab = Lab::builder().register::<Reminders>().start().await?;
    let ann = lab.get_or_create::<Reminders>("ann", ());
    ann.remind("tea").after(hours(1)).await?;

    // What was not synced is gone. A new system recovers, which needs new handles.
    lab.power_cut().await?;
    let ann = lab.get::<Reminders>("ann");
    lab.advance(Duration::from_millis(3_599_999)).await;
    assert_eq!(ann.said().await?, [""; 0]);
    lab.advance(Duration::from_millis(1)).await;
    assert_eq!(ann.said().await?, ["tea"]);
    println!("tea, after an hour and a power cut");
    Ok(())
}

async fn a_reminder_that_fails_comes_again() -> Outcome {
    let mut lab = Lab::builder().register::<Reminders>().start().await?;
    let ann = lab.get_or_create::<Reminders>("ann", ());
    ann.remind("").after(hours(1)).await?;

    // An action that fails is tried again, ten times in all, with pauses of up to ten minutes: a day is over in a moment.
    lab.advance(hours(24)).await;
    let letters = ann.dead_letters().await?;
    assert_eq!((letters.len(), letters[0].tries), (1, 10));
    println!("given up after ten tries: {}", letters[0].reason);
    Ok(())
}

async fn an_actor_that_crashes_knows_what_it_answered() -> Outcome {
    let mut lab = Lab::builder().register::<Reminders>().start().await?;
    let ann = lab.get_or_create::<Reminders>("ann", ());
    ann.remind("tea").await?;
    ann.draft("biscuits").await?;
    assert_eq!(ann.drafted().await?, ["biscuits"]);

    lab.crash::<Reminders>("ann").await?;
    assert_eq!(ann.said().await?, ["tea"]);
    // Vars are gone with their instance.
    assert_eq!(ann.drafted().await?, [""; 0]);
    println!("crashed, and back without its draft");
    Ok(())
}

async fn a_full_disk_loses_nothing_that_was_answered() -> Outcome {
    let mut lab = Lab::builder().register::<Reminders>().start().await?;
    let ann = lab.get_or_create::<Reminders>("ann", ());
    ann.remind("tea").await?;

    lab.disk().fill_up();
    let refused = ann.remind("biscuits").await.unwrap_err();
    assert_eq!((refused.group(), refused.code()), ("store", "lost"));

    lab.disk().heal();
    lab.idle().await;
    assert_eq!(ann.said().await?, ["tea"]);
    ann.remind("cake").await?;
    assert_eq!(ann.said().await?, ["tea", "cake"]);
    println!("refused, and then not: {refused}");
    Ok(())
}

async fn every_moment_is_a_good_one_for_a_power_cut() -> Outcome {
    // Each round loses the power one operation of the disk later, until the script comes to its end.
    for operation in 0.. {
        let mut lab = Lab::builder().register::<Reminders>().start().await?;
        let begun = lab.disk().operations();
        lab.disk().cut_power_at(begun + operation);
        let ann = lab.get_or_create::<Reminders>("ann", ());
        let mut answered = Vec::new();
        for text in ["tea", "biscuits", "cake"] {
            if ann.remind(text).await.is_ok() {
                answered.push(text);
            }
        }
        let is_done = !lab.disk().is_off();

        lab.power_cut_with(Unsynced::Torn { seed: operation })
            .await?;
        let ann = lab.get_or_create::<Reminders>("ann", ());
        let said = ann.said().await?;
        // What was answered is there; what was under way may be, too.
        assert!(said.len() >= answered.len() && said.len() <= answered.len() + 1);
        assert!(answered.iter().all(|text| said.iter().any(|it| it == text)));
        if is_done {
            println!("{operation} power cuts, and nothing lost");
            return Ok(());
        }
    }
    Ok(())
}

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

actor_core::schema! { mod schema = "migrations/reminders"; }

/// What somebody is reminded of.
#[derive(Actor)]
struct Reminders {
    #[vars]
    drafts: Vec<String>,
}

#[actor]
impl Reminders {
    #[migrate("migrations/reminders")]
    fn migrate() {}

    #[action]
    fn remind(&mut self, cx: &mut Context<'_, Self>, text: String) -> Result<()> {
        if text.is_empty() {
            return Err(Failure::message("there is nothing to say"));
        }
        diesel::insert_into(reminders::table)
            .values(reminders::text.eq(text))
            .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn said(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(reminders::table
            .order(reminders::id)
            .select(reminders::text)
            .load(cx.db())?)
    }

    #[action]
    fn draft(&mut self, _cx: &mut Context<'_, Self>, text: String) -> Result<()> {
        self.drafts.push(text);
        Ok(())
    }

    #[action]
    fn drafted(&self, _cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(self.drafts.clone())
    }
}
