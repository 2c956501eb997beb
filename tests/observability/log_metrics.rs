//! What is counted of commits, the gate, the log and checkpoints, with exact values.

use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::meter::{meter, opened};
use crate::shop::Shop;
use crate::support::{directory, settle, start};

#[tokio::test(start_paused = true)]
async fn calls_that_are_there_together_share_a_commit_a_write_and_a_sync() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    let (one, other) = tokio::join!(shop.sell(1), shop.sell(2));
    assert_eq!((one.unwrap(), other.unwrap()), (1, 3));
    // One that reads writes nothing.
    shop.sold().await.unwrap();
    lab.idle().await;
    let bytes = meter.total("actor_log_bytes_total");
    let names = ["actor_commit", "actor_log"];
    assert_eq!(
        without_bytes(meter.take(&names)),
        [
            "actor_commit_calls{actor=shop} [2.0, 1.0]",
            "actor_commits_total{actor=shop,outcome=ok} 2",
            "actor_log_batches_total 1",
            "actor_log_records_total 1",
            "actor_log_sync_duration_seconds x1",
            "actor_log_write_duration_seconds x1",
        ]
    );
    shop.sell(1).await.unwrap();
    let more = meter.total("actor_log_bytes_total") - bytes;
    // A batch begins at a multiple of 512, and this one changed a page or two.
    assert!(more >= 512 && more.is_multiple_of(512), "{more}");
}

#[test]
fn each_reply_that_waits_for_the_disk_is_counted() {
    let (meter, _recorder) = meter();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let directory = directory();
        let system = start::<Shop>(directory.path()).await;
        let shop = system.create::<Shop>("a", ()).await.unwrap();
        meter.take(&[""]);
        // The only thread that could write the log has something else to do.
        let (go_on, wait) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let mut asks = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let shop = shop.clone();
            asks.spawn(async move { shop.sell(1).await });
        }
        let names = ["actor_actions", "actor_reply"];
        let sold = "actor_actions_total{actor=shop,action=sell,outcome=ok} 2";
        while meter.total("actor_actions_total{actor=shop,action=sell,outcome=ok}") < 2 {
            tokio::task::yield_now().await;
        }
        // The replies are where the actor has put them.
        settle().await;
        assert_eq!(meter.take(&names), [sold]);
        go_on.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert!(asks.join_all().await.into_iter().all(|sold| sold.is_ok()));
        // It is counted behind the replies, by the one thread.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        let held = "actor_reply_held_seconds{actor=shop} x2";
        assert_eq!(meter.take(&names), [held]);
        system.shutdown().await.unwrap();
    });
}

#[test]
fn an_actor_that_waits_for_the_log_is_counted() {
    let (meter, _recorder) = meter();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        // One of them holds the time of the lab.
        .max_blocking_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let lab = opened(meter, &["a"]).await;
        let (go_on, wait) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let mut asks = tokio::task::JoinSet::new();
        // Two are more than the 32 KiB for which nobody waits.
        for letter in ["a", "b", "c"] {
            let shop = lab.get::<Shop>("a");
            asks.spawn(async move { shop.note(letter.repeat(20_000)).await });
            settle().await;
        }
        let names = ["actor_actions", "actor_log_wait", "actor_log_batches"];
        let noted = "actor_actions_total{actor=shop,action=note,outcome=ok}";
        assert_eq!(meter.take(&names), [format!("{noted} 2")]);
        go_on.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert!(asks.join_all().await.into_iter().all(|noted| noted.is_ok()));
        assert_eq!(
            meter.take(&names),
            [
                &format!("{noted} 1"),
                "actor_log_batches_total 2",
                "actor_log_wait_seconds x1",
            ]
        );
    });
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_counts_what_it_brings_to_the_files() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a", "b"]).await;
    let names = ["actor_checkpoint", "actor_log_stalls"];
    let shop = lab.get::<Shop>("a");
    // After four segments of 64 KiB the log asks for a checkpoint.
    let mut notes = 0;
    while meter.total("actor_checkpoints_total{outcome=ok}") < 1 {
        let letter = char::from(b'a' + notes);
        shop.note(letter.to_string().repeat(20_000)).await.unwrap();
        lab.idle().await;
        notes += 1;
    }
    assert_eq!(notes, 13);
    assert_eq!(
        without_bytes(meter.take(&names)),
        [
            "actor_checkpoint_actors_total 3",
            "actor_checkpoint_duration_seconds x1",
            "actor_checkpoints_total{outcome=ok} 1",
        ]
    );
    let bytes = meter.total("actor_checkpoint_bytes_total");
    assert!(
        bytes > 20_000 && bytes.is_multiple_of(512),
        "{bytes} in pages"
    );
    // A shop that sleeps writes its file itself.
    shop.sell(1).await.unwrap();
    lab.shutdown().await.unwrap();
    assert_eq!(
        without_bytes(meter.take(&names)),
        [
            "actor_checkpoint_actors_total 1",
            "actor_checkpoint_duration_seconds x1",
            "actor_checkpoints_total{outcome=ok} 1",
        ]
    );
}

