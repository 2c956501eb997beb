//! [`Scheduler`]: wakes actors when something of theirs is due.
//!
//! # Invariants
//!
//! 1. Every wake-up that the directory has up to the horizon is in memory, and so is what was armed since. One that is
//!    behind the horizon is read when the last before it has been handed out.
//! 2. A wake-up that was handed out comes again after a while, unless the actor arms the next one: a notice that got lost is
//!    made good.
//! 3. What is in memory is bounded, however many actors have timers.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::clock::{Clock, duration_ms};
use crate::limits;
use crate::runtime::cell::Cell;
use crate::store::{self, Store, StoreError, WakeUp};

/// Wakes actors when something of theirs is due. One task, for all actors of a system.
pub(crate) struct Scheduler {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    clock: Clock,
    store: Arc<Store>,
    types: Vec<&'static str>,
    agenda: Mutex<Agenda>,
    /// There is an earlier wake-up than before.
    changed: Notify,
}

/// All wake-ups that are in memory.
struct Agenda {
    /// How many are read at once; twice as many are kept at most.
    page: usize,
    order: BTreeSet<WakeUp>,
    /// When each of them is, by the actor.
    places: HashMap<(String, String), i64>,
    horizon: Horizon,
}

/// Up to where the directory was read.
#[derive(Clone)]
enum Horizon {
    /// Not yet behind this one.
    Unread(Option<WakeUp>),
    /// It is being read now, so that everything that is armed stays in memory.
    Reading,
    /// Up to here.
    At(WakeUp),
    /// To the end.
    Everything,
}

/// What the task does next.
enum Step {
    /// Tells these actors.
    Fire(Vec<WakeUp>),
    /// Reads the directory behind this one.
    Read(Option<WakeUp>),
    /// Waits, at most for so long.
    Wait(Option<Duration>),
}

impl Scheduler {
    pub(crate) fn new(clock: Clock, store: Arc<Store>, types: Vec<&'static str>) -> Self {
        let agenda = Agenda::new(limits::WAKE_UPS_PER_PAGE);
        let shared = Shared {
            clock,
            store,
            types,
            agenda: Mutex::new(agenda),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            task: Mutex::new(None),
        }
    }

    /// Starts the task. It ends when `fire` says that there is no system any more.
    pub(crate) fn start(
        &self,
        runtime: &Handle,
        fire: impl Fn(WakeUp) -> Option<()> + Send + 'static,
    ) {
        let shared = Arc::clone(&self.shared);
        *self.task.lock() = Some(runtime.spawn(async move { shared.run(fire).await }));
    }

    /// Ends the task.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }

    /// Notes when an actor must be awake next, instead of what was noted for it before.
    pub(crate) fn arm(&self, actor: &str, key: &str, due: Option<i64>) {
        let mut agenda = self.shared.agenda.lock();
        let first = agenda.order.first().map(|first| first.due);
        agenda.forget(actor, key);
        let Some(due) = due else { return };
        agenda.insert(WakeUp {
            due,
            actor: actor.to_owned(),
            key: key.to_owned(),
        });
        agenda.shrink();
        drop(agenda);
        if first.is_none_or(|first| due < first) {
            self.shared.changed.notify_one();
        }
    }
}

