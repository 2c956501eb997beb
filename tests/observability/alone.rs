//! The spans of what an actor does although nobody asks it: timers, messages, what runs beside it, its end.

use std::time::Duration;

use actor_core::testing::Lab;

use crate::recorder::Recorder;
use crate::shop::{Shop, open, shops};
use crate::spans::record;

/// Shops that are open, and nothing is recorded of that.
async fn opened(recorder: &Recorder, names: &[&str]) -> Lab {
    let lab = open(names).await;
    // The spans of the hooks that run have not ended.
    recorder.forget();
    lab
}

#[tokio::test(start_paused = true)]
async fn a_timer_is_a_root_around_its_action() {
    let (recorder, _guard) = record();
    let mut lab = opened(&recorder, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    shop.sell(2).after(Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        recorder.take(),
        ["actor.commit actor=shop key=a calls=1 bytes=_"]
    );
    lab.advance(Duration::from_secs(5)).await;
    assert_eq!(
        recorder.take(),
        [
            "actor.timer actor=shop key=a id=1 late_ms=0",
            "  actor.action actor=shop key=a action=sell read_only=false outcome=ok",
            "actor.commit actor=shop key=a calls=1 bytes=_",
        ]
    );
    shop.sell(0).after(Duration::from_secs(5)).await.unwrap();
    recorder.take();
    lab.advance(Duration::from_secs(5)).await;
    assert_eq!(
        recorder.take(),
        [
            "actor.timer actor=shop key=a id=3 late_ms=0",
            "  actor.action actor=shop key=a action=sell read_only=false outcome=failed error=actor/action_failed",
            "  - a timer failed actor=shop key=a action=sell error=`sell` of shop \"a\" failed: till is broken",
            "actor.commit actor=shop key=a calls=1 bytes=_",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_is_a_root_around_its_action_between_the_commits_of_its_sender() {
    let (recorder, _guard) = record();
    let mut lab = opened(&recorder, &["a", "b"]).await;
    lab.get::<Shop>("a").order("b", 2).await.unwrap();
    lab.idle().await;
    assert_eq!(
        recorder.take(),
        [
            "actor.action actor=shop key=a action=order read_only=false outcome=ok",
            "actor.commit actor=shop key=a calls=1 bytes=_",
            "actor.commit actor=shop key=a calls=1",
            "actor.message actor=shop key=b sender=_ id=1",
            "  actor.action actor=shop key=b action=sell read_only=false outcome=ok",
            "actor.commit actor=shop key=b calls=2 bytes=_",
            "actor.commit actor=shop key=a calls=1 bytes=_",
            "actor.commit actor=shop key=a calls=1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_action_begins_beside_its_actor_follows_it() {
    let (recorder, _guard) = record();
    let mut lab = opened(&recorder, &["a"]).await;
    lab.get::<Shop>("a").hire(false).await.unwrap();
    lab.idle().await;
    assert_eq!(
        recorder.take(),
        [
            "actor.action actor=shop key=a action=hire read_only=false outcome=ok",
            "actor.task actor=shop key=a task=keep_awake (follows actor.action)",
            "  actor.action actor=shop key=a action=sell read_only=false outcome=ok",
            "  - sold one",
            "actor.commit actor=shop key=a calls=1",
            "actor.commit actor=shop key=a calls=1 bytes=_",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_hook_has_a_span_for_each_time_it_starts() {
    let (recorder, _guard) = record();
    let mut lab = opened(&recorder, &[]).await;
    lab.create::<Shop>("strike", ()).await.unwrap();
    lab.advance(Duration::from_millis(100)).await;
    assert_eq!(
        recorder.take(),
        [
            "actor.start actor=shop key=strike kind=new",
            "  actor.hook step=on_create hook=open",
            "  actor.commit actor=shop key=strike bytes=_",
            "  actor.commit actor=shop key=strike",
            // What an earlier process took from its queue.
            "actor.commit actor=shop key=strike calls=1",
            "actor.run actor=shop key=strike hook=carry",
            "- a run hook failed actor=shop key=strike hook=carry error=cart is broken again_after=Some(100ms)",
            "actor.run actor=shop key=strike hook=carry",
            "- a run hook failed actor=shop key=strike hook=carry error=cart is broken again_after=Some(200ms)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_destroy_is_a_root_around_its_hooks_and_its_commit() {
    let (recorder, _guard) = record();
    let lab = shops().start().await.unwrap();
    let shop = lab.create::<Shop>("a", ()).await.unwrap();
    shop.destroy().await.unwrap();
    assert_eq!(
        recorder.take(),
        [
            "actor.start actor=shop key=a kind=new",
            "  actor.hook step=on_create hook=open",
            "  actor.commit actor=shop key=a bytes=_",
            "  actor.commit actor=shop key=a",
            "actor.commit actor=shop key=a calls=1",
            "actor.run actor=shop key=a hook=carry",
            "  - no more parcels",
            "actor.stop actor=shop key=a ending=destroy",
            "  actor.hook step=on_destroy hook=close",
            "    - closing down",
            "  actor.commit actor=shop key=a bytes=_",
        ]
    );
}
