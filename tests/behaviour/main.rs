//! What the framework promises, one module a subject.
#![allow(
    clippy::unused_async,
    reason = "hooks and actions are async to show that they may be"
)]

mod account;
mod actions;
mod alarm;
mod bank_kills;
mod batches;
mod callers_limits;
mod connection_state;
mod crash_load;
mod creation;
mod crowds;
mod directory;
mod drivers;
mod drops;
mod endings;
mod ends_of_systems;
mod error_hooks;
mod error_hooks_elsewhere;
mod events;
mod failing_disk;
mod few_handles;
mod given_up;
mod giving_up;
mod isolation;
mod keeping_awake;
mod keys;
mod kills;
mod labs;
mod list_cuts;
mod mailbox;
mod memory;
mod messages;
mod migrations;
mod model;
mod names;
mod order;
mod other_systems;
mod own_ends;
mod panics_at_commit;
mod poison;
mod probe;
mod programs;
mod queue_kills;
mod queues;
mod races;
mod receiving;
mod resting;
mod run_restarts;
mod runs;
mod schema;
mod starts;
mod state_changes;
mod state_versions;
mod supervision;
mod support;
mod tally;
mod timer_kills;
mod timers;
mod values;
mod watch;
mod who_waits;
