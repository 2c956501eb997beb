//! What a file that defines actors needs: `use actor_core::prelude::*;`.

pub use crate::{
    Actor, Background, CallError, Context, ErrorReport, Event, Failure, Migrated, Migrating,
    Result, State, StateShape, Stateful, System,
};
pub use crate::{
    action, actor, create_state, create_vars, data_migration, migrate, migrate_state,
    on_before_start, on_create, on_destroy, on_error, on_sleep, on_state_change, on_wake, queue,
    run,
};
