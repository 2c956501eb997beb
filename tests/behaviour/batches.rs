//! Calls that are ready together share a transaction, and each is still its own.

use actor_core::Durability;
use actor_core::prelude::*;

use crate::probe::{FILE, NEW, Probe, probes};
use crate::support::{count, directory, start};

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_undoes_itself_alone() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    let (one, fail, rows, two) = tokio::join!(
        async { probe.put("one").await },
        async { probe.put("fail").await },
        async { probe.rows().await },
        async { probe.put("two").await },
    );
    assert_eq!(one.unwrap(), 1);
    assert_eq!(
        fail.unwrap_err().to_string(),
        "`put` of probe \"a\" failed: put is broken"
    );
    assert_eq!(rows.unwrap(), 1);
    assert_eq!(two.unwrap(), 2);
    probe.sleep().await.unwrap();
    assert_eq!(probe.texts().await.unwrap(), ["one", "two"]);
    assert_eq!(probe.settings().await.unwrap().edits, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_the_beginning_leaves_the_rest() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    let (fail, sly, one) = tokio::join!(
        async { probe.put("fail").await },
        async { probe.sly().await },
        async { probe.put("one").await },
    );
    fail.unwrap_err();
    assert_eq!(
        sly.unwrap_err().to_string(),
        "`sly` of probe \"a\" failed: `sly` takes `&self`, so it may only read"
    );
    assert_eq!(one.unwrap(), 1);
    assert_eq!(probe.texts().await.unwrap(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_keeps_what_was_done_before_it() {
    let (_directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    let (one, panicked, two) = tokio::join!(
        async { probe.put("one").await },
        async { probe.put("panic").await },
        async { probe.put("two").await },
    );
    assert_eq!(one.unwrap(), 1);
    assert_eq!(panicked.unwrap_err().code(), "action_panicked");
    assert_eq!(two.unwrap(), 2);
    assert_eq!(probe.texts().await.unwrap(), ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_rolls_everything_back_takes_its_neighbours_along_and_they_learn_it() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    probe.rows().await.unwrap();
    probe.sleep().await.unwrap();
    crate::support::tamper(
        directory.path(),
        FILE,
        "CREATE TRIGGER t BEFORE INSERT ON notes WHEN new.text = 'boom' BEGIN SELECT RAISE(ROLLBACK, 'boom'); END",
    );
    probe.rows().await.unwrap();
    let (one, boom, two) = tokio::join!(
        async { probe.put("one").await },
        async { probe.put("boom").await },
        async { probe.put("two").await },
    );
    assert_eq!(
        (one.as_ref().unwrap_err().group(), one.unwrap_err().code()),
        ("store", "sqlite")
    );
    assert_eq!(
        boom.unwrap_err().to_string(),
        "`put` of probe \"a\" failed: boom"
    );
    assert_eq!(two.unwrap(), 1, "the actor restarted from what is on disk");
    assert_eq!(probe.texts().await.unwrap(), ["two"]);
    assert_eq!(probe.settings().await.unwrap().edits, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clients_of_one_actor_get_each_their_own_reply() {
    let (directory, _, _, system) = probes().await;
    let probe = system.get_or_create::<Probe>("a", NEW);
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let probe = probe.clone();
            tokio::spawn(async move {
                let mut replies = Vec::new();
                for _ in 0..20 {
                    replies.push(probe.put("x").await.unwrap());
                }
                assert!(replies.is_sorted(), "one client's calls keep their order");
                replies
            })
        })
        .collect();
    let mut replies = Vec::new();
    for client in clients {
        replies.extend(client.await.unwrap());
    }
    replies.sort_unstable();
    assert_eq!(replies, (1..=1_280).collect::<Vec<u32>>());
    system.shutdown().await.unwrap();
    assert_eq!(count(directory.path(), FILE, "notes"), 1_280);
}

#[tokio::test(start_paused = true)]
async fn process_durability_is_a_choice_of_the_system() {
    let directory = directory();
    let system = System::builder()
        .data_dir(directory.path())
        .durability(Durability::Process)
        .register::<Probe>()
        .start()
        .await
        .unwrap();
    let probe = system.get_or_create::<Probe>("a", NEW);
    assert_eq!(probe.put("one").await.unwrap(), 1);
    // The commit is in the log, as the other durability has it; only the sync is left out.
    let left = crate::support::crash(directory.path());
    let again = System::builder().data_dir(left.path()).register::<Probe>();
    again.start().await.unwrap().shutdown().await.unwrap();
    assert_eq!(count(left.path(), FILE, "notes"), 1);
}

/// Says for itself what its replies may rely on, and for one action again.
#[derive(Actor)]
#[actor(name = "meter", durability = "process")]
struct Meter {
    #[state]
    readings: State<Vec<u32>>,
}

#[actor]
impl Meter {
    #[action]
    fn note(&mut self, _cx: &mut Context<'_, Self>, reading: u32) -> Result<usize> {
        self.readings.push(reading);
        Ok(self.readings.len())
    }

    #[action(durability = "synced")]
    fn bill(&mut self, _cx: &mut Context<'_, Self>) -> Result<u32> {
        Ok(self.readings.drain(..).sum())
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_and_an_action_choose_their_durability() {
    let directory = directory();
    let system = start::<Meter>(directory.path()).await;
    let meter = system.get_or_create::<Meter>("a", ());
    let (one, two, sum, three) = tokio::join!(
        async { meter.note(1).await },
        async { meter.note(2).await },
        async { meter.bill().await },
        async { meter.note(3).await },
    );
    assert_eq!(
        (one.unwrap(), two.unwrap(), sum.unwrap(), three.unwrap()),
        (1, 2, 3, 1)
    );
    meter.sleep().await.unwrap();
    assert_eq!(meter.bill().await.unwrap(), 3);
}
