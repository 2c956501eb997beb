//! The saved state: read, and brought from an older version to the current one.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::StartCause;
use crate::plumbing::StateFault;
use crate::runtime::guarded::guarded;
use crate::runtime::migrate::Failed;
use crate::store::{Database, MigrationError, SavedState, StoreError};

/// A state as it was saved.
pub(super) enum Saved<S> {
    /// One of the current version.
    Current(S),
    /// One of another version, to [`migrate`].
    Other(SavedState),
}

/// Reads the state.
pub(super) fn load<A: Handlers>(database: &mut Database) -> Result<Saved<A::State>, Failed> {
    let saved = database.load_state().map_err(store)?;
    if saved.version == A::__STATE_VERSION {
        let state = guarded(|| database.parse_state(&saved.json)).map_err(panicked)?;
        return state.map(Saved::Current).map_err(store);
    }
    Ok(Saved::Other(saved))
}

/// Brings a state of an older version to the current one, in the running transaction.
pub(super) fn update<A: Handlers>(database: &mut Database) -> Result<(), Failed> {
    let saved = database.load_state().map_err(store)?;
    if saved.version != A::__STATE_VERSION {
        migrate::<A>(database, &saved)?;
    }
    Ok(())
}

/// Runs the steps that lead from the version of a state to the current one, and writes what they make.
pub(super) fn migrate<A: Handlers>(
    database: &mut Database,
    saved: &SavedState,
) -> Result<A::State, Failed> {
    let known = A::__STATE_VERSION;
    if saved.version > known {
        let version = saved.version;
        return Err(misfit(None, MigrationError::NewerState { version, known }));
    }
    let state = A::__migrate_state(saved.version, &saved.json).map_err(failed)?;
    let text = guarded(|| database.state_text(&state, A::__same_state)).map_err(panicked)?;
    let text = text.map_err(store)?;
    database.write_state(known, &text).map_err(store)?;
    Ok(state)
}

/// Says which step failed, and how.
fn failed(fault: StateFault) -> Failed {
    match fault {
        StateFault::NoStep { from } => misfit(None, MigrationError::NoStateStep { from }),
        StateFault::Failed { from, hook, source } => {
            let source = source.into_shared();
            misfit(Some(hook), MigrationError::StateStep { from, hook, source })
        }
        StateFault::Panicked { hook, text } => (Some(hook), StartCause::Panicked(text)),
    }
}

/// The state's own `Serialize` or `Deserialize` panicked.
fn panicked(panic: String) -> Failed {
    (None, StartCause::Panicked(panic))
}

fn misfit(hook: Option<&'static str>, error: MigrationError) -> Failed {
    (hook, StartCause::Migration(Arc::new(error)))
}

fn store(error: StoreError) -> Failed {
    (None, StartCause::Store(Arc::new(error)))
}
