//! Every metric that there is. `docs/OBSERVABILITY.md` has the same list, which a test holds against this one.

use metrics::Unit;

/// How a metric is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// What is known of a metric.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
    pub(super) labels: &'static [&'static str],
    /// What it says, in a sentence.
    pub(super) meaning: &'static str,
}

macro_rules! catalogue {
    ($($metric:ident = $kind:ident $name:literal $unit:ident [$($label:literal)*] $meaning:literal;)*) => {
        $(pub(super) const $metric: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            unit: Unit::$unit,
            labels: &[$($label),*],
            meaning: $meaning,
        };)*

        const ALL: &[Metric] = &[$($metric),*];
    };
}

catalogue! {
    ACTIONS = Counter "actor_actions_total" Count ["actor" "action" "outcome"]
        "Actions that ran.";
    ACTION_DURATION = Histogram "actor_action_duration_seconds" Seconds ["actor" "action"]
        "How long actions took, without their commit.";
    CALLS_WAITED = Counter "actor_calls_waited_total" Count ["actor"]
        "Calls that waited for room in a full mailbox.";
    CALLS_REFUSED = Counter "actor_calls_refused_total" Count ["actor" "reason"]
        "Calls that were refused and did not run.";
    CALLS_TIMED_OUT = Counter "actor_calls_timed_out_total" Count ["actor"]
        "Calls that their callers gave up because their time was over.";
    STARTS = Counter "actor_starts_total" Count ["actor" "outcome"]
        "Starts of actors.";
    START_DURATION = Histogram "actor_start_duration_seconds" Seconds ["actor" "outcome"]
        "How long starts took that ended well.";
    STOPS = Counter "actor_stops_total" Count ["actor" "ending"]
        "Instances that ended.";
    GIVEN_UP = Counter "actor_given_up_total" Count ["actor"]
        "Actors that crashed too often, and are given up for a while.";
    AWAKE = Gauge "actor_awake" Count ["actor"]
        "Actors that are awake.";
    RUN_FAILURES = Counter "actor_run_failures_total" Count ["actor" "hook"]
        "Run hooks that failed.";
    TASK_PANICS = Counter "actor_task_panics_total" Count ["actor"]
        "Futures of `keep_awake` and `wait_until` that panicked.";
    COMMITS = Counter "actor_commits_total" Count ["actor" "outcome"]
        "Transactions, also those that changed nothing.";
    COMMIT_CALLS = Histogram "actor_commit_calls" Count ["actor"]
        "How many calls shared a transaction.";
    REPLY_HELD = Histogram "actor_reply_held_seconds" Seconds ["actor"]
        "How long replies waited until what they saw was durable.";
    TIMERS = Counter "actor_timers_total" Count ["actor" "outcome"]
        "Runs of timers.";
    TIMER_LATE = Histogram "actor_timer_late_seconds" Seconds ["actor"]
        "How long after their time timers ran.";
    MESSAGES = Counter "actor_messages_total" Count ["actor" "outcome"]
        "Deliveries of messages, by their sender.";
    QUEUE_TAKEN = Counter "actor_queue_taken_total" Count ["actor" "queue"]
        "Messages that were taken from queues.";
    QUEUE_REDELIVERED = Counter "actor_queue_redelivered_total" Count ["actor" "queue"]
        "Messages among them that had been taken before.";
    DEAD_LETTERS = Counter "actor_dead_letters_total" Count ["actor" "kind"]
        "Stored calls that failed for good.";
    LOG_BATCHES = Counter "actor_log_batches_total" Count []
        "Batches of records that were written to the log.";
    LOG_RECORDS = Counter "actor_log_records_total" Count []
        "Records that were written to the log.";
    LOG_BYTES = Counter "actor_log_bytes_total" Bytes []
        "Bytes that were written to the log.";
    LOG_WRITE_DURATION = Histogram "actor_log_write_duration_seconds" Seconds []
        "How long writes of the log took.";
    LOG_SYNC_DURATION = Histogram "actor_log_sync_duration_seconds" Seconds []
        "How long syncs of the log took.";
    LOG_FAILURES = Counter "actor_log_failures_total" Count ["operation"]
        "Writes and syncs of the log that failed.";
    LOG_SEGMENTS = Gauge "actor_log_segments" Count ["state"]
        "Segments of the log.";
    LOG_STALLS = Counter "actor_log_stalls_total" Count []
        "How often the log was full until a checkpoint.";
    LOG_WAIT_DURATION = Histogram "actor_log_wait_seconds" Seconds []
        "How long actors waited until the log took more.";
    CHECKPOINTS = Counter "actor_checkpoints_total" Count ["outcome"]
        "Checkpoints.";
    CHECKPOINT_DURATION = Histogram "actor_checkpoint_duration_seconds" Seconds []
        "How long checkpoints took that ended well.";
    CHECKPOINT_ACTORS = Counter "actor_checkpoint_actors_total" Count []
        "Actors whose files checkpoints brought up to date.";
    CHECKPOINT_BYTES = Counter "actor_checkpoint_bytes_total" Bytes []
        "Bytes of pages that checkpoints wrote to the files of actors.";
}

/// Tells the recorder what all of them mean.
pub(super) fn describe() {
    metrics::with_recorder(|recorder| {
        for metric in ALL {
            let (name, meaning) = (metric.name.into(), metric.meaning.into());
            let unit = Some(metric.unit);
            match metric.kind {
                Kind::Counter => recorder.describe_counter(name, unit, meaning),
                Kind::Gauge => recorder.describe_gauge(name, unit, meaning),
                Kind::Histogram => recorder.describe_histogram(name, unit, meaning),
            }
        }
    });
}
