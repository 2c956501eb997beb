//! A disk that is full, or fails, under a whole system: who is told what, what is undone, and how it goes on.

use std::time::Duration;

use actor_core::CallError;
use actor_core::testing::{Disk, Lab, Unsynced};

use crate::account::{Account, Opening};
use crate::alarm::{Alarm, lab};
use crate::support::Random;
use crate::tally::{End, Tally};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ring(label: &str, at: i64) -> (String, i64) {
    (label.to_owned(), at)
}

fn code(error: &CallError) -> (&'static str, &'static str) {
    (error.group(), error.code())
}

async fn tallies() -> Lab {
    let lab = Lab::builder().register::<Tally>();
    lab.start().await.unwrap()
}

/// How a disk fails whose writes do not work.
const UNWRITABLE: [fn(&Disk); 2] = [Disk::fill_up, Disk::fail_writes];

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_undone_and_the_actor_goes_on_from_what_is_on_disk() {
    for fail in UNWRITABLE {
        let mut lab = tallies().await;
        let tally = lab.get_or_create::<Tally>("t", ());
        let other = lab.get_or_create::<Tally>("other", ());
        tally.add(1, End::Well).await.unwrap();
        other.add(1, End::Well).await.unwrap();
        fail(&lab.disk());
        // The two that share a commit are refused with it, and the other actor is with its own.
        let (two, three, there) = tokio::join!(
            tally.add(2, End::Well),
            tally.add(3, End::Well),
            other.add(2, End::Well)
        );
        for refused in [two, three, there] {
            assert_eq!(code(&refused.unwrap_err()), ("store", "lost"));
        }
        // What is on disk can be read meanwhile, and nothing else.
        let (numbers, sum) = tally.read().await.unwrap();
        assert_eq!((numbers, sum.total), (vec![1], 1));
        let refused = tally.add(4, End::Well).await.unwrap_err();
        assert_eq!(code(&refused), ("store", "lost"));
        lab.disk().heal();
        lab.idle().await;
        assert_eq!(tally.add(5, End::Well).await.unwrap().total, 6);
        lab.power_cut().await.unwrap();
        let read = lab.get::<Tally>("t").read().await.unwrap();
        assert_eq!((read.0, read.1.total), (vec![1, 5], 6));
        let read = lab.get::<Tally>("other").read().await.unwrap();
        assert_eq!((read.0, read.1.total), (vec![1], 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_created_on_a_full_disk_does_not_exist() {
    let lab = tallies().await;
    lab.disk().fill_up();
    let refused = lab.create::<Tally>("t", ()).await.unwrap_err();
    assert_eq!(code(&refused), ("store", "lost"));
    lab.disk().heal();
    let missing = lab.get::<Tally>("t").read().await.unwrap_err();
    assert_eq!(code(&missing), ("actor", "not_found"));
    lab.create::<Tally>("t", ()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_sync_nothing_is_acknowledged_until_the_system_is_started_anew() {
    let mut left = Vec::new();
    for seed in 0..16 {
        let mut lab = Lab::builder()
            .register::<Tally>()
            .seed(seed)
            .start()
            .await
            .unwrap();
        let tally = lab.get_or_create::<Tally>("t", ());
        let other = lab.get_or_create::<Tally>("other", ());
        tally.add(1, End::Well).await.unwrap();
        other.add(1, End::Well).await.unwrap();
        lab.disk().fail_syncs();
        let refused = tally.add(2, End::Well).await.unwrap_err();
        assert_eq!(code(&refused), ("store", "lost"));
        // A disk that works again changes nothing: what it has is not known.
        lab.disk().heal();
        for number in 3..6 {
            let refused = tally.add(number, End::Well).await.unwrap_err();
            assert_eq!(code(&refused), ("store", "poisoned"), "{number}");
        }
        let refused = other.add(2, End::Well).await.unwrap_err();
        assert_eq!(code(&refused), ("store", "poisoned"));
        let refused = lab.create::<Tally>("new", ()).await.unwrap_err();
        assert_eq!(code(&refused), ("store", "poisoned"));
        match seed % 2 {
            0 => lab.power_cut().await.unwrap(),
            _ => lab.kill().await.unwrap(),
        }
        let tally = lab.get::<Tally>("t");
        let (numbers, sum) = tally.read().await.unwrap();
        assert_eq!(sum.count, i64::try_from(numbers.len()).unwrap());
        tally.add(6, End::Well).await.unwrap();
        let missing = lab.get::<Tally>("new").read().await.unwrap_err();
        assert_eq!(code(&missing), ("actor", "not_found"));
        left.push((seed % 2, numbers));
    }
    // The one that was under way is there or not, and a process that is killed leaves it.
    assert!(left.contains(&(0, vec![1])) && left.contains(&(0, vec![1, 2])));
    let killed = left.iter().filter(|(how, _)| *how == 1);
    assert!(
        killed.clone().all(|(_, numbers)| *numbers == [1, 2]),
        "{left:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_emptied_is_full_and_goes_on_when_the_files_can_be_written() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("first").await.unwrap();
    lab.disk().files().fill_up();
    let long = "x".repeat(20_000);
    // One after the other, without waiting: the last ones have a place in memory and none in the log.
    let mut calls = Vec::new();
    let full = loop {
        let (alarm, long) = (alarm.clone(), long.clone());
        calls.push(tokio::spawn(async move { alarm.ring(long).await }));
        lab.idle().await;
        if let Some(last) = calls.pop_if(|last| last.is_finished())
            && let Err(error) = last.await.unwrap()
        {
            break error;
        }
        assert!(calls.len() < 100, "the log is bounded");
    };
    assert_eq!(code(&full), ("store", "log_full"));
    let again = alarm.ring("refused").await.unwrap_err();
    assert_eq!(code(&again), ("store", "log_full"));
    // These two wait for a place in the log: together they are more than may wait.
    assert_eq!(calls.len(), 2);
    lab.disk().heal();
    // The next checkpoint is tried after five seconds at most.
    lab.advance(seconds(5)).await;
    for waited in calls {
        waited.await.unwrap().unwrap();
    }
    alarm.ring("last").await.unwrap();
    lab.power_cut().await.unwrap();
    let labels = lab.get::<Alarm>("a").rings().await.unwrap();
    let labels: Vec<_> = labels.iter().map(|(label, _)| label.len()).collect();
    let mut expected = vec![long.len(); labels.len()];
    (expected[0], expected[labels.len() - 1]) = ("first".len(), "last".len());
    assert_eq!(labels, expected);
    assert!((20..40).contains(&labels.len()), "{}", labels.len());
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_due_while_the_disk_is_full_runs_when_it_is_not() {
    for fail in UNWRITABLE {
        let mut lab = lab().start().await.unwrap();
        let alarm = lab.get_or_create::<Alarm>("a", ());
        alarm.ring("soon").after(seconds(10)).await.unwrap();
        alarm.ring("late").after(seconds(3_600)).await.unwrap();
        alarm.ring("often").every(seconds(1_000)).await.unwrap();
        lab.advance(seconds(9)).await;
        fail(&lab.disk());
        let refused = alarm.ring("never").after(seconds(5)).await.unwrap_err();
        assert_eq!((refused.group(), refused.code()), ("store", "lost"));
        lab.advance(seconds(100)).await;
        lab.disk().heal();
        lab.advance(seconds(60)).await;
        let rings = alarm.rings().await.unwrap();
        assert_eq!((rings.len(), &*rings[0].0), (1, "soon"));
        assert!((109_000..=140_000).contains(&rings[0].1), "{rings:?}");
        // Those that were not due keep their times.
        lab.advance(seconds(3_600 - 169)).await;
        let rings = alarm.rings().await.unwrap();
        let expected = [
            ring("often", 1_000_000),
            ring("often", 2_000_000),
            ring("often", 3_000_000),
            ring("late", 3_600_000),
        ];
        assert_eq!(rings[1..], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_ran_and_was_lost_runs_again_although_nobody_calls() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("x").after(seconds(10)).await.unwrap();
    lab.advance(Duration::from_millis(9_999)).await;
    lab.disk().fill_up();
    lab.advance(Duration::from_millis(1)).await;
    lab.disk().heal();
    // The start that failed meanwhile is not tried again for 100 milliseconds, the first time.
    lab.advance(seconds(30)).await;
    let rings = alarm.rings().await.unwrap();
    assert_eq!(rings.len(), 1);
    assert_eq!(rings[0].0, "x");
    assert_eq!(alarm.timers().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn timers_go_on_after_a_failed_sync_and_a_new_start() {
    let mut lab = lab().start().await.unwrap();
    let alarm = lab.get_or_create::<Alarm>("a", ());
    alarm.ring("x").after(seconds(10)).await.unwrap();
    lab.disk().fail_syncs();
    assert_eq!(code(&alarm.ring("y").await.unwrap_err()), ("store", "lost"));
    lab.advance(seconds(20)).await;
    lab.power_cut().await.unwrap();
    let alarm = lab.get::<Alarm>("a");
    let rings = alarm.rings().await.unwrap();
    let rang: Vec<_> = rings.iter().filter(|(label, _)| label == "x").collect();
    assert_eq!(rang, [&ring("x", 20_000)]);
}

/// Accounts, and what is known of the transfers between them.
struct Bank {
    lab: Lab,
    random: Random,
    next: u64,
    answered: Vec<(String, usize, usize)>,
}

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];

impl Bank {
    async fn open(seed: u64) -> Self {
        let lab = Lab::builder().register::<Account>().seed(seed);
        let lab = lab.start().await.unwrap();
        for name in ACCOUNTS {
            let opening = Opening { cents: 1_000 };
            lab.create::<Account>(name, opening).await.unwrap();
        }
        Self {
            lab,
            random: Random::new(seed),
            next: 0,
            answered: Vec::new(),
        }
    }

    fn pick(&mut self, bound: u64) -> usize {
        usize::try_from(self.random.below(bound)).unwrap()
    }

    /// Transfers a cent, some times at once.
    async fn transfer(&mut self) {
        let mut sent = Vec::new();
        for _ in 0..3 {
            let from = self.pick(3);
            let to = (from + 1 + self.pick(2)) % 3;
            let label = self.next.to_string();
            self.next += 1;
            let account = self.lab.get::<Account>(ACCOUNTS[from]);
            let called = label.clone();
            let call = async move { account.transfer(ACCOUNTS[to], called, 1).await };
            sent.push((tokio::spawn(call), label, from, to));
        }
        for (call, label, from, to) in sent {
            if call.await.unwrap().is_ok() {
                self.answered.push((label, from, to));
            }
        }
    }

    async fn step(&mut self) {
        let disk = self.lab.disk();
        match self.pick(14) {
            0 => disk.fill_up(),
            1 => disk.log().fail_writes(),
            2 => disk.files().fill_up(),
            3 => disk.fail_syncs(),
            4 | 5 => disk.heal(),
            6 => {
                let seed = self.random.below(1_000);
                let unsynced = [
                    Unsynced::Lost,
                    Unsynced::Some { seed },
                    Unsynced::Torn { seed },
                ];
                let unsynced = unsynced[self.pick(3)];
                self.lab.power_cut_with(unsynced).await.unwrap();
            }
            7 => self.lab.kill().await.unwrap(),
            8 => {
                let account = ACCOUNTS[self.pick(3)];
                self.lab.crash::<Account>(account).await.unwrap();
            }
            9 => self.lab.advance(seconds(40)).await,
            _ => self.transfer().await,
        }
    }

    /// Lets everything come to its end on a good disk, and holds the accounts against what was answered.
    async fn check(mut self, seed: u64) {
        self.lab.disk().heal();
        self.lab.kill().await.unwrap();
        self.lab.advance(seconds(3_600)).await;
        let mut labels = Vec::new();
        let mut total = 0;
        for name in ACCOUNTS {
            let account = self.lab.get::<Account>(name);
            assert_eq!(account.outbox().await.unwrap(), [], "seed {seed}");
            assert_eq!(account.dead_letters().await.unwrap(), [], "seed {seed}");
            total += account.balance().await.unwrap();
            labels.push(account.labels().await.unwrap());
        }
        assert_eq!(total, 3_000, "seed {seed}");
        for (label, from, to) in &self.answered {
            for account in [from, to] {
                let found = labels[*account].iter().filter(|found| *found == label);
                assert_eq!(found.count(), 1, "seed {seed}, transfer {label}");
            }
        }
        // What was not answered is whole: nowhere, or on both sides.
        for number in 0..self.next {
            let label = number.to_string();
            let found = labels.iter().flatten().filter(|found| **found == label);
            let found = found.count();
            assert!(
                found == 0 || found == 2,
                "seed {seed}, transfer {label}: {found}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_cent_comes_or_goes_on_a_disk_that_fails_in_every_way() {
    for seed in 0..30 {
        let mut bank = Bank::open(seed).await;
        for _ in 0..40 {
            bank.step().await;
        }
        bank.check(seed).await;
    }
}
