//! Timers that are never lost: an actor for each person, which reminds at the times that a cron expression names, and
//! once a reminder is due while the program is not running.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use actor_core::Clock;
use actor_core::prelude::*;
use diesel::prelude::*;

use self::schema::reminders;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    // Friday 2026-11-20, 18:00 in Berlin. Time passes when nothing is left to do, so that days take no time here; a program of
    // yours leaves the clock away.
    let clock = Clock::starting_at(UNIX_EPOCH + Duration::from_hours(498_665));

    let system = start(directory.path(), clock).await?;
    let ann = system.get_or_create::<Person>("ann", ());
    ann.every_working_day("stand-up").await?;
    // A timer is any call of an action, set from outside or in an action.
    ann.remind("call Bob")
        .after(Duration::from_hours(1))
        .await?;
    // The name replaces the earlier timer: this one counts.
    ann.remind("water the plants")
        .named("plants")
        .after(Duration::from_hours(2))
        .await?;
    ann.remind("water the plants")
        .named("plants")
        .after(Duration::from_hours(40))
        .await?;
    for timer in ann.timers().await? {
        println!("planned: {} {:?}", timer.action, timer.repeats);
    }

    // One hour later it wakes for the first. Then the program ends, and starts again on Sunday: the plants were due on Sunday
    // at 10:00, while it was down.
    tokio::time::sleep(Duration::from_hours(2)).await;
    system.shutdown().await?;
    tokio::time::sleep(Duration::from_hours(44)).await;
    println!("-- the program was down until Sunday, 16:00");
    let system = start(directory.path(), clock).await?;

    // Until Wednesday evening.
    tokio::time::sleep(Duration::from_hours(74)).await;
    let ann = system.get::<Person>("ann");
    let texts = ann.reminded().await?;
    println!("ann was reminded: {texts:#?}");
    assert_eq!(
        texts,
        [
            "call Bob",
            "water the plants",
            "stand-up",
            "stand-up",
            "stand-up"
        ]
    );
    assert!(ann.cancel_timer("stand-up").await?);
    assert_eq!(ann.timers().await?, []);
    system.shutdown().await?;
    Ok(())
}

async fn start(directory: &Path, clock: Clock) -> Result<System, actor_core::SystemError> {
    System::builder()
        .data_dir(directory)
        .clock(clock)
        .register::<Person>()
        .start()
        .await
}

actor_core::schema! { mod schema = "migrations/reminders"; }

/// Somebody who wants to be reminded.
#[derive(Actor)]
struct Person {}

#[actor]
impl Person {
    #[migrate("migrations/reminders")]
    fn migrate() {}

    /// Plans a reminder for every working day at nine.
    #[action]
    fn every_working_day(&mut self, cx: &mut Context<'_, Self>, text: String) -> Result<()> {
        // The timer is there if this action is well, and only then.
        let remind = cx.handle();
        let weekdays = actor_core::cron!("0 9 * * 1-5", "Europe/Berlin");
        cx.repeat(weekdays, remind.remind(&*text).named(text))?;
        Ok(())
    }

    /// Reminds. The timer goes in the transaction of this action, so that its rows are there once.
    #[action]
    fn remind(&mut self, cx: &mut Context<'_, Self>, text: String) -> Result<()> {
        println!("reminder for {}: {text}", cx.key());
        diesel::insert_into(reminders::table)
            .values(reminders::text.eq(text))
            .execute(cx.db())?;
        Ok(())
    }

    #[action]
    fn reminded(&self, cx: &mut Context<'_, Self>) -> Result<Vec<String>> {
        Ok(reminders::table
            .order(reminders::id)
            .select(reminders::text)
            .load(cx.db())?)
    }
}
