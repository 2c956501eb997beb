//! Timers: they run when they are due, once in effect, in order, and none is lost.

use std::time::{Duration, UNIX_EPOCH};

use actor_core::{DeadLetterKind, Repeats, Status, TimerError};

use crate::alarm::{Alarm, NOON, Opaque, lab, noon, since_noon, start};
use crate::support::{Fault, Faults, Log, Random, builder, count, directory, number, pass, tamper};

const FILE: &str = "alarm/k_a.db";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ring(label: &str, at: i64) -> (String, i64) {
    (label.to_owned(), at)
}

/// What the directory knows of the next wake-up of `a`, in milliseconds since noon.
fn known(directory: &std::path::Path) -> i64 {
    let noon = i64::try_from(NOON).unwrap() * 1_000;
    number(
        directory,
        "directory.db",
        &format!("(SELECT coalesce(next_timer - {noon}, -1) FROM actors WHERE key = 'a')"),
    )
}

#[tokio::test(start_paused = true)]
async fn a_timer_from_outside_runs_when_it_is_due_and_is_gone() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    let timer = alarm.ring("x").after(seconds(10)).await.unwrap();
    let planned = alarm.timers().await.unwrap();
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].id, timer);
    assert_eq!(planned[0].action, "ring");
    assert_eq!(since_noon(planned[0].due), 10_000);
    lab.advance(Duration::from_millis(9_999)).await;
    assert_eq!(alarm.rings().await.unwrap(), []);
    lab.advance(Duration::from_millis(1)).await;
    assert_eq!(alarm.rings().await.unwrap(), [ring("x", 10_000)]);
    assert_eq!(alarm.timers().await.unwrap(), []);
    lab.advance(seconds(3_600)).await;
    assert_eq!(alarm.rings().await.unwrap(), [ring("x", 10_000)]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_wakes_a_sleeping_actor_and_one_that_is_past_is_now() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    let past = UNIX_EPOCH + seconds(NOON - 60);
    alarm.ring("past").at(past).await.unwrap();
    alarm.ring("hour").after(seconds(3_600)).await.unwrap();
    alarm.sleep().await.unwrap();
    assert_eq!(alarm.status(), Status::Asleep);
    lab.advance(seconds(3_610)).await;
    assert_eq!(alarm.status(), Status::Awake);
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, [ring("past", 0), ring("hour", 3_600_000)]);
    assert_eq!(alarm.starts().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_timer_set_in_on_sleep_fires_exactly_once_after_the_wake() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.plan_at_sleep(5).await.unwrap();
    alarm.sleep().await.unwrap();
    lab.advance(seconds(1_000)).await;
    assert_eq!(alarm.status(), Status::Asleep);
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, [ring("set in on_sleep", 5_000)]);
    // The one of the creation, the one of the timer, and that of this call.
    assert_eq!(alarm.starts().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_due_while_the_actor_goes_to_sleep_wakes_it() {
    let faults = Faults::default();
    let mut lab = lab().extension(faults.clone()).start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("x").after(seconds(5)).await.unwrap();
    // The hook hangs until its limit of 15 seconds, past the timer.
    faults.set("alarm sleeps", Fault::Hang);
    lab.run_until(alarm.sleep()).await.unwrap();
    faults.clear();
    assert_eq!(alarm.rings().await.unwrap(), [ring("x", 15_000)]);
    assert_eq!(alarm.starts().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn timers_run_in_the_order_in_which_they_are_due_then_in_that_they_were_set() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    for (label, due) in [("c", 30), ("a", 10), ("d", 30), ("b", 20), ("e", 30)] {
        alarm.ring(label).after(seconds(due)).await.unwrap();
    }
    alarm
        .ring_slowly("slow", 60)
        .after(seconds(15))
        .await
        .unwrap();
    lab.advance(seconds(100)).await;
    let labels: Vec<_> = alarm.rings().await.unwrap();
    let expected = [
        ring("a", 10_000),
        ring("slow", 15_000),
        ring("b", 75_000),
        ring("c", 75_000),
        ring("d", 75_000),
        ring("e", 75_000),
    ];
    assert_eq!(labels, expected);
}

#[tokio::test(start_paused = true)]
async fn destroy_cancels_timers() {
    let log = Log::default();
    let mut lab = lab().extension(log.clone()).start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("x").after(seconds(10)).await.unwrap();
    alarm.destroy().await.unwrap();
    // Another actor has the key by then.
    assert_eq!(alarm.rings().await.unwrap(), []);
    lab.advance(seconds(60)).await;
    assert_eq!(log.take(), ["alarm sleeps"]);
    assert_eq!(alarm.rings().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_actors_each_fire_at_their_time() {
    let log = Log::default();
    let mut lab = lab()
        .extension(log.clone())
        .durability(actor_core::Durability::Process)
        .start()
        .await
        .unwrap();
    let mut random = Random::new(1);
    let mut expected = Vec::new();
    for number in 0..1_000 {
        let alarm = lab.get_or_create::<Alarm>(format!("{number:03}"), ());
        let delay = 10_000 + random.below(10_000_000);
        let planned = alarm.ring("x").after(Duration::from_millis(delay));
        planned.await.unwrap();
        let due = lab.now() + Duration::from_millis(delay);
        expected.push((due, format!("{number:03}")));
    }
    expected.sort();
    lab.advance(seconds(20_000)).await;
    let rang = log
        .take()
        .into_iter()
        .filter(|entry| entry != "alarm sleeps");
    let expected = expected.into_iter().map(|(due, key)| {
        let due = due.duration_since(UNIX_EPOCH + seconds(NOON)).unwrap();
        format!("{key} x {}", due.as_millis())
    });
    assert!(rang.eq(expected));
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_set_with_its_action_or_not_at_all() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.plan_ring("kept", 1, false).await.unwrap();
    // Both of them share a transaction, and neither runs another statement.
    let (failed, kept) = tokio::join!(
        alarm.plan_ring("undone", 1, true),
        alarm.plan_ring("kept too", 1, false)
    );
    assert_eq!(failed.unwrap_err().code(), "action_failed");
    kept.unwrap();
    lab.advance(seconds(2)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, [ring("kept", 1_000), ring("kept too", 1_000)]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_receiver_and_another_actor_set_no_timer() {
    let lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    let error = alarm.plan_sly().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`plan_sly` of alarm \"a\" failed: the timer was not written: `plan_sly` takes `&self`, so it may only read"
    );
    let error = alarm.plan_elsewhere().await.unwrap_err();
    let error = error.downcast_ref::<TimerError>().unwrap();
    assert_eq!(error.code(), "other_actor");
    let error = alarm.plan_by_asking().await.unwrap_err();
    assert_eq!(
        error
            .downcast_ref::<actor_core::CallError>()
            .unwrap()
            .code(),
        "ask_cycle"
    );
    assert_eq!(alarm.timers().await.unwrap(), []);
    assert!(alarm.planned().await.unwrap().is_empty());
    // Such arguments are for calls that are not stored.
    alarm.opaque(Opaque).await.unwrap();
    alarm.borrowed("text").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ticks_do_not_drift_overlap_or_pile_up() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm
        .ring_slowly("tick", 25)
        .every(seconds(10))
        .await
        .unwrap();
    lab.advance(seconds(99)).await;
    // It runs for 25 seconds: the ticks in that time are skipped, and the next is where it always was.
    let starts: Vec<_> = [10_000, 40_000, 70_000, 100_000]
        .map(|at| ring("tick", at))
        .into();
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, starts[..3]);
    lab.advance(seconds(2)).await;
    lab.shutdown().await.unwrap();
    // The process is down for an hour and a bit: what was missed is one run, and the anchor is the same.
    lab.advance(Duration::from_millis(3_603_210)).await;
    lab.restart().await.unwrap();
    lab.advance(seconds(50)).await;
    let alarm = lab.get::<Alarm>("a");
    // One runs at the moment.
    let rings = lab.run_until(alarm.rings()).await.unwrap();
    let begin = rings[4].1;
    assert_eq!(rings[..4], starts);
    assert_eq!(begin, 125_000 + 3_603_210);
    // It ended at 3,753,210.
    assert_eq!(rings[5..], [ring("tick", 3_760_000)]);
    let timers = alarm.timers().await.unwrap();
    assert_eq!(timers[0].repeats, Some(Repeats::Every(seconds(10))));
}

#[tokio::test(start_paused = true)]
async fn cron_follows_the_wall_clock_of_its_zone() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.plan_daily().await.unwrap();
    lab.advance(seconds(2 * 24 * 3_600)).await;
    // 09:30 in Berlin is 08:30 UTC in November.
    let hours = |hours: i64| hours * 3_600_000 / 2;
    let expected = [ring("daily", hours(41)), ring("daily", hours(89))];
    assert_eq!(alarm.rings().await.unwrap(), expected);
    for (expression, zone, reason) in [
        ("61 * * * *", "UTC", "the minute `61` is not valid"),
        ("0 0 9 * * *", "UTC", "it has 6 fields instead of five"),
        ("@daily", "UTC", "write `0 0 * * *`"),
        ("0 9 * * *", "Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("0 0 30 2 *", "UTC", "there is no such day"),
        ("0 9 * *\n", "UTC", "it has 4 fields instead of five"),
    ] {
        let refused = alarm.ring("x").cron(expression, zone).await.unwrap_err();
        assert_eq!((refused.group(), refused.code()), ("timer", "cron"));
        let text = refused.to_string();
        assert!(text.contains(reason) && !text.contains('\n'), "{text}");
    }
    let checked = actor_core::cron!("30 9 * * *", "Europe/Berlin");
    alarm.ring("checked").repeat(checked.clone()).await.unwrap();
    let timers = alarm.timers().await.unwrap();
    let repeats = timers.iter().filter_map(|timer| timer.repeats.clone());
    let cron = Repeats::from(checked);
    assert_eq!(repeats.collect::<Vec<_>>(), [cron.clone(), cron]);
    let refused = alarm.ring("x").every(Duration::ZERO).await.unwrap_err();
    assert_eq!((refused.group(), refused.code()), ("timer", "period"));
}

#[tokio::test(start_paused = true)]
async fn a_named_timer_replaces_the_one_of_its_name_and_is_cancelled_by_it() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.plan_named("tick", "first", 10).await.unwrap();
    let outside = alarm.ring("second").named("tick");
    outside.every(seconds(7)).await.unwrap();
    let timers = alarm.timers().await.unwrap();
    let names: Vec<_> = timers.iter().map(|timer| timer.name.as_deref()).collect();
    assert_eq!(names, [Some("tick")]);
    lab.advance(seconds(15)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings, [ring("second", 7_000), ring("second", 14_000)]);
    assert!(alarm.cancel("tick").await.unwrap());
    assert!(!alarm.cancel("tick").await.unwrap());
    let timer = alarm.ring("third").after(seconds(5)).await.unwrap();
    assert!(alarm.cancel_timer(timer).await.unwrap());
    assert!(!alarm.cancel_timer("tick").await.unwrap());
    let once = alarm.ring_once("once").named("once");
    once.every(seconds(1)).await.unwrap();
    lab.advance(seconds(60)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings[2..], [ring("once", 16_000)]);
    assert_eq!(alarm.timers().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_is_tried_again_with_longer_pauses_and_then_is_a_dead_letter() {
    let log = Log::default();
    let mut lab = lab().extension(log.clone()).start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.fail().named("bad").after(seconds(1)).await.unwrap();
    alarm.ring("good").after(seconds(2)).await.unwrap();
    lab.advance(seconds(24 * 3_600)).await;
    let at = |entry: &String| entry.rsplit(' ').next().unwrap().parse::<i64>().unwrap();
    let tries: Vec<_> = log
        .take()
        .iter()
        .filter(|entry| entry.contains("fail"))
        .map(at)
        .collect();
    assert_eq!(tries.len(), 10);
    assert_eq!(tries[0], 1_000);
    for (index, pair) in tries.windows(2).enumerate() {
        let longest = (2_000_i64 << index).min(600_000);
        let pause = pair[1] - pair[0];
        assert!(
            pause <= longest && pause >= longest * 8 / 10,
            "{pause} of {longest}"
        );
    }
    // What each of them wrote is undone, and the one behind it ran.
    assert_eq!(alarm.rings().await.unwrap(), [ring("good", 2_000)]);
    let letters = alarm.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.kind, letter.tries), (DeadLetterKind::Timer, 10));
    assert_eq!(
        (letter.action.as_str(), letter.arguments.as_str()),
        ("fail", "null")
    );
    assert_eq!(letter.name.as_deref(), Some("bad"));
    assert_eq!(since_noon(letter.scheduled), 1_000);
    assert_eq!(
        letter.reason,
        "`fail` of alarm \"a\" failed: fail is broken"
    );
    // It is tried anew, and ends as before.
    assert!(alarm.retry_dead_letter(letter.id).await.unwrap());
    assert_eq!(alarm.dead_letters().await.unwrap(), []);
    assert_eq!(alarm.timers().await.unwrap().len(), 1);
    lab.advance(seconds(24 * 3_600)).await;
    let letters = alarm.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert!(alarm.discard_dead_letter(letters[0].id).await.unwrap());
    assert_eq!(alarm.dead_letters().await.unwrap(), []);
    let runs = alarm.timer_runs().await.unwrap();
    let shown: Vec<_> = runs
        .iter()
        .map(|run| (run.action.as_str(), run.tries))
        .collect();
    assert_eq!(shown, [("ring", 1), ("fail", 10), ("fail", 10)]);
    assert_eq!(runs[0].error, None);
}

#[tokio::test(start_paused = true)]
async fn a_panic_counts_as_a_failure_and_its_effect_is_there_once() {
    let directory = directory();
    let (log, faults, clock) = (Log::default(), Faults::default(), noon());
    let system = builder(directory.path(), &log, &faults)
        .extension(clock)
        .clock(clock)
        .register::<Alarm>()
        .start()
        .await
        .unwrap();
    let alarm = system.get_or_create::<Alarm>("a", ());
    faults.set("ring_if_well", Fault::Panic);
    alarm.ring_if_well("x").after(seconds(1)).await.unwrap();
    pass(Duration::from_millis(1_500)).await;
    faults.clear();
    let timers = alarm.timers().await.unwrap();
    assert_eq!(timers[0].tries, 1);
    assert!(timers[0].last_error.as_ref().unwrap().contains("panicked"));
    pass(seconds(60)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings.len(), 1);
    assert!(rings[0].1 >= 2_600 && rings[0].1 <= 3_000, "{rings:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_be_made_any_more_goes_to_the_dead_letters() {
    let directory = directory();
    let clock = noon();
    let system = start(directory.path(), clock).await;
    let alarm = system.get_or_create::<Alarm>("a", ());
    for label in ["gone", "changed", "good"] {
        alarm.ring(label).after(seconds(10)).await.unwrap();
    }
    alarm.sleep().await.unwrap();
    tamper(
        directory.path(),
        FILE,
        "UPDATE _actor_calls SET action = 'rang' WHERE arguments = '[\"gone\"]';
         UPDATE _actor_calls SET arguments = '[7]' WHERE arguments = '[\"changed\"]'",
    );
    pass(seconds(11)).await;
    assert_eq!(alarm.rings().await.unwrap(), [ring("good", 10_000)]);
    let letters = alarm.dead_letters().await.unwrap();
    let shown: Vec<_> = letters
        .iter()
        .map(|letter| (letter.arguments.as_str(), letter.reason.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("[\"gone\"]", "the actor has no such action"),
            (
                "[7]",
                "its arguments do not fit: label: invalid type: integer `7`, expected a string at line 1 column 2"
            ),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn timers_and_the_history_are_bounded() {
    let mut lab = lab()
        .durability(actor_core::Durability::Process)
        .start()
        .await
        .unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    for number in 0..1_000_u64 {
        let ring = alarm.ring(number.to_string());
        ring.after(seconds(10 + number)).await.unwrap();
    }
    let full = alarm.ring("x").after(seconds(1)).await.unwrap_err();
    assert_eq!((full.group(), full.code()), ("timer", "full"));
    let error = alarm.plan_ring("x", 1, false).await.unwrap_err();
    let error = error.downcast_ref::<TimerError>().unwrap();
    assert_eq!(error.to_string(), "the actor has 1000 timers already");
    let long = alarm.ring("x".repeat(70_000)).after(seconds(1)).await;
    assert_eq!(long.unwrap_err().code(), "too_large");
    lab.advance(seconds(2_000)).await;
    assert_eq!(alarm.rings().await.unwrap().len(), 1_000);
    let runs = alarm.timer_runs().await.unwrap();
    assert_eq!(runs.len(), 100);
    assert_eq!(since_noon(runs[0].scheduled), 910_000);
}

#[tokio::test(start_paused = true)]
async fn the_directory_is_never_later_than_the_file() {
    let directory = directory();
    let clock = noon();
    let system = start(directory.path(), clock).await;
    let alarm = system.get_or_create::<Alarm>("a", ());
    alarm.ring("x").after(seconds(100)).await.unwrap();
    alarm.ring("y").after(seconds(50)).await.unwrap();
    alarm.ring("z").after(seconds(70)).await.unwrap();
    system.shutdown().await.unwrap();
    assert_eq!(known(directory.path()), 50_000);
    // The directory is gone, and is made anew from the file.
    std::fs::remove_file(directory.path().join("directory.db")).unwrap();
    let system = start(directory.path(), clock).await;
    pass(seconds(80)).await;
    let alarm = system.get::<Alarm>("a");
    assert_eq!(
        alarm.rings().await.unwrap(),
        [ring("y", 50_000), ring("z", 70_000)]
    );
    system.shutdown().await.unwrap();
    assert_eq!(known(directory.path()), 100_000);
    // Somebody has put another directory in its place, which knows none. Whatever wakes the actor rouses what is overdue.
    let tampered = "UPDATE actors SET next_timer = NULL";
    tamper(directory.path(), "directory.db", tampered);
    let system = start(directory.path(), clock).await;
    pass(seconds(80)).await;
    let alarm = system.get::<Alarm>("a");
    assert_eq!(alarm.status(), Status::Asleep);
    assert_eq!(alarm.rings().await.unwrap().len(), 2);
    pass(seconds(1)).await;
    assert_eq!(alarm.rings().await.unwrap()[2..], [ring("x", 160_000)]);
    system.shutdown().await.unwrap();
    assert_eq!(known(directory.path()), -1);
}

#[tokio::test(start_paused = true)]
async fn a_file_of_the_first_format_gets_what_it_lacks() {
    use crate::tally::{End, Tally};

    let directory = directory();
    std::fs::create_dir_all(directory.path().join("tally")).unwrap();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/files/format_1.db");
    std::fs::copy(kept, directory.path().join("tally/k_t1.db")).unwrap();
    let system = crate::support::start::<Tally>(directory.path()).await;
    let tally = system.get::<Tally>("t1");
    let (numbers, sum) = tally.read().await.unwrap();
    assert_eq!((numbers.len(), sum.total), (3, 8_800_005));
    assert_eq!(tally.timers().await.unwrap(), []);
    assert_eq!(tally.add(1, End::Well).await.unwrap().count, 4);
    system.shutdown().await.unwrap();
    let file = "tally/k_t1.db";
    assert_eq!(count(directory.path(), file, "_actor_calls"), 0);
    let format = "(SELECT format FROM _actor_meta)";
    assert_eq!(number(directory.path(), file, format), 2);
    let system = crate::support::start::<Tally>(directory.path()).await;
    assert_eq!(system.get::<Tally>("t1").read().await.unwrap().0.len(), 4);
}