impl<A: Handlers> Cell<A> {
    /// Tells the actor that a stored call is due, and wakes it if it sleeps. One that refuses calls is told when it does not any more.
    pub(crate) fn due(self: &Arc<Self>) {
        let system = self.system();
        if system.is_closing() {
            return;
        }
        match self.mailbox().push_due() {
            Ok(pushed) => self.follow(pushed, false),
            Err(until) => {
                let left = until.saturating_duration_since(Instant::now());
                // Not too early, which would be for nothing.
                let left = left.as_nanos().div_ceil(1_000_000);
                let again = system.clock().now_ms() + i64::try_from(left).unwrap_or(0);
                let key = self.key().as_str();
                system.scheduler().arm(A::NAME, key, Some(again));
            }
        }
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    async fn run(&self, fire: impl Fn(WakeUp) -> Option<()>) {
        loop {
            let step = self.agenda.lock().step(self.clock.now_ms());
            match step {
                Step::Fire(wake_ups) => {
                    for wake_up in wake_ups {
                        if fire(wake_up).is_none() {
                            return;
                        }
                    }
                    tokio::task::yield_now().await;
                }
                Step::Read(after) => {
                    if let Err(error) = self.read(after.clone()).await {
                        tracing::error!(%error, "the timers of the directory were not read");
                        self.agenda.lock().horizon = Horizon::Unread(after);
                        tokio::time::sleep(limits::WAKE_UP_AGAIN).await;
                    }
                }
                Step::Wait(time) => {
                    let time = time.unwrap_or(limits::CLOCK_CHECK).min(limits::CLOCK_CHECK);
                    // What is armed between the look and the wait leaves its mark.
                    let _ = tokio::time::timeout(time, self.changed.notified()).await;
                }
            }
        }
    }

    /// Reads the next page of the directory.
    async fn read(&self, after: Option<WakeUp>) -> Result<(), StoreError> {
        let (store, types) = (Arc::clone(&self.store), self.types.clone());
        let page = i64::try_from(limits::WAKE_UPS_PER_PAGE).unwrap_or(i64::MAX);
        let read = move || store.directory().wake_ups(&types, after.as_ref(), page);
        let wake_ups = store::blocking(read).await?;
        self.agenda.lock().read(wake_ups);
        Ok(())
    }
}

impl Agenda {
    fn new(page: usize) -> Self {
        Self {
            page,
            order: BTreeSet::new(),
            places: HashMap::new(),
            horizon: Horizon::Unread(None),
        }
    }

    /// Takes a page of the directory in.
    fn read(&mut self, page: Vec<WakeUp>) {
        self.horizon = match page.last() {
            Some(last) if page.len() == self.page => Horizon::At(last.clone()),
            _ => Horizon::Everything,
        };
        for wake_up in page {
            // An actor that armed meanwhile knows better.
            let place = (wake_up.actor.clone(), wake_up.key.clone());
            if let Entry::Vacant(unknown) = self.places.entry(place) {
                unknown.insert(wake_up.due);
                self.order.insert(wake_up);
            }
        }
    }

    fn forget(&mut self, actor: &str, key: &str) {
        let place = (actor.to_owned(), key.to_owned());
        if let Some(due) = self.places.remove(&place) {
            let (actor, key) = place;
            self.order.remove(&WakeUp { due, actor, key });
        }
    }

    /// INVARIANT 1: what is behind the horizon stays in the directory only.
    fn insert(&mut self, wake_up: WakeUp) {
        if let Horizon::At(last) | Horizon::Unread(Some(last)) = &self.horizon
            && wake_up > *last
        {
            return;
        }
        let place = (wake_up.actor.clone(), wake_up.key.clone());
        self.places.insert(place, wake_up.due);
        self.order.insert(wake_up);
    }

    /// INVARIANT 3: draws the horizon nearer when there is too much.
    fn shrink(&mut self) {
        if self.order.len() <= 2 * self.page || matches!(self.horizon, Horizon::Reading) {
            return;
        }
        while self.order.len() > self.page {
            if let Some(last) = self.order.pop_last() {
                self.places.remove(&(last.actor, last.key));
            }
        }
        let Some(last) = self.order.last() else {
            return;
        };
        match &self.horizon {
            // What was handed out and comes again lies behind the horizon.
            Horizon::At(nearer) | Horizon::Unread(Some(nearer)) if nearer <= last => {}
            Horizon::Unread(None) => {}
            _ => self.horizon = Horizon::At(last.clone()),
        }
    }

