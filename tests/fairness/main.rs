//! What many or slow actors leave to the others: turns end in time, migrations and a full blocking pool hold up nobody, and what is
//! overdue wakes a few at once.
#![allow(
    clippy::unused_async,
    reason = "actions are async to show that they may be"
)]

mod full_pool;
mod migrating;
mod overdue;
mod turns;
