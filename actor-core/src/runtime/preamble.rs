//! The preamble: the ordered start-up of an actor, up to the moment in which it takes its first call.
//!
//! # Invariants
//!
//! 1. No code of the user's runs before the schema is current.
//! 2. What `#[create_vars]`, `#[on_wake]` and `#[on_before_start]` write commits together, when the actor is ready.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::StartCause;
use crate::hooks::{Hook, Step};
use crate::observe::metrics::Start;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::changes::state_changed;
use crate::runtime::creation::{create, creator};
use crate::runtime::ending::{close, commit, destroy_at_once, finish_destroying};
use crate::runtime::failed::{Failed, fail};
use crate::runtime::guarded::discard;
use crate::runtime::limited::{Fault, Running, limited, limited_now};
use crate::runtime::mail::{Ending, Mail, Next, answer};
use crate::runtime::memory;
use crate::runtime::migrate::{For, migrate, migrate_state};
use crate::runtime::saved::{self, Saved};
use crate::runtime::turn::Turn;
use crate::state::State;
use crate::store::{self, Meta, Opened, StoreError, Template};

/// An actor that is ready to take its first call.
pub(super) struct Started<A: Handlers> {
    pub(super) actor: A,
    pub(super) turn: Turn<A>,
    /// The call for which a new actor was created; it is the first.
    pub(super) first: Option<Mail<A>>,
    /// How it came to be awake.
    pub(super) start: Start,
}

/// Starts the actor if anything that waits needs it, or if it crashed. Everything that waits is answered when it does not start.
pub(super) async fn start<A: Handlers>(cell: &Arc<Cell<A>>, restart: bool) -> Option<Started<A>> {
    // Who asked for a sleep while the last instance went to sleep has it. After a crash there was no sleep.
    while !restart && cell.mailbox().due() == Some(Ending::Sleep) {
        if let Some(Next::Request(request)) = cell.mailbox().try_next() {
            answer(request.waiter, Ok(()));
        }
    }
    if !restart && cell.mailbox().is_empty() {
        return None;
    }
    let template = match cell.kind().template() {
        Ok(template) => template,
        Err(error) => {
            fail(
                cell,
                Failed::at(Step::Migrate, StartCause::Migration(error)),
                None,
                false,
            );
            return None;
        }
    };
    let schema = (&A::MIGRATIONS, &*template);
    match store::open(&cell.paths(), A::NAME, cell.key(), schema, cell.backing()) {
        Err(error) => {
            fail(cell, Failed::store(None, error), None, true);
            None
        }
        Ok(Some(opened)) => {
            let start = if restart { Start::Restart } else { Start::Wake };
            trace::note_kind(start);
            wake(cell, opened, &template, start).await
        }
        Ok(None) => {
            let (input, mail) = creator(cell)?;
            trace::note_kind(Start::New);
            create(cell, input, mail, template).await
        }
    }
}

/// Brings an actor that exists to the point where it takes calls.
async fn wake<A: Handlers>(
    cell: &Arc<Cell<A>>,
    opened: Opened,
    template: &Arc<Template>,
    start: Start,
) -> Option<Started<A>> {
    let Opened {
        database,
        meta,
        pending,
    } = opened;
    let mut turn = Turn::new(Arc::clone(cell), database);
    let ended = match pending {
        Err(error) => Err(Failed::at(
            Step::Migrate,
            StartCause::Migration(Arc::new(error)),
        )),
        Ok(pending) => {
            let current = (
                pending.is_empty() && meta.format == store::FORMAT,
                meta.schema == template.fingerprint(),
            );
            match current {
                (true, true) => destroy_at_once(&mut turn).await,
                _ => match update(turn, pending, meta.clone(), template).await {
                    Ok((back, updated)) => {
                        turn = back;
                        updated.map(|()| false)
                    }
                    Err(error) => {
                        fail(cell, Failed::store(Some(Step::Migrate), error), None, true);
                        return None;
                    }
                },
            }
        }
    };
    match ended {
        Ok(true) => {
            finish_destroying(turn).await;
            return None;
        }
        // What is overdue in the file is due, whatever the list says, and however the rest of the start ends.
        Ok(false) => turn.reconcile(&meta),
        Err(failed) => {
            close(turn, false).await;
            fail(cell, failed, None, true);
            return None;
        }
    }
    match load(turn).await {
        Ok((turn, Ok(actor))) => Some(Started {
            actor,
            turn,
            first: None,
            start,
        }),
        Ok((turn, Err(failed))) => {
            close(turn, false).await;
            fail(cell, failed, None, true);
            None
        }
        Err(error) => {
            fail(cell, Failed::store(Some(Step::Migrate), error), None, true);
            None
        }
    }
}

