//! [`KindMetrics`]: what is counted for one type of actor.

use std::time::{Duration, Instant};

use super::handles::{Began, Counter, Gauge, Histogram, PerAction, PerName};
use crate::error::CallError;
use crate::hooks::ActionInfo;
use crate::watch::Change;

/// What is counted for one type of actor.
#[derive(Default)]
pub(crate) struct KindMetrics {
    actions: PerAction<Action>,
    calls: Calls,
    lives: Lives,
    commits: Commits,
    stored: Stored,
    queues: PerName<Taken>,
}

#[derive(Default)]
struct Action {
    outcomes: [Counter; 5],
    duration: Histogram,
}

/// Calls that did not run, or late.
#[derive(Default)]
struct Calls {
    waited: Counter,
    refused: [Counter; 4],
    timed_out: Counter,
}

#[derive(Default)]
struct Lives {
    starts: [Counter; 3],
    start_durations: [Histogram; 3],
    not_started: Counter,
    slept: Counter,
    destroyed: Counter,
    crashed: Counter,
    given_up: Counter,
    awake: Gauge,
    run_failures: PerName<Counter>,
    task_panics: Counter,
}

#[derive(Default)]
struct Commits {
    ok: Counter,
    failed: Counter,
    calls: Histogram,
    held: Histogram,
}

/// Timers and messages.
#[derive(Default)]
struct Stored {
    timers: [Counter; 2],
    late: Histogram,
    messages: [Counter; 3],
    letters: [Counter; 3],
}

/// What was taken from one queue.
#[derive(Default)]
struct Taken {
    all: Counter,
    again: Counter,
}

/// How an actor came to be awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// It was created.
    New,
    /// It slept.
    Wake,
    /// It crashed.
    Restart,
}

impl Start {
    #[cfg(feature = "metrics")]
    const ALL: [Self; 3] = [Self::New, Self::Wake, Self::Restart];

    /// Returns it in one word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Wake => "wake",
            Self::Restart => "restart",
        }
    }
}

/// What became of the delivery of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was handled.
    Delivered,
    /// It was not, and is tried again or a dead letter.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// What a dead letter was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    Timer,
    Message,
    Queue,
}

impl KindMetrics {
    /// Begins to measure an action.
    #[inline]
    pub(crate) fn action_begins(&self, info: &ActionInfo) -> Began {
        let action = self.actions.get(info.id);
        action.map_or_else(Began::default, |action| action.duration.begin())
    }

    /// Counts an action that ended.
    #[inline]
    pub(crate) fn action_ended(&self, info: &ActionInfo, began: Began, error: Option<&CallError>) {
        if let Some(action) = self.actions.get(info.id) {
            action.duration.end(began);
            action.outcomes[outcome(error)].add(1);
        }
    }

    /// Counts a call that waits for room.
    pub(crate) fn call_waits(&self) {
        self.calls.waited.add(1);
    }

    /// Counts a call that is refused.
    #[cold]
    pub(crate) fn call_refused(&self, error: &CallError) {
        let reason = match error {
            CallError::MailboxFull { .. } => 0,
            CallError::FailedTooOften { .. } => 2,
            CallError::Store { .. } => 3,
            _ => 1,
        };
        self.calls.refused[reason].add(1);
    }

    /// Counts a call that its caller gives up.
    pub(crate) fn call_timed_out(&self) {
        self.calls.timed_out.add(1);
    }

    /// Begins to measure a start. How it will end is not known, so that the clock is read if anybody keeps any.
    #[inline]
    pub(crate) fn start_begins(&self) -> Began {
        self.lives.start_durations[0].begin()
    }

    /// Counts a start that ended well.
    #[inline]
    pub(crate) fn started(&self, start: Start, began: Began) {
        self.lives.starts[start as usize].add(1);
        self.lives.start_durations[start as usize].end(began);
    }

    /// Counts an actor as awake.
    #[inline]
    pub(crate) fn awake(&self) {
        self.lives.awake.rise();
    }

    /// Counts an actor as awake no more.
    #[inline]
    pub(crate) fn not_awake(&self) {
        self.lives.awake.fall();
    }

