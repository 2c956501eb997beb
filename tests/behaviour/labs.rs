//! The test kit: what it says of time, of being idle, of ends and of the disk is so.

use std::time::Duration;

use actor_core::prelude::*;
use actor_core::testing::{Lab, Unsynced};
use actor_core::{Durability, Status};

use crate::account::{Account, Opening};
use crate::alarm::{Alarm, lab};
use crate::support::{Fault, Faults, Log, reach};
use crate::tally::{End, Tally};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ring(label: &str, at: i64) -> (String, i64) {
    (label.to_owned(), at)
}

#[tokio::test(start_paused = true)]
async fn time_stands_still_until_it_is_moved() {
    let mut lab = lab().start().await.unwrap();
    let before = lab.now();
    let slept = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
    let alarm = lab.get_or_create::<Alarm>("a", ());
    for _ in 0..100 {
        alarm.ring("x").await.unwrap();
    }
    lab.idle().await;
    assert!(!slept.is_finished());
    assert_eq!(lab.now(), before);
    lab.advance(Duration::from_millis(1)).await;
    assert!(slept.is_finished());
    assert_eq!(lab.now(), before + Duration::from_millis(1));
    lab.advance_to(before + seconds(7)).await;
    lab.advance_to(before).await;
    assert_eq!(lab.now(), before + seconds(7));
}

#[tokio::test(start_paused = true)]
async fn what_is_due_in_a_span_happens_at_its_moment_and_in_its_order() {
    let log = Log::default();
    let mut lab = lab().extension(log.clone()).start().await.unwrap();
    let (one, other) = (
        lab.get_or_create::<Alarm>("one", ()),
        lab.get_or_create::<Alarm>("other", ()),
    );
    one.ring("c").after(seconds(30)).await.unwrap();
    other.ring_slowly("a", 15).after(seconds(10)).await.unwrap();
    other.ring("d").after(seconds(20)).await.unwrap();
    let (clock, noted) = (lab.clock(), log.clone());
    let begun = lab.now();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::time::sleep(seconds(12)).await;
            let passed = clock.now().duration_since(begun).unwrap();
            noted.push(format!("test {}", passed.as_millis()));
        }
    });
    lab.advance(seconds(29)).await;
    let expected = [
        "other a 10000",
        "test 12000",
        "test 24000",
        // It is behind the one that took until now.
        "other d 25000",
    ];
    assert_eq!(log.take(), expected);
    // An hour later they are asleep, for half an hour and more.
    lab.advance(seconds(3_600)).await;
    assert_eq!(log.take(), ["one c 30000", "alarm sleeps", "alarm sleeps"]);
    assert_eq!(
        (one.status(), other.status()),
        (Status::Asleep, Status::Asleep)
    );
}

