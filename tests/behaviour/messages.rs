//! Messages between actors: they leave with what sends them, arrive in order, and have their effect once.

use std::time::Duration;

use actor_core::{DeadLetterKind, SendError, System};

use crate::account::{Account, Opening, accounts};
use crate::alarm::noon;
use crate::support::{Fault, Faults, Log, directory, pass, tamper};

/// Starts a system of accounts, and opens some with 100 cents each.
async fn bank(names: &[&str]) -> (tempfile::TempDir, Log, Faults, System) {
    let (directory, log, faults) = (directory(), Log::default(), Faults::default());
    let system = accounts(directory.path(), noon(), &log, &faults)
        .start()
        .await
        .unwrap();
    for name in names {
        open(&system, name).await;
    }
    (directory, log, faults, system)
}

async fn open(system: &System, name: &str) {
    let opening = Opening { cents: 100 };
    system.create::<Account>(name, opening).await.unwrap();
}

async fn balance(system: &System, name: &str) -> i64 {
    system.get::<Account>(name).balance().await.unwrap()
}

/// Lets what is under way arrive: nothing takes time but the pauses behind failures.
async fn arrive() {
    pass(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_once_and_leaves_the_outbox() {
    let (_directory, _log, _faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    a.transfer("b", "rent", 30).await.unwrap();
    arrive().await;
    assert_eq!(balance(&system, "a").await, 70);
    assert_eq!(balance(&system, "b").await, 130);
    assert_eq!(a.outbox().await.unwrap(), []);
    assert_eq!(
        system.get::<Account>("b").labels().await.unwrap(),
        ["opening", "rent"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_with_its_action_or_not_at_all() {
    let (_directory, log, _faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    // They share a transaction.
    let (undone, kept) = tokio::join!(a.transfer("b", "undo", 10), a.transfer("b", "kept", 20));
    assert_eq!(undone.unwrap_err().code(), "action_failed");
    kept.unwrap();
    arrive().await;
    assert_eq!(log.take(), ["b kept"]);
    assert_eq!(balance(&system, "a").await, 80);
    let error = a.sly().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sly` of account \"a\" failed: the message was not written: `sly` takes `&self`, so it may only read"
    );
    let error = a.transfer(["x", "y"].join("/").repeat(500), "x", 0).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.downcast_ref::<SendError>().unwrap().code(),
        "receiver"
    );
}

#[tokio::test(start_paused = true)]
async fn messages_from_one_to_another_keep_their_order_through_failures() {
    let (_directory, log, _faults, system) = bank(&["a", "b", "c"]).await;
    let a = system.get::<Account>("a");
    let sends = ["one", "fail", "two", "three"];
    for label in sends {
        a.transfer("b", label, 1).await.unwrap();
    }
    a.transfer("c", "other", 1).await.unwrap();
    arrive().await;
    // What stands behind the failure waits for it; another receiver does not.
    let mut arrived = log.take();
    arrived.sort();
    assert_eq!(arrived, ["b fail", "b one", "c other"]);
    let waiting = a.outbox().await.unwrap();
    let tries: Vec<_> = waiting.iter().map(|message| message.tries).collect();
    assert_eq!(tries, [1, 0, 0]);
    assert_eq!(waiting[0].receiver.0, "account");
    assert_eq!(waiting[0].receiver.1.as_str(), "b");
    a.transfer("b", "four", 1).await.unwrap();
    pass(Duration::from_hours(24)).await;
    // After ten tries it is a dead letter of the sender, and the others go on.
    let expected: Vec<_> = std::iter::repeat_n("b fail", 9)
        .chain(["b two", "b three", "b four"])
        .collect();
    let found = log.take();
    let found: Vec<_> = found
        .iter()
        .filter(|entry| *entry != "account sleeps")
        .collect();
    assert_eq!(found, expected);
    let letters = a.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].kind, letters[0].tries),
        (DeadLetterKind::Message, 10)
    );
    assert_eq!(
        letters[0].reason,
        "`deposit` of account \"b\" failed: deposit is broken"
    );
    assert_eq!(letters[0].arguments, "[\"fail\",1]");
    assert_eq!(system.get::<Account>("b").dead_letters().await.unwrap(), []);
    assert_eq!(balance(&system, "b").await, 104);
    assert_eq!(balance(&system, "a").await, 94);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_makes_a_dead_letter_that_can_be_sent_again() {
    let (_directory, _log, _faults, system) = bank(&["a"]).await;
    let a = system.get::<Account>("a");
    a.transfer("b", "lost", 5).await.unwrap();
    arrive().await;
    let letters = a.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "account \"b\" does not exist");
    let receiver = letters[0].receiver.as_ref().unwrap();
    assert_eq!((receiver.0.as_str(), receiver.1.as_str()), ("account", "b"));
    assert_eq!(a.outbox().await.unwrap(), []);
    open(&system, "b").await;
    // A later message was handled before the letter comes back.
    a.transfer("b", "later", 7).await.unwrap();
    arrive().await;
    assert!(a.retry_dead_letter(letters[0].id).await.unwrap());
    arrive().await;
    assert_eq!(a.dead_letters().await.unwrap(), []);
    let b = system.get::<Account>("b");
    assert_eq!(b.labels().await.unwrap(), ["opening", "later", "lost"]);
    // A handle that may create its actor does so for a message too.
    a.endow("c", 9).await.unwrap();
    arrive().await;
    assert_eq!(balance(&system, "c").await, 9);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_receiver_is_a_failed_try_and_the_effect_is_there_once() {
    let (_directory, log, faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    faults.set("deposit_slowly", Fault::Panic);
    a.transfer("b", "before", 1).await.unwrap();
    a.transfer_slowly("b", "slow", 2).await.unwrap();
    a.transfer("b", "behind", 3).await.unwrap();
    arrive().await;
    let mut reached = log.take();
    reached.sort();
    assert_eq!(reached, ["b before", "deposit_slowly", "transfer_slowly"]);
    faults.clear();
    pass(Duration::from_secs(2)).await;
    assert_eq!(log.take(), ["deposit_slowly", "b behind"]);
    let b = system.get::<Account>("b");
    let labels = b.labels().await.unwrap();
    assert_eq!(labels, ["opening", "before", "slow", "behind"]);
    assert_eq!(balance(&system, "b").await, 106);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_handled_any_more_is_a_dead_letter_at_once() {
    let (directory, log, faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    // What stands behind a message that fails waits for it, and the process ends.
    faults.set("deposit_slowly", Fault::Fail);
    a.transfer_slowly("b", "slow", 1).await.unwrap();
    arrive().await;
    for label in ["gone", "good"] {
        a.transfer("b", label, 1).await.unwrap();
    }
    assert_eq!(a.outbox().await.unwrap().len(), 3);
    system.shutdown().await.unwrap();
    drop(system);
    log.take();
    tamper(
        directory.path(),
        "account/k_a.db",
        "UPDATE _actor_calls SET action = 'gone' WHERE arguments LIKE '%gone%'",
    );
    let system = accounts(directory.path(), noon(), &log, &Faults::default())
        .start()
        .await
        .unwrap();
    // Nobody calls the sender: it is woken for its outbox.
    pass(Duration::from_secs(3)).await;
    assert_eq!(log.take(), ["deposit_slowly", "b good"]);
    let a = system.get::<Account>("a");
    let letters = a.dead_letters().await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason, "the actor has no such action");
    assert_eq!(a.outbox().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_outbox_is_bounded() {
    let (_directory, _log, faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    faults.set("deposit_slowly", Fault::Hang);
    a.transfer_slowly("b", "slow", 0).await.unwrap();
    for _ in 1..1_000 {
        a.transfer("b", "x", 0).await.unwrap();
    }
    let full = a.transfer("b", "x", 1).await.unwrap_err();
    let full = full.downcast_ref::<SendError>().unwrap();
    assert_eq!(full.to_string(), "1000 messages wait in the outbox already");
    assert_eq!(balance(&system, "a").await, 100);
    faults.clear();
    // The action that hangs has a limit of a minute, and is tried again.
    pass(Duration::from_secs(70)).await;
    assert_eq!(a.outbox().await.unwrap(), []);
    assert_eq!(
        system.get::<Account>("b").labels().await.unwrap().len(),
        1_001
    );
}

#[tokio::test(start_paused = true)]
async fn hooks_send_too_and_an_actor_may_send_to_itself() {
    let (_directory, log, _faults, system) = bank(&["club", "parent", "child", "member 1"]).await;
    arrive().await;
    assert_eq!(log.take(), ["club fee"]);
    system.get::<Account>("child").sleep().await.unwrap();
    pass(Duration::from_secs(1)).await;
    assert_eq!(log.take(), ["account sleeps", "parent good night"]);
    let parent = system.get::<Account>("parent");
    parent.transfer("", "savings", 50).await.unwrap();
    arrive().await;
    assert_eq!(balance(&system, "parent").await, 100);
    let labels = parent.labels().await.unwrap();
    assert_eq!(labels, ["opening", "good night", "savings", "savings"]);
}

#[tokio::test(start_paused = true)]
async fn an_actor_with_the_key_of_a_destroyed_one_is_another_sender() {
    let (_directory, log, _faults, system) = bank(&["a", "b"]).await;
    for round in 0..3 {
        if round > 0 {
            open(&system, "a").await;
        }
        let a = system.get::<Account>("a");
        // The numbers of its messages begin anew.
        assert_eq!(a.transfer("b", "x", 1).await.unwrap().to_string(), "#1");
        arrive().await;
        assert_eq!(log.take(), ["b x"]);
        a.destroy().await.unwrap();
    }
    assert_eq!(balance(&system, "b").await, 103);
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_the_next_process_and_arrive_once() {
    let (directory, log, faults, system) = bank(&["a", "b"]).await;
    let a = system.get::<Account>("a");
    faults.set("deposit_slowly", Fault::Fail);
    a.transfer_slowly("b", "slow", 2).await.unwrap();
    a.transfer("b", "behind", 3).await.unwrap();
    arrive().await;
    a.sleep().await.unwrap();
    system.shutdown().await.unwrap();
    drop((a, system));
    log.take();
    // The directory is lost: it is made anew from the files, with what waits in an outbox.
    std::fs::remove_file(directory.path().join("directory.db")).unwrap();
    let system = accounts(directory.path(), noon(), &log, &Faults::default())
        .start()
        .await
        .unwrap();
    pass(Duration::from_secs(3)).await;
    assert_eq!(log.take(), ["deposit_slowly", "b behind"]);
    assert_eq!(balance(&system, "b").await, 105);
}