    /// Counts what those are told who watch an actor.
    #[inline]
    pub(crate) fn changed(&self, change: &Change) {
        match change {
            // How it came to be awake is not known here.
            Change::Woke => {}
            Change::Slept => self.lives.slept.add(1),
            Change::Crashed => self.lives.crashed.add(1),
            Change::NotStarted(_) => self.lives.not_started.add(1),
            Change::Failed(_) => self.lives.given_up.add(1),
            Change::Destroyed => self.lives.destroyed.add(1),
        }
    }

    /// Counts a `#[run]` hook that failed.
    pub(crate) fn run_failed(&self, hook: &'static str) {
        if let Some(failures) = self.lives.run_failures.get(hook) {
            failures.add(1);
        }
    }

    /// Counts a panic of what an actor began beside itself.
    pub(crate) fn task_panicked(&self) {
        self.lives.task_panics.add(1);
    }

    /// Counts a transaction.
    #[inline]
    pub(crate) fn committed(&self, well: bool) {
        let commits = &self.commits;
        if well { &commits.ok } else { &commits.failed }.add(1);
    }

    /// Notes how many calls shared a transaction.
    #[inline]
    pub(crate) fn commit_shared(&self, calls: u32) {
        self.commits.calls.record(calls);
    }

    /// Returns the time if anybody keeps how long replies are held.
    #[inline]
    pub(crate) fn held_since(&self) -> Option<Instant> {
        self.commits.held.now()
    }

    /// Notes how long replies were held.
    pub(crate) fn held(&self, replies: usize, time: Duration) {
        self.commits.held.record_time(time, replies);
    }

    /// Counts the run of a timer.
    pub(crate) fn timer_ran(&self, well: bool, late_ms: i64) {
        let late = Duration::from_millis(u64::try_from(late_ms).unwrap_or(0));
        self.stored.timers[usize::from(!well)].add(1);
        self.stored.late.record_time(late, 1);
    }

    /// Counts deliveries of messages.
    pub(crate) fn messages(&self, sent: Sent, count: u64) {
        if count > 0 {
            self.stored.messages[sent as usize].add(count);
        }
    }

    /// Counts dead letters.
    pub(crate) fn dead_letters(&self, letter: Letter, count: u64) {
        if count > 0 {
            self.stored.letters[letter as usize].add(count);
        }
    }

    /// Counts what was taken from a queue, and how much of it not for the first time.
    pub(crate) fn taken(&self, queue: &'static str, count: u64, again: u64) {
        if count > 0
            && let Some(taken) = self.queues.get(queue)
        {
            taken.all.add(count);
            taken.again.add(again);
        }
    }
}

/// The order of the outcomes of an action; their names are those that spans have.
#[cfg(feature = "metrics")]
const OUTCOMES: [&str; 5] = ["ok", "failed", "panicked", "timed_out", "store"];

#[inline]
fn outcome(error: Option<&CallError>) -> usize {
    match error {
        None => 0,
        Some(CallError::Panicked { .. }) => 2,
        Some(CallError::ActionTimedOut { .. }) => 3,
        Some(CallError::Store { .. }) => 4,
        Some(_) => 1,
    }
}

#[cfg(not(feature = "metrics"))]
impl KindMetrics {
    /// Registers nothing.
    pub(crate) fn register(_actor: &'static str, _hooks: &crate::hooks::Hooks) -> Self {
        Self::default()
    }
}

#[cfg(feature = "metrics")]
mod registering {
    use super::super::catalogue::{self, Metric};
    use super::super::handles::{Counter, Gauge, Histogram, PerAction, PerName};
    use super::{Action, Calls, Commits, KindMetrics, Lives, OUTCOMES, Start, Stored, Taken};
    use crate::hooks::Hooks;

