//! The step `migrate` of the preamble: pending migrations with their Rust steps, and those of the state, all or none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::StartCause;
use crate::hooks::{DataMigration, Step};
use crate::observe::trace;
use crate::runtime::elsewhere::elsewhere;
use crate::runtime::limited::{Fault, limited};
use crate::runtime::saved;
use crate::runtime::turn::Turn;
use crate::store::{FORMAT, Meta, Migration, MigrationError, SavedState, StoreError, Template};

/// What a failed step leaves to say: the hook that was running, and the cause.
pub(super) type Failed = (Option<&'static str>, StartCause);

/// For whom migrations apply.
pub(super) enum For {
    /// An actor that exists, with its mark.
    Waking(Meta),
    /// An actor that is being created.
    New,
}

/// A turn that comes back from elsewhere, and what was done there.
pub(super) type Back<A, T> = (Turn<A>, Result<T, Failed>);

/// Applies migrations in one transaction, beside the workers of the runtime. On failure the database is as it was. An error besides is
/// that of a runtime that ends.
pub(super) async fn migrate<A: Handlers>(
    mut turn: Turn<A>,
    pending: &'static [Migration],
    target: For,
    template: Arc<Template>,
) -> Result<Back<A, ()>, StoreError> {
    let cell = Arc::clone(turn.cell());
    let places = cell.system().queue().migrating();
    elsewhere(places, async move {
        let list = A::MIGRATIONS.list();
        let had = list.len() - pending.len();
        let from = list[..had].last().map(Migration::version);
        let traced = trace::migrate(from, A::MIGRATIONS.newest());
        let migrating = migrate_all(&mut turn, pending, target, template);
        let migrated = traced.around(migrating).await;
        (turn, migrated)
    })
    .await
}

/// Brings a state of an older version to the current one, beside the workers of the runtime. The errors are those of [`migrate`].
pub(super) async fn migrate_state<A: Handlers>(
    mut turn: Turn<A>,
    saved: SavedState,
) -> Result<Back<A, A::State>, StoreError> {
    let cell = Arc::clone(turn.cell());
    let places = cell.system().queue().migrating();
    elsewhere(places, async move {
        let migrated = saved::migrate::<A>(turn.database(), &saved);
        (turn, migrated)
    })
    .await
}

async fn migrate_all<A: Handlers>(
    turn: &mut Turn<A>,
    pending: &'static [Migration],
    target: For,
    template: Arc<Template>,
) -> Result<(), Failed> {
    let limit = A::OPTIONS.timeouts.of(Step::Migrate);
    let began = Instant::now();
    let deadline = began.checked_add(limit).unwrap_or(began + FAR);
    offload(turn, move |database| database.begin_migrating(deadline))
        .await?
        .map_err(store)?;
    let applied = apply_all(turn, pending, &target, deadline).await;
    let outcome = match applied {
        Ok(()) => finish(turn, &target, template).await,
        Err(failed) => {
            offload(turn, crate::store::Database::abort_migrating)
                .await?
                .map_err(store)?;
            Err(failed)
        }
    };
    match outcome {
        // SQLite says only that it was interrupted; the limit is what the user knows.
        Err((None, _)) if turn.database().db().was_interrupted() => {
            Err((None, StartCause::TimedOut(limit)))
        }
        other => other,
    }
}

/// Stands for no limit at all.
const FAR: Duration = Duration::from_hours(24 * 365);

async fn apply_all<A: Handlers>(
    turn: &mut Turn<A>,
    pending: &'static [Migration],
    target: &For,
    deadline: Instant,
) -> Result<(), Failed> {
    if let For::Waking(meta) = target
        && meta.format < FORMAT
    {
        turn.database().upgrade(meta).map_err(store)?;
    }
    if matches!(target, For::Waking(_)) {
        turn.database()
            .write_checksums(&A::MIGRATIONS)
            .map_err(store)?;
    }
    for migration in pending {
        offload(turn, |database| database.apply(migration))
            .await?
            .map_err(|error| (None, StartCause::Migration(Arc::new(error))))?;
        for step in A::HOOKS.data_migrations {
            if step.after == migration.version() && (step.new || matches!(target, For::Waking(_))) {
                data_step(turn, step, deadline).await?;
            }
        }
    }
    // A program that knows the new tables and not the new state, or the other way around, does not exist.
    match target {
        For::Waking(_) => saved::update::<A>(turn.database()),
        For::New => Ok(()),
    }
}

/// Runs one Rust step, within its own limit and what is left of the whole step's.
async fn data_step<A: Handlers>(
    turn: &mut Turn<A>,
    step: &'static DataMigration,
    deadline: Instant,
) -> Result<(), Failed> {
    let left = deadline.saturating_duration_since(Instant::now());
    let limit = step.hook.timeout.map_or(left, |own| own.min(left));
    let name = step.hook.name;
    let mut running = turn.enter(name, false, limit);
    let mut cx = Context::new(turn);
    let traced = trace::hook(Step::Migrate, name);
    let code = traced.around(A::__data_migration(step.hook.id, &mut cx));
    let outcome = limited(&mut running, limit, code).await;
    let failed = match turn.settle(outcome, limit).await {
        Ok(()) => {
            // The next `up.sql` runs as the framework again, with the limit of the whole step.
            turn.database().db().enter("migrate", false, Some(deadline));
            return Ok(());
        }
        Err(fault) => fault,
    };
    let cause = match failed {
        Fault::Failed(failure) => StartCause::Migration(Arc::new(MigrationError::DataStep {
            version: step.after,
            hook: name,
            source: failure.into_shared(),
        })),
        Fault::Panicked(panic) => StartCause::Panicked(panic),
        Fault::TimedOut(limit) => StartCause::TimedOut(limit),
    };
    Err((Some(name), cause))
}

async fn finish<A: Handlers>(
    turn: &mut Turn<A>,
    target: &For,
    template: Arc<Template>,
) -> Result<(), Failed> {
    let mark = match target {
        For::Waking(meta) => Some(meta.clone()),
        For::New => None,
    };
    let finished = offload(turn, move |database| {
        let finished = database.finish_migrating(mark.as_ref(), &template);
        if finished.is_err() {
            database.abort_migrating()?;
        }
        finished
    })
    .await?
    .map_err(store)?;
    match finished {
        Ok(ticket) => turn.durable(ticket).await.map_err(store),
        Err(error) => Err((None, StartCause::Migration(Arc::new(error)))),
    }
}

/// Lets `work` have the database where it may wait for the disk.
async fn offload<A: Handlers, T: Send + 'static>(
    turn: &mut Turn<A>,
    work: impl FnOnce(&mut crate::store::Database) -> T + Send + 'static,
) -> Result<T, Failed> {
    turn.offload(work).await.map_err(store)
}

fn store(error: StoreError) -> Failed {
    (None, StartCause::Store(Arc::new(error)))
}
