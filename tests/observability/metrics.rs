//! What is counted of actors, with exact values.

use std::time::Duration;

use actor_core::DeadLetterKind;

use crate::meter::{meter, opened};
use crate::shop::{Shop, shops};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn an_action_counts_with_its_outcome() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    shop.sell(2).await.unwrap();
    shop.sell(1).await.unwrap();
    assert_eq!(shop.sold().await.unwrap(), 3);
    shop.sell(0).await.unwrap_err();
    shop.sell(13).await.unwrap_err();
    shop.sell(0).tell().await.unwrap();
    let late = lab.run_until(shop.audit()).await.unwrap_err();
    assert_eq!(late.code(), "action_timed_out");
    assert_eq!(
        meter.take(&["actor_action"]),
        [
            "actor_action_duration_seconds{actor=shop,action=audit} x1",
            "actor_action_duration_seconds{actor=shop,action=sell} x5",
            "actor_action_duration_seconds{actor=shop,action=sold} x1",
            "actor_actions_total{actor=shop,action=audit,outcome=timed_out} 1",
            "actor_actions_total{actor=shop,action=sell,outcome=failed} 2",
            "actor_actions_total{actor=shop,action=sell,outcome=ok} 2",
            "actor_actions_total{actor=shop,action=sell,outcome=panicked} 1",
            "actor_actions_total{actor=shop,action=sold,outcome=ok} 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_counts_who_waits_who_is_refused_and_who_gives_up() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    shop.audit().tell().await.unwrap();
    lab.idle().await;
    // There is room for two beside the one that runs.
    shop.sell(1).try_tell().unwrap();
    shop.sell(1).try_tell().unwrap();
    for _ in 0..3 {
        shop.sell(1).try_tell().unwrap_err();
    }
    let brief = shop.sell(1).timeout(seconds(0)).tell();
    lab.run_until(brief).await.unwrap_err();
    let brief = shop.sold().timeout(Duration::from_millis(1));
    lab.run_until(brief).await.unwrap_err();
    assert_eq!(lab.run_until(shop.sold()).await.unwrap(), 2);
    assert_eq!(
        meter.take(&["actor_calls"]),
        [
            "actor_calls_refused_total{actor=shop,reason=full} 3",
            "actor_calls_timed_out_total{actor=shop} 2",
            "actor_calls_waited_total{actor=shop} 3",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn starts_and_ends_count_by_their_kind() {
    let (meter, _recorder) = meter();
    let names = ["actor_start", "actor_stop", "actor_awake", "actor_calls"];
    let mut lab = shops().start().await.unwrap();
    let shop = lab.create::<Shop>("a", ()).await.unwrap();
    lab.create::<Shop>("b", ()).await.unwrap();
    assert_eq!(
        meter.take(&names),
        [
            "actor_awake{actor=shop} 2",
            "actor_start_duration_seconds{actor=shop,outcome=new} x2",
            "actor_starts_total{actor=shop,outcome=new} 2",
        ]
    );
    shop.sleep().await.unwrap();
    assert_eq!(
        meter.take(&names),
        [
            "actor_awake{actor=shop} 1",
            "actor_stops_total{actor=shop,ending=sleep} 1",
        ]
    );
    shop.sell(1).await.unwrap();
    shop.sell(13).await.unwrap_err();
    lab.idle().await;
    assert_eq!(
        meter.take(&names),
        [
            "actor_awake{actor=shop} 2",
            "actor_start_duration_seconds{actor=shop,outcome=restart} x1",
            "actor_start_duration_seconds{actor=shop,outcome=wake} x1",
            "actor_starts_total{actor=shop,outcome=restart} 1",
            "actor_starts_total{actor=shop,outcome=wake} 1",
            "actor_stops_total{actor=shop,ending=crash} 1",
        ]
    );
    shop.destroy().await.unwrap();
    lab.create::<Shop>("ruin", ()).await.unwrap_err();
    assert_eq!(
        meter.take(&names),
        [
            "actor_awake{actor=shop} 1",
            "actor_starts_total{actor=shop,outcome=failed} 1",
            "actor_stops_total{actor=shop,ending=destroy} 1",
        ]
    );
    // Nobody is awake any more whose system is gone.
    lab.power_cut().await.unwrap();
    assert_eq!(meter.take(&names), ["actor_awake{actor=shop} 0"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_crashes_too_often_is_counted_as_given_up() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    for _ in 0..6 {
        shop.sell(13).await.unwrap_err();
        lab.advance(seconds(1)).await;
    }
    shop.sell(1).await.unwrap_err();
    shop.sell(1).tell().await.unwrap_err();
    let names = ["actor_given_up", "actor_calls_refused", "actor_awake"];
    assert_eq!(
        meter.take(&names),
        [
            "actor_awake{actor=shop} 0",
            "actor_calls_refused_total{actor=shop,reason=given_up} 2",
            "actor_given_up_total{actor=shop} 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_destroyed_instead_of_given_up_is_awake_no_more_and_no_less() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    for _ in 0..5 {
        shop.sell(13).await.unwrap_err();
        lab.advance(seconds(1)).await;
    }
    let (sold, destroyed) = tokio::join!(shop.sell(13), shop.destroy());
    sold.unwrap_err();
    destroyed.unwrap();
    assert_eq!(meter.take(&["actor_awake"]), ["actor_awake{actor=shop} 0"]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_come_in_the_pause_behind_a_failed_start_are_counted() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    lab.restart().await.unwrap();
    lab.disk().files().fail_reads();
    let shop = lab.get::<Shop>(shop.key().unwrap().clone());
    meter.take(&[""]);
    shop.sell(1).await.unwrap_err();
    shop.sell(1).await.unwrap_err();
    shop.sell(1).try_tell().unwrap_err();
    assert_eq!(
        meter.take(&["actor_calls", "actor_starts"]),
        [
            "actor_calls_refused_total{actor=shop,reason=backing_off} 2",
            "actor_starts_total{actor=shop,outcome=failed} 1",
        ]
    );
    lab.disk().heal();
    lab.advance(seconds(1)).await;
    assert_eq!(shop.sell(1).await.unwrap(), 1);
    assert_eq!(
        meter.take(&["actor_calls", "actor_starts"]),
        ["actor_starts_total{actor=shop,outcome=wake} 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_runs_beside_an_actor_counts_when_it_fails() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    shop.hire(true).await.unwrap();
    shop.hire(false).await.unwrap();
    lab.create::<Shop>("strike", ()).await.unwrap();
    // It is started again after 100 ms.
    lab.advance(Duration::from_millis(100)).await;
    assert_eq!(
        meter.take(&["actor_run", "actor_task"]),
        [
            "actor_run_failures_total{actor=shop,hook=carry} 2",
            "actor_task_panics_total{actor=shop} 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn timers_count_how_they_ran_how_late_and_what_became_of_them() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    let names = ["actor_timer", "actor_dead"];
    shop.sell(2).after(seconds(5)).await.unwrap();
    lab.advance(seconds(5)).await;
    assert_eq!(
        meter.take(&names),
        [
            "actor_timer_late_seconds{actor=shop} [0.0]",
            "actor_timers_total{actor=shop,outcome=ok} 1",
        ]
    );
    // One that takes a second makes the other late.
    shop.audit().after(seconds(5)).await.unwrap();
    shop.sell(2).after(seconds(5)).await.unwrap();
    lab.advance(seconds(6)).await;
    assert_eq!(
        meter.take(&names),
        [
            "actor_timer_late_seconds{actor=shop} [0.0, 1.0]",
            "actor_timers_total{actor=shop,outcome=failed} 1",
            "actor_timers_total{actor=shop,outcome=ok} 1",
        ]
    );
    // Nine tries more.
    lab.advance(Duration::from_hours(1)).await;
    meter.take(&["actor_timer_late"]);
    assert_eq!(
        meter.take(&names),
        [
            "actor_dead_letters_total{actor=shop,kind=timer} 1",
            "actor_timers_total{actor=shop,outcome=failed} 9",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn messages_count_for_their_sender() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a", "b"]).await;
    let shop = lab.get::<Shop>("a");
    let names = ["actor_messages", "actor_dead"];
    shop.order("b", 2).await.unwrap();
    shop.order("b", 3).await.unwrap();
    lab.idle().await;
    assert_eq!(
        meter.take(&names),
        ["actor_messages_total{actor=shop,outcome=delivered} 2"]
    );
    // Nobody is there.
    shop.order("nobody", 1).await.unwrap();
    lab.idle().await;
    assert_eq!(
        meter.take(&names),
        [
            "actor_dead_letters_total{actor=shop,kind=message} 1",
            "actor_messages_total{actor=shop,outcome=failed} 1",
        ]
    );
    shop.order("b", 0).await.unwrap();
    lab.advance(seconds(2)).await;
    assert_eq!(
        meter.take(&names),
        ["actor_messages_total{actor=shop,outcome=failed} 2"]
    );
    lab.advance(Duration::from_hours(1)).await;
    assert_eq!(
        meter.take(&names),
        [
            "actor_dead_letters_total{actor=shop,kind=message} 1",
            "actor_messages_total{actor=shop,outcome=failed} 8",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_receiver_is_given_up_is_unknown_until_it_is_delivered() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a", "b"]).await;
    let fragile = lab.get::<Shop>("b");
    for _ in 0..6 {
        fragile.sell(13).await.unwrap_err();
        lab.advance(seconds(1)).await;
    }
    let names = ["actor_messages", "actor_dead"];
    lab.get::<Shop>("a").order("b", 2).await.unwrap();
    lab.idle().await;
    assert_eq!(
        meter.take(&names),
        ["actor_messages_total{actor=shop,outcome=unknown} 1"]
    );
    lab.advance(seconds(60)).await;
    assert_eq!(
        meter.take(&names),
        ["actor_messages_total{actor=shop,outcome=delivered} 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_queue_counts_what_is_taken_taken_again_and_given_up() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    for parcel in ["one", "two"] {
        shop.parcels().push(parcel.to_owned()).await.unwrap();
    }
    let names = ["actor_queue", "actor_dead"];
    let jobs = shop.parcels().next_batch(10).await.unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(
        meter.take(&names),
        ["actor_queue_taken_total{actor=shop,queue=parcels} 2"]
    );
    // Nobody acknowledges them.
    drop(jobs);
    lab.advance(seconds(30)).await;
    let jobs = shop.parcels().next_batch(10).await.unwrap();
    let mut jobs = jobs.into_iter();
    assert!(jobs.next().unwrap().ack().await.unwrap());
    drop(jobs);
    assert_eq!(
        meter.take(&names),
        [
            "actor_queue_redelivered_total{actor=shop,queue=parcels} 2",
            "actor_queue_taken_total{actor=shop,queue=parcels} 2",
        ]
    );
    lab.advance(seconds(30)).await;
    assert!(shop.parcels().try_next().await.unwrap().is_none());
    let dead = shop.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].kind, DeadLetterKind::Queue);
    assert_eq!(
        meter.take(&names),
        ["actor_dead_letters_total{actor=shop,kind=queue} 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn all_series_are_there_from_the_start() {
    let (meter, guards) = meter();
    let mut lab = shops().start().await.unwrap();
    let series = meter.series();
    // What is registered from now on would be lost.
    drop(guards.0);
    for key in ["a", "b", "c"] {
        let shop = lab.get_or_create::<Shop>(key, ());
        shop.sell(1).await.unwrap();
        shop.sell(0).await.unwrap_err();
        shop.sleep().await.unwrap();
    }
    lab.shutdown().await.unwrap();
    assert_eq!(meter.series(), series);
    let sold = "actor_actions_total{actor=shop,action=sell,outcome=ok}";
    assert_eq!(meter.total(sold), 3);
}