    /// The name of a type, as a label of all of its metrics.
    #[derive(Clone, Copy)]
    struct Actor(&'static str);

    impl Actor {
        fn counter(self, metric: &Metric) -> Counter {
            Counter::register(metric, &[("actor", self.0)])
        }

        fn histogram(self, metric: &Metric) -> Histogram {
            Histogram::register(metric, &[("actor", self.0)])
        }

        /// Registers one for each value of a second label.
        fn counters<const N: usize>(
            self,
            metric: &Metric,
            label: &'static str,
            values: [&'static str; N],
        ) -> [Counter; N] {
            values.map(|value| Counter::register(metric, &[("actor", self.0), (label, value)]))
        }
    }

    impl KindMetrics {
        /// INVARIANT 1: registers what is counted for a type of actor.
        pub(crate) fn register(actor: &'static str, hooks: &Hooks) -> Self {
            let actor = Actor(actor);
            let actions = hooks.actions.iter();
            let actions = actions.map(|info| (info.id, action(actor, info.name)));
            let queues = hooks.queues.iter();
            let queues = queues.map(|queue| (queue.name, taken(actor, queue.name)));
            Self {
                actions: PerAction::new(actions),
                calls: calls(actor),
                lives: lives(actor, hooks),
                commits: commits(actor),
                stored: stored(actor),
                queues: PerName::new(queues),
            }
        }
    }

    fn action(Actor(actor): Actor, action: &'static str) -> Action {
        let labels = [("actor", actor), ("action", action)];
        Action {
            outcomes: OUTCOMES.map(|outcome| {
                let labels = [labels[0], labels[1], ("outcome", outcome)];
                Counter::register(&catalogue::ACTIONS, &labels)
            }),
            duration: Histogram::register(&catalogue::ACTION_DURATION, &labels),
        }
    }

    fn calls(actor: Actor) -> Calls {
        let reasons = ["full", "backing_off", "given_up", "store"];
        Calls {
            waited: actor.counter(&catalogue::CALLS_WAITED),
            refused: actor.counters(&catalogue::CALLS_REFUSED, "reason", reasons),
            timed_out: actor.counter(&catalogue::CALLS_TIMED_OUT),
        }
    }

    fn lives(actor: Actor, hooks: &Hooks) -> Lives {
        let outcomes = Start::ALL.map(Start::name);
        let [not_started] = actor.counters(&catalogue::STARTS, "outcome", ["failed"]);
        let endings = ["sleep", "destroy", "crash"];
        let [slept, destroyed, crashed] = actor.counters(&catalogue::STOPS, "ending", endings);
        let run_failures = hooks.run.iter().map(|hook| {
            let [failures] = actor.counters(&catalogue::RUN_FAILURES, "hook", [hook.name]);
            (hook.name, failures)
        });
        Lives {
            starts: actor.counters(&catalogue::STARTS, "outcome", outcomes),
            start_durations: outcomes.map(|outcome| {
                let labels = [("actor", actor.0), ("outcome", outcome)];
                Histogram::register(&catalogue::START_DURATION, &labels)
            }),
            not_started,
            slept,
            destroyed,
            crashed,
            given_up: actor.counter(&catalogue::GIVEN_UP),
            awake: Gauge::register(&catalogue::AWAKE, &[("actor", actor.0)]),
            run_failures: PerName::new(run_failures),
            task_panics: actor.counter(&catalogue::TASK_PANICS),
        }
    }

    fn commits(actor: Actor) -> Commits {
        let [ok, failed] = actor.counters(&catalogue::COMMITS, "outcome", ["ok", "failed"]);
        Commits {
            ok,
            failed,
            calls: actor.histogram(&catalogue::COMMIT_CALLS),
            held: actor.histogram(&catalogue::REPLY_HELD),
        }
    }

    fn stored(actor: Actor) -> Stored {
        let sent = ["delivered", "failed", "unknown"];
        let letters = ["timer", "message", "queue"];
        Stored {
            timers: actor.counters(&catalogue::TIMERS, "outcome", ["ok", "failed"]),
            late: actor.histogram(&catalogue::TIMER_LATE),
            messages: actor.counters(&catalogue::MESSAGES, "outcome", sent),
            letters: actor.counters(&catalogue::DEAD_LETTERS, "kind", letters),
        }
    }

    fn taken(actor: Actor, queue: &'static str) -> Taken {
        let [all] = actor.counters(&catalogue::QUEUE_TAKEN, "queue", [queue]);
        let [again] = actor.counters(&catalogue::QUEUE_REDELIVERED, "queue", [queue]);
        Taken { all, again }
    }
}