    fn step(&mut self, now: i64) -> Step {
        if let Horizon::Unread(after) = &self.horizon {
            let after = after.clone();
            self.horizon = Horizon::Reading;
            return Step::Read(after);
        }
        let mut due = Vec::new();
        while due.len() < limits::CALLS_PER_COMMIT
            && self.order.first().is_some_and(|first| first.due <= now)
        {
            due.extend(self.order.pop_first());
        }
        if let Horizon::At(last) = &self.horizon
            && self.order.first().is_none_or(|first| first > last)
        {
            self.horizon = Horizon::Unread(Some(last.clone()));
        }
        if due.is_empty() {
            return match (&self.horizon, self.order.first()) {
                (Horizon::Unread(_), _) => Step::Fire(due),
                (_, None) => Step::Wait(None),
                (_, Some(first)) => {
                    let time = u64::try_from(first.due - now).unwrap_or(0);
                    Step::Wait(Some(Duration::from_millis(time)))
                }
            };
        }
        let again = now + duration_ms(limits::WAKE_UP_AGAIN);
        for wake_up in &due {
            // INVARIANT 2
            let place = (wake_up.actor.clone(), wake_up.key.clone());
            self.places.insert(place, again);
            self.order.insert(WakeUp {
                due: again,
                ..wake_up.clone()
            });
        }
        Step::Fire(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wake_up(due: i64, key: u32) -> WakeUp {
        WakeUp {
            due,
            actor: "actor".to_owned(),
            key: format!("{key:04}"),
        }
    }

    /// A directory and an agenda with small pages, driven as the task does it.
    struct Fleet {
        directory: BTreeSet<WakeUp>,
        agenda: Agenda,
        most: usize,
    }

    impl Fleet {
        fn new(directory: BTreeSet<WakeUp>) -> Self {
            Self {
                directory,
                agenda: Agenda::new(4),
                most: 0,
            }
        }

        fn arm(&mut self, due: i64, key: u32) {
            self.directory
                .retain(|known| known.key != wake_up(0, key).key);
            self.directory.insert(wake_up(due, key));
            self.agenda.forget("actor", &wake_up(0, key).key);
            self.agenda.insert(wake_up(due, key));
            self.agenda.shrink();
        }

        /// Returns what is handed out at `now`. Each of them says that it has no more.
        fn at(&mut self, now: i64) -> Vec<WakeUp> {
            let mut fired = Vec::new();
            loop {
                self.most = self.most.max(self.agenda.order.len());
                match self.agenda.step(now) {
                    Step::Fire(due) => {
                        for wake_up in due {
                            self.agenda.forget("actor", &wake_up.key);
                            self.directory.remove(&wake_up);
                            fired.push(wake_up);
                        }
                    }
                    Step::Read(after) => {
                        let rows = self.directory.iter();
                        let behind = rows.filter(|row| after.as_ref().is_none_or(|a| *row > a));
                        let page = behind.take(self.agenda.page).cloned().collect();
                        self.agenda.read(page);
                    }
                    Step::Wait(_) => return fired,
                }
            }
        }
    }

    #[test]
    fn all_of_a_large_fleet_are_woken_in_order_with_a_few_in_memory() {
        let all: BTreeSet<_> = (0..100)
            .map(|key| wake_up(i64::from(key * 37 % 20), key))
            .collect();
        let mut fleet = Fleet::new(all.clone());
        let fired: Vec<_> = (0..20).flat_map(|now| fleet.at(now)).collect();
        assert_eq!(fired, all.into_iter().collect::<Vec<_>>());
        assert_eq!(fleet.most, 4);
    }

    #[test]
    fn what_is_armed_beyond_the_horizon_is_read_when_it_comes_near() {
        let mut fleet = Fleet::new((0..4).map(|key| wake_up(10, key)).collect());
        assert_eq!(fleet.at(0), []);
        for key in 4..50 {
            fleet.arm(i64::from(200 - key), key);
            assert!(fleet.agenda.order.len() <= 8);
        }
        // One that was far away comes first.
        fleet.arm(5, 49);
        assert_eq!(fleet.at(5), [wake_up(5, 49)]);
        assert_eq!(fleet.at(10).len(), 4);
        let rest: Vec<_> = (11..200).flat_map(|now| fleet.at(now)).collect();
        let expected: Vec<_> = (4..49)
            .rev()
            .map(|key| wake_up(i64::from(200 - key), key))
            .collect();
        assert_eq!(rest, expected);
    }

    #[test]
    fn a_notice_without_an_answer_comes_again() {
        let mut agenda = Agenda::new(4);
        agenda.read(vec![wake_up(10, 1)]);
        assert!(matches!(agenda.step(10), Step::Fire(due) if due == [wake_up(10, 1)]));
        assert!(matches!(agenda.step(11), Step::Wait(Some(_))));
        let again = 10 + duration_ms(limits::WAKE_UP_AGAIN);
        assert!(matches!(agenda.step(again), Step::Fire(due) if due == [wake_up(again, 1)]));
        agenda.forget("actor", "0001");
        assert!(matches!(agenda.step(again * 2), Step::Wait(None)));
    }
}
