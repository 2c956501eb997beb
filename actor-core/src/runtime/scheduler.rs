//! [`Scheduler`]: wakes actors when something of theirs is due.
//!
//! # Invariants
//!
//! 1. Every wake-up that the directory has up to the horizon is in memory, and so is what was armed since. One that is
//!    behind the horizon is read when the last before it has been handed out.
//! 2. A wake-up that was handed out comes again after a while, unless the actor arms the next one: a notice that got lost is
//!    made good.
//! 3. What is in memory is bounded, however many actors have timers.
//! 4. What is due is handed out in its order, as [`Wakes`] has room for those that it wakes.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::clock::{Clock, duration_ms};
use crate::limits;
use crate::runtime::baton::Due;
use crate::runtime::cell::Cell;
use crate::runtime::mailbox::{Pushed, Status};
use crate::runtime::wakes::{Candidate, Doze, Dozes, Place, Wakes};
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
    /// There is an earlier wake-up than before, or room for one that waits.
    changed: Notify,
    /// How many actors are among [`Wakes`], so that others pay for one load.
    woken: AtomicUsize,
}

/// All wake-ups that are in memory.
struct Agenda {
    /// How many are read at once; twice as many are kept at most.
    page: usize,
    order: BTreeSet<WakeUp>,
    /// When each of them is, by the actor.
    places: HashMap<(String, String), i64>,
    horizon: Horizon,
    wakes: Wakes,
    /// Whether something is due for which there is no room.
    is_crowded: bool,
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
    /// Asks these to sleep, so that there is room.
    Doze(Vec<Candidate>),
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
            woken: AtomicUsize::new(0),
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

impl Scheduler {
    /// Notes that the actor in this place has done what was due.
    pub(super) fn rested(&self, place: Place) {
        self.shared.let_go(|wakes| wakes.rested(place));
    }

    /// Notes that the actor in this place sleeps.
    pub(super) fn gone(&self, place: Place) {
        self.shared.let_go(|wakes| wakes.gone(place));
    }
}

impl<A: Handlers> Cell<A> {
    /// What tells this cell apart for the scheduler.
    pub(super) fn wake_place(self: &Arc<Self>) -> Place {
        Arc::as_ptr(self).addr()
    }

    /// Tells the actor that a stored call is due, and wakes it if it sleeps. One that refuses calls is told when it does not any more.
    pub(crate) fn due(self: &Arc<Self>) {
        let system = self.system();
        if system.is_closing() {
            return;
        }
        let scheduler = &system.scheduler().shared;
        let place = self.wake_place();
        let dozes = Arc::downgrade(self) as Weak<dyn Dozes>;
        // Before it is told, because it may be done at once.
        let added = scheduler.agenda.lock().wakes.enroll(place, dozes);
        match self.mailbox().push_due() {
            Ok((notice, count)) => {
                let wakes = matches!(notice, Pushed::Start);
                scheduler.change(|known| known.notified(place, added, wakes, count));
                self.follow(notice, false);
            }
            Err(until) => {
                scheduler.change(|known| known.notified(place, added, false, 0));
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

impl<A: Handlers> Dozes for Cell<A> {
    fn doze(self: Arc<Self>, pushed: u64) -> Doze {
        let mut inner = self.mailbox().lock();
        if matches!(inner.status, Status::Asleep | Status::Stopping) {
            return Doze::Sleeps;
        }
        if inner.all_pushed() != pushed || A::OPTIONS.sleep_after.is_none() {
            return Doze::Needed;
        }
        let rests = inner.status == Status::Awake && inner.baton.is_listening();
        if !rests || inner.has_next() || inner.keepers > 0 {
            return Doze::Busy;
        }
        inner.sleep_idle();
        let due = inner.baton.woken();
        drop(inner);
        if due == Due::Queue {
            self.enqueue();
        }
        Doze::Sleeps
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Changes who was woken.
    fn change<T>(&self, change: impl FnOnce(&mut Wakes) -> T) -> T {
        let mut agenda = self.agenda.lock();
        let changed = change(&mut agenda.wakes);
        self.woken.store(agenda.wakes.len(), Ordering::SeqCst);
        changed
    }

    /// Notes that an actor does less than before, and lets those look who wait for that.
    fn let_go(&self, change: impl FnOnce(&mut Wakes) -> bool) {
        if self.woken.load(Ordering::SeqCst) == 0 {
            return;
        }
        if self.change(change) && self.agenda.lock().is_crowded {
            self.changed.notify_one();
        }
    }

    /// Asks actors to sleep.
    async fn doze(&self, candidates: Vec<Candidate>) {
        let mut all_busy = true;
        for Candidate { id, cell, pushed } in candidates {
            let doze = cell.upgrade().map(|cell| cell.doze(pushed));
            all_busy &= doze == Some(Doze::Busy);
            self.change(|wakes| wakes.dozes(id, doze));
        }
        if all_busy {
            // They are about to wait for mail, or something keeps them awake.
            let pause = tokio::time::timeout(limits::DOZE_AGAIN, self.changed.notified());
            let _ = pause.await;
        }
    }

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
                Step::Doze(candidates) => self.doze(candidates).await,
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
            wakes: Wakes::default(),
            is_crowded: false,
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

    /// INVARIANT 4: has actors sleep, or waits for those that do what is due.
    fn crowded(&mut self, now: i64, time: Instant) -> Step {
        let due = self.order.iter().take_while(|wake_up| wake_up.due <= now);
        let due = due.take(limits::WOKEN_AT_WORK).count();
        let candidates = self.wakes.candidates(due);
        if !candidates.is_empty() {
            return Step::Doze(candidates);
        }
        let look = self.wakes.look_at();
        // Timers of tokio's are exact to a millisecond.
        let least = Duration::from_millis(1);
        Step::Wait(look.map(|look| look.saturating_duration_since(time).max(least)))
    }

    fn step(&mut self, now: i64) -> Step {
        if let Horizon::Unread(after) = &self.horizon {
            let after = after.clone();
            self.horizon = Horizon::Reading;
            return Step::Read(after);
        }
        let time = Instant::now();
        let room = self.wakes.room(time).min(limits::CALLS_PER_COMMIT);
        let is_due = self.order.first().is_some_and(|first| first.due <= now);
        self.is_crowded = is_due && room == 0;
        if self.is_crowded {
            return self.crowded(now, time);
        }
        let mut due = Vec::new();
        while due.len() < room && self.order.first().is_some_and(|first| first.due <= now) {
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
mod tests;