/// Applies what is pending, and notes the new version.
async fn update<A: Handlers>(
    turn: Turn<A>,
    pending: &'static [store::Migration],
    meta: Meta,
    template: &Arc<Template>,
) -> Result<(Turn<A>, Result<(), Failed>), StoreError> {
    let template = Arc::clone(template);
    let (turn, migrated) = migrate(turn, pending, For::Waking(meta), template).await?;
    Ok((turn, migrated.map_err(Failed::migrating)))
}

/// Loads the state, then goes on as for a new actor. An error besides is that of a runtime that ends.
async fn load<A: Handlers>(mut turn: Turn<A>) -> Result<(Turn<A>, Result<A, Failed>), StoreError> {
    turn.enter("load state", false, A::OPTIONS.timeouts.create_vars);
    // INVARIANT 2: the state of an older version is written in the transaction that commits when the actor is ready.
    let state = match saved::load::<A>(turn.database()) {
        Ok(Saved::Current(state)) => Ok(state),
        Ok(Saved::Other(saved)) => {
            let (back, migrated) = migrate_state(turn, saved).await?;
            turn = back;
            migrated
        }
        Err(failed) => Err(failed),
    };
    let loaded = match state {
        Ok(state) => {
            turn.set_state(state);
            load_created(&mut turn).await
        }
        Err((hook, cause)) => Err(Failed {
            // Where the file could not be read at all, no step of the user's is to blame.
            step: (!matches!(cause, StartCause::Store(_))).then_some(Step::Migrate),
            hook,
            cause,
        }),
    };
    Ok((turn, loaded))
}

/// Runs what runs on each start, and makes the actor.
pub(super) async fn load_created<A: Handlers>(turn: &mut Turn<A>) -> Result<A, Failed> {
    let vars = match (A::HOOKS.create_vars, memory::unit()) {
        (None, Some(nothing)) => nothing,
        _ => create_vars(turn).await?,
    };
    let mut actor = A::__assemble(State::new(turn.take_state()), vars);
    if let Err(failed) = make_ready(&mut actor, turn).await {
        discard(turn.cell(), actor);
        return Err(failed);
    }
    Ok(actor)
}

/// Runs the hooks of each start that have the actor, and commits what they did.
async fn make_ready<A: Handlers>(actor: &mut A, turn: &mut Turn<A>) -> Result<(), Failed> {
    let hooks = [
        (Step::OnWake, A::HOOKS.on_wake),
        (Step::OnBeforeStart, A::HOOKS.on_before_start),
    ];
    for (step, hooks) in hooks {
        for hook in hooks {
            run_hook(actor, turn, step, hook)
                .await
                .map_err(|fault| Failed::hook(step, hook, fault))?;
        }
    }
    state_changed(actor, turn)
        .map_err(|(hook, fault)| Failed::hook(Step::OnStateChange, hook, fault))?;
    commit(actor, turn)
        .await
        .map_err(|why| Failed::uncommitted(Step::OnBeforeStart, why))
}

/// Runs the hook that makes the vars, or makes their default.
async fn create_vars<A: Handlers>(turn: &mut Turn<A>) -> Result<A::Vars, Failed> {
    let hook = A::HOOKS.create_vars.unwrap_or(DEFAULT_HOOK);
    let (mut running, limit) = enter(turn, Step::CreateVars, &hook);
    let mut cx = Context::new(turn);
    let create = A::__create_vars(&mut cx);
    let created = match A::HOOKS.create_vars {
        Some(_) => {
            let code = trace::hook(Step::CreateVars, hook.name).around(create);
            limited(&mut running, limit, code).await
        }
        None => limited_now(&mut running, limit, || memory::at_once(create)),
    };
    turn.settle(created, limit)
        .await
        .map_err(|fault| Failed::hook(Step::CreateVars, &hook, fault))
}

/// Runs one hook of an actor that has a `self`. Nothing is committed or rolled back here.
pub(super) async fn run_hook<A: Handlers>(
    actor: &mut A,
    turn: &mut Turn<A>,
    step: Step,
    hook: &'static Hook,
) -> Result<(), Fault> {
    let (mut running, limit) = enter(turn, step, hook);
    let mut cx = Context::new(turn);
    let code = trace::hook(step, hook.name).around(actor.__hook(step, hook.id, &mut cx));
    let ran = limited(&mut running, limit, code).await;
    turn.settle(ran, limit).await
}

/// Stands for the hook that an actor does not have.
pub(super) const DEFAULT_HOOK: Hook = Hook {
    id: 0,
    name: "Default::default",
    timeout: None,
    is_async: false,
};

/// Says which hook runs from now on, and returns how long it may.
pub(super) fn enter<A: Handlers>(
    turn: &mut Turn<A>,
    step: Step,
    hook: &Hook,
) -> (Running, std::time::Duration) {
    let limit = hook.timeout.unwrap_or(A::OPTIONS.timeouts.of(step));
    (turn.enter(hook.name, false, limit), limit)
}