/// How many bytes something has depends on how SQLite lays out its pages.
fn without_bytes(mut lines: Vec<String>) -> Vec<String> {
    lines.retain(|line| !line.contains("_bytes_total"));
    lines
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_full_shows_in_its_segments_its_stalls_and_who_is_refused() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    assert_eq!(meter.total("actor_log_segments{state=in_use}"), 1);
    // Checkpoints fail, so that the log fills up.
    lab.disk().files().fill_up();
    let (mut calls, mut letters) = (Vec::new(), ('a'..='z').cycle());
    let refused = loop {
        let letter = letters.next().unwrap();
        let (shop, note) = (shop.clone(), letter.to_string().repeat(20_000));
        calls.push(tokio::spawn(async move { shop.note(note).await }));
        lab.idle().await;
        if let Some(last) = calls.pop_if(|last| last.is_finished())
            && let Err(error) = last.await.unwrap()
        {
            break error;
        }
        assert!(calls.len() < 100, "the log is bounded");
    };
    assert_eq!(refused.code(), "log_full");
    assert_eq!(meter.total("actor_log_segments{state=in_use}"), 8);
    assert_eq!(meter.total("actor_log_segments{state=free}"), 0);
    assert_eq!(
        meter.take(&["actor_calls_refused", "actor_log_stalls"]),
        [
            "actor_calls_refused_total{actor=shop,reason=store} 1",
            "actor_log_stalls_total 1",
        ]
    );
    assert!(meter.total("actor_checkpoints_total{outcome=failed}") >= 1);
    lab.disk().heal();
    lab.advance(Duration::from_mins(1)).await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
    shop.sell(1).await.unwrap();
    let in_use = meter.total("actor_log_segments{state=in_use}");
    assert!(in_use < 4, "{in_use} are in use behind a checkpoint");
}

#[tokio::test(start_paused = true)]
async fn a_sync_that_fails_and_a_write_that_does_are_counted() {
    let (meter, _recorder) = meter();
    let mut lab = opened(meter, &["a"]).await;
    let shop = lab.get::<Shop>("a");
    lab.disk().log().fail_writes();
    shop.sell(1).await.unwrap_err();
    lab.disk().heal();
    lab.idle().await;
    shop.sell(1).await.unwrap();
    lab.disk().log().fail_syncs();
    shop.sell(1).await.unwrap_err();
    // The row of the directory is written again each time that the log fails.
    let failed = |operation| {
        meter.total(&format!(
            "actor_log_failures_total{{operation={operation}}}"
        ))
    };
    assert_eq!(failed("sync"), 1);
    assert!(failed("write") >= 1);
    // What commits after it does not even reach the log.
    lab.idle().await;
    meter.take(&[""]);
    lab.create::<Shop>("new", ()).await.unwrap_err();
    assert_eq!(
        meter.take(&["actor_commits", "actor_starts"]),
        [
            "actor_commits_total{actor=shop,outcome=failed} 1",
            "actor_starts_total{actor=shop,outcome=failed} 1",
        ]
    );
}