#[tokio::test(start_paused = true)]
async fn idle_is_when_calls_messages_and_commits_are_through() {
    let log = Log::default();
    let mut lab = Lab::builder()
        .extension(log.clone())
        .register::<Account>()
        .start()
        .await
        .unwrap();
    for name in ["a", "b", "c"] {
        let opening = Opening { cents: 100 };
        lab.create::<Account>(name, opening).await.unwrap();
    }
    for number in 0..20 {
        let (from, to) = [("a", "b"), ("b", "c"), ("c", "a")][number % 3];
        let account = lab.get::<Account>(from);
        account
            .transfer(to, number.to_string(), 1)
            .tell()
            .await
            .unwrap();
    }
    lab.idle().await;
    // All were handled, and what they sent, without a wait for any of them.
    assert_eq!(log.take().len(), 20);
    // All of it is durable, too, and so is what the senders know of it.
    lab.power_cut().await.unwrap();
    assert_eq!(log.take(), [""; 0]);
    for (name, cents) in [("a", 99), ("b", 100), ("c", 101)] {
        let account = lab.get::<Account>(name);
        assert_eq!(account.balance().await.unwrap(), cents);
        assert_eq!(account.outbox().await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_later_time_is_not_under_way() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    let (before, slow) = (lab.now(), alarm.clone());
    let slow = tokio::spawn(async move { slow.ring_slowly("slow", 5).await });
    lab.idle().await;
    assert!(!slow.is_finished());
    assert_eq!(lab.now(), before);
    // Time runs for what waits for it.
    lab.run_until(slow).await.unwrap().unwrap();
    assert_eq!(lab.now(), before + seconds(5));
    assert_eq!(alarm.rings().await.unwrap(), [ring("slow", 0)]);
}

#[tokio::test(start_paused = true)]
async fn each_end_leaves_what_it_says() {
    for (end, left) in [
        (None, 2),
        (Some(Unsynced::Lost), 1),
        (Some(Unsynced::Kept), 2),
    ] {
        // What is answered is written and not synced, except by the restart.
        let mut lab = Lab::builder()
            .register::<Tally>()
            .durability(Durability::Process)
            .start()
            .await
            .unwrap();
        let tally = lab.get_or_create::<Tally>("t", ());
        tally.add(1, End::Well).await.unwrap();
        lab.restart().await.unwrap();
        let tally = lab.get::<Tally>("t");
        tally.add(2, End::Well).await.unwrap();
        match end {
            None => lab.kill().await.unwrap(),
            Some(unsynced) => lab.power_cut_with(unsynced).await.unwrap(),
        }
        let gone = tally.add(3, End::Well).await.unwrap_err();
        assert_eq!((gone.group(), gone.code()), ("system", "shut_down"));
        let tally = lab.get::<Tally>("t");
        assert_eq!(tally.read().await.unwrap().1.count, left, "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_what_was_not_synced_follows_from_the_seed() {
    let mut left = Vec::new();
    for seed in 0..40 {
        let mut lab = Lab::builder()
            .register::<Tally>()
            .durability(Durability::Process)
            .start()
            .await
            .unwrap();
        lab.create::<Tally>("t", ()).await.unwrap();
        lab.restart().await.unwrap();
        let tally = lab.get::<Tally>("t");
        for number in 0..5 {
            tally.add(number, End::Well).await.unwrap();
        }
        let unsynced = if seed % 2 == 0 {
            Unsynced::Some {
                seed: seed / 2 % 10,
            }
        } else {
            Unsynced::Torn {
                seed: seed / 2 % 10,
            }
        };
        lab.power_cut_with(unsynced).await.unwrap();
        let (numbers, sum) = lab.get::<Tally>("t").read().await.unwrap();
        assert_eq!(i64::try_from(numbers.len()).unwrap(), sum.count);
        left.push(sum.count);
    }
    // What is left is a beginning, of any length, and the same each time.
    assert_eq!(left[..20], left[20..]);
    assert!(
        left.contains(&0) && left.iter().any(|count| *count > 0),
        "{left:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_takes_the_instance_and_nothing_that_was_answered() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("x").await.unwrap();
    alarm.ring("later").after(seconds(60)).await.unwrap();
    lab.crash::<Alarm>("a").await.unwrap();
    assert_eq!(alarm.starts().await.unwrap(), 2);
    assert_eq!(alarm.rings().await.unwrap(), [ring("x", 0)]);
    lab.advance(seconds(60)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, [ring("x", 0), ring("later", 60_000)]);
    // One that is asleep has nothing to lose.
    alarm.sleep().await.unwrap();
    lab.crash::<Alarm>("a").await.unwrap();
    assert_eq!(alarm.status(), Status::Asleep);
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_an_action_undoes_it_and_calls_behind_it_are_answered() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    let slow = alarm.clone();
    let slow = tokio::spawn(async move { slow.ring_slowly("slow", 5).await });
    lab.idle().await;
    let behind = alarm.clone();
    let behind = tokio::spawn(async move { behind.ring("behind").await });
    lab.crash::<Alarm>("a").await.unwrap();
    let crashed = slow.await.unwrap().unwrap_err();
    assert_eq!(
        crashed.to_string(),
        "`ring_slowly` of alarm \"a\" panicked: the test crashes the actor"
    );
    behind.await.unwrap().unwrap();
    assert_eq!(alarm.rings().await.unwrap(), [ring("behind", 0)]);
    assert_eq!(alarm.starts().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_takes_the_time_that_hooks_take() {
    let (log, faults) = (Log::default(), Faults::default());
    let mut lab = lab()
        .extension(log.clone())
        .extension(faults.clone())
        .start()
        .await
        .unwrap();
    lab.get_or_create::<Alarm>("a", ()).ring("x").await.unwrap();
    faults.set("alarm sleeps", Fault::Hang);
    let before = lab.now();
    lab.restart().await.unwrap();
    assert_eq!(lab.now(), before + seconds(15));
    let alarm = lab.get::<Alarm>("a");
    assert_eq!(alarm.rings().await.unwrap(), [ring("x", 0)]);
}

#[tokio::test(start_paused = true)]
async fn actors_in_memory_end_with_the_system() {
    let mut lab = Lab::builder().register::<Echo>().start().await.unwrap();
    let echo = lab.get_or_create::<Echo>("e", ());
    assert_eq!(echo.heard().await.unwrap(), 1);
    assert_eq!(echo.heard().await.unwrap(), 2);
    lab.crash::<Echo>("e").await.unwrap();
    assert_eq!(echo.heard().await.unwrap(), 1);
    lab.power_cut().await.unwrap();
    assert!(echo.heard().await.is_err());
    assert_eq!(lab.get::<Echo>("e").heard().await.unwrap(), 1);
}

#[tokio::test]
#[should_panic(expected = "start_paused = true")]
async fn a_clock_that_runs_is_refused() {
    let _ = Lab::builder().start().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "one `Lab` at a time")]
async fn a_second_lab_is_refused() {
    let _lab = Lab::builder().start().await.unwrap();
    let _ = Lab::builder().start().await;
}

/// Counts what it hears, in memory.
#[derive(Actor)]
#[actor(name = "echo")]
struct Echo {
    #[vars]
    heard: u32,
}

#[actor]
impl Echo {
    #[action]
    async fn heard(&mut self, cx: &mut Context<'_, Self>) -> Result<u32> {
        self.heard += 1;
        reach(cx.system(), "echo").await?;
        Ok(self.heard)
    }
}
