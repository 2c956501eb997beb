//! The preamble: the ordered start-up of an actor, up to the moment in which it takes its first call.
//!
//! # Invariants
//!
//! 1. No code of the user's runs before the schema is current.
//! 2. A new actor exists from one commit on, which holds its state, the rows of `#[create_state]` and `#[on_create]` and the mark.
//!    Before it nothing counts; a failure before it deletes the files.
//! 3. What `#[create_vars]`, `#[on_wake]` and `#[on_before_start]` write commits together, when the actor is ready.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::{CallError, StartCause, StartError};
use crate::hooks::{Hook, Step};
use crate::runtime::cell::Cell;
use crate::runtime::limited::{Fault, Running, limited};
use crate::runtime::mailbox::{Ending, Mail, Next, answer};
use crate::runtime::migrate::{For, migrate};
use crate::runtime::saved;
use crate::runtime::turn::Turn;
use crate::state::State;
use crate::store::{self, Meta, Opened, StoreError, Template};

/// An actor that is ready to take its first call.
pub(super) struct Started<A: Handlers> {
    pub(super) actor: A,
    pub(super) turn: Turn<A>,
    /// The call for which a new actor was created; it is the first.
    pub(super) first: Option<Mail<A>>,
}

/// What went wrong, and where.
struct Failed {
    step: Option<Step>,
    hook: Option<&'static str>,
    cause: StartCause,
}

/// Starts the actor if anything that waits needs it, or if it crashed. Everything that waits is answered when it does not start.
pub(super) async fn start<A: Handlers>(cell: &Arc<Cell<A>>, restart: bool) -> Option<Started<A>> {
    // Who asked for a sleep while the last instance went to sleep has it.
    while cell.mailbox().due() == Some(Ending::Sleep) {
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
    let schema = (A::MIGRATIONS, Arc::clone(&template));
    match store::open(
        cell.paths(),
        A::NAME,
        cell.key().clone(),
        schema,
        cell.syncing(),
    )
    .await
    {
        Err(error) => {
            fail(cell, Failed::store(None, error), None, true);
            None
        }
        Ok(Some(opened)) => wake(cell, opened, &template).await,
        Ok(None) => {
            let (input, mail) = creator(cell)?;
            create(cell, input, mail, template).await
        }
    }
}

/// Answers what waits for an actor that does not exist, up to the first mail that may create it.
fn creator<A: Handlers>(cell: &Cell<A>) -> Option<(Arc<A::Input>, Mail<A>)> {
    while let Some(next) = cell.mailbox().try_next() {
        match next {
            Next::Request(request) => {
                let result = match request.ending {
                    Ending::Sleep => Ok(()),
                    Ending::Destroy => Err(not_found(cell)),
                };
                answer(request.waiter, result);
            }
            Next::Mail(Mail::Create { input, waiter }) => {
                return Some((Arc::clone(&input), Mail::Create { input, waiter }));
            }
            Next::Mail(Mail::Action {
                message,
                reply,
                input: Some(input),
                chain,
            }) => {
                let mail = Mail::Action {
                    message,
                    reply,
                    input: None,
                    chain,
                };
                return Some((input, mail));
            }
            Next::Mail(mail) => reject(cell, mail, &not_found(cell)),
        }
    }
    None
}

fn not_found<A: Handlers>(cell: &Cell<A>) -> CallError {
    CallError::NotFound {
        subject: cell.subject(),
    }
}

/// Answers mail that is not handled.
pub(super) fn reject<A: Handlers>(cell: &Cell<A>, mail: Mail<A>, error: &CallError) {
    match mail {
        Mail::Action {
            reply: Some(slot), ..
        } => cell.mailbox().complete(slot, Err(error.clone())),
        Mail::Action { message, .. } => {
            let (actor, key) = (A::NAME, cell.key());
            let action = A::__action(&message).name;
            tracing::error!(actor, %key, action, %error, "a call that was told could not be handled");
        }
        Mail::Create { waiter, .. } => answer(Some(waiter), Err(error.clone())),
    }
}

/// Brings an actor that exists to the point where it takes calls.
async fn wake<A: Handlers>(
    cell: &Arc<Cell<A>>,
    opened: Opened,
    template: &Template,
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
            let current = (pending.is_empty(), meta.schema == template.fingerprint());
            match current {
                (true, true) => destroy_at_once(&mut turn).await,
                _ => update(&mut turn, pending, &meta, template)
                    .await
                    .map(|()| false),
            }
        }
    };
    match ended {
        Ok(true) => {
            finish_destroying(turn).await;
            return None;
        }
        Ok(false) => {}
        Err(failed) => {
            close(turn).await;
            fail(cell, failed, None, true);
            return None;
        }
    }
    match load(&mut turn).await {
        Ok(actor) => Some(Started {
            actor,
            turn,
            first: None,
        }),
        Err(failed) => {
            close(turn).await;
            fail(cell, failed, None, true);
            None
        }
    }
}

/// Destroys an actor that has no hook for it, if that is what comes first. Returns whether it did.
async fn destroy_at_once<A: Handlers>(turn: &mut Turn<A>) -> Result<bool, Failed> {
    let first = turn.cell().mailbox().due();
    if first != Some(Ending::Destroy) || !A::HOOKS.on_destroy.is_empty() {
        return Ok(false);
    }
    let durability = turn.cell().durability();
    let at_destroy = |error| Failed::store(Some(Step::OnDestroy), error);
    turn.database().mark_destroyed().map_err(at_destroy)?;
    let committed = turn.database().commit(durability);
    turn.durable(committed.map_err(at_destroy)?)
        .await
        .map_err(at_destroy)?;
    Ok(true)
}

/// Deletes the files of an actor that does not count any more, and answers who asked for it.
async fn finish_destroying<A: Handlers>(turn: Turn<A>) {
    let cell = Arc::clone(turn.cell());
    let result = remove(turn).await;
    if let Some(Next::Request(request)) = cell.mailbox().try_next() {
        answer(request.waiter, result);
    }
}

/// Deletes the files and the row of an actor that does not count any more.
pub(super) async fn remove<A: Handlers>(turn: Turn<A>) -> Result<(), CallError> {
    let cell = Arc::clone(turn.cell());
    let deleted = store::delete(turn.into_database()).await;
    let forgotten = cell
        .system()
        .store()
        .directory()
        .forget(A::NAME, cell.key().as_str());
    deleted.and(forgotten).map_err(|error| CallError::Store {
        subject: cell.subject(),
        name: Step::OnDestroy.name(),
        source: Arc::new(error),
    })
}

/// Applies what is pending, and notes the new version.
async fn update<A: Handlers>(
    turn: &mut Turn<A>,
    pending: &'static [store::Migration],
    meta: &Meta,
    template: &Template,
) -> Result<(), Failed> {
    let target = For::Waking(meta, template.fingerprint());
    migrate(turn, pending, target)
        .await
        .map_err(|(hook, cause)| Failed {
            step: Some(Step::Migrate),
            hook,
            cause,
        })?;
    note(turn.cell(), meta);
    Ok(())
}

/// Writes the directory's row. It can be made anew from the actor's file, so that its failure is not the actor's.
fn note<A: Handlers>(cell: &Cell<A>, meta: &Meta) {
    let directory = cell.system().store().directory();
    if let Err(error) = directory.note(meta, A::MIGRATIONS.newest()) {
        tracing::warn!(actor = A::NAME, key = %cell.key(), %error, "the directory was not written");
    }
}

/// Creates the actor and brings it to the point where it takes calls.
async fn create<A: Handlers>(
    cell: &Arc<Cell<A>>,
    input: Arc<A::Input>,
    mail: Mail<A>,
    template: Arc<Template>,
) -> Option<Started<A>> {
    let database = match store::create(cell.paths(), Arc::clone(&template), cell.syncing()).await {
        Ok(database) => database,
        Err(error) => {
            fail(cell, Failed::store(None, error), Some(mail), false);
            return None;
        }
    };
    let mut turn = Turn::new(Arc::clone(cell), database);
    match bring_up(&mut turn, &input, &template).await {
        Ok(meta) => note(cell, &meta),
        Err(failed) => {
            // INVARIANT 2: it has no mark, so it does not count; the files are only litter.
            if let Err(error) = store::delete(turn.into_database()).await {
                tracing::warn!(actor = A::NAME, key = %cell.key(), %error, "files of an actor that was not created remain");
            }
            fail(cell, failed, Some(mail), false);
            return None;
        }
    }
    match load_created(&mut turn).await {
        Ok(actor) => Some(Started {
            actor,
            turn,
            first: Some(mail),
        }),
        Err(failed) => {
            close(turn).await;
            fail(cell, failed, Some(mail), true);
            None
        }
    }
}

/// Everything of a creation up to its commit.
async fn bring_up<A: Handlers>(
    turn: &mut Turn<A>,
    input: &A::Input,
    template: &Template,
) -> Result<Meta, Failed> {
    if template.replays() {
        migrate(turn, A::MIGRATIONS.list(), For::New)
            .await
            .map_err(|(hook, cause)| Failed {
                step: Some(Step::Migrate),
                hook,
                cause,
            })?;
    }
    let hook = A::HOOKS.create_state.unwrap_or(DEFAULT_HOOK);
    let (running, limit) = enter(turn, Step::CreateState, &hook);
    let mut cx = Context::new(turn);
    let created = limited(&running, limit, A::__create_state(&mut cx, input.clone())).await;
    let state = match created {
        Ok(state) => state,
        Err(fault) => return Err(hook_failed(turn, Step::CreateState, &hook, fault, limit).await),
    };
    turn.set_state(state);
    for hook in A::HOOKS.on_create {
        let (running, limit) = enter(turn, Step::OnCreate, hook);
        let mut cx = Context::new(turn);
        let created = limited(&running, limit, A::__on_create(hook.id, &mut cx)).await;
        if let Err(fault) = created {
            return Err(hook_failed(turn, Step::OnCreate, hook, fault, limit).await);
        }
    }
    let at_create = |error| Failed::store(Some(Step::OnCreate), error);
    let fingerprint = template.fingerprint().to_owned();
    let cell = Arc::clone(turn.cell());
    let state = turn.take_state();
    let durability = cell.durability();
    // The commit waits for the disk.
    let (state, committed) = turn
        .offload(move |database| {
            let written = database
                .state_text(&state)
                .and_then(|text| database.write_state(A::__STATE_VERSION, &text));
            let committed = written.and_then(|()| {
                let meta = database.mark_created(A::NAME, cell.key().as_str(), &fingerprint)?;
                Ok((meta, database.commit(durability)?))
            });
            (state, committed)
        })
        .await
        .map_err(at_create)?;
    turn.set_state(state);
    let (meta, ticket) = committed.map_err(at_create)?;
    turn.durable(ticket).await.map_err(at_create)?;
    Ok(meta)
}

/// Loads the state, then goes on as for a new actor.
async fn load<A: Handlers>(turn: &mut Turn<A>) -> Result<A, Failed> {
    turn.enter("load state", false, A::OPTIONS.timeouts.create_vars);
    // INVARIANT 3: the state of an older version is written in the transaction that commits when the actor is ready.
    let state = saved::load::<A>(turn.database()).map_err(|(hook, cause)| Failed {
        // Where the file could not be read at all, no step of the user's is to blame.
        step: (!matches!(cause, StartCause::Store(_))).then_some(Step::Migrate),
        hook,
        cause,
    })?;
    turn.set_state(state);
    load_created(turn).await
}

/// Runs what runs on each start, and makes the actor.
async fn load_created<A: Handlers>(turn: &mut Turn<A>) -> Result<A, Failed> {
    let hook = A::HOOKS.create_vars.unwrap_or(DEFAULT_HOOK);
    let (running, limit) = enter(turn, Step::CreateVars, &hook);
    let mut cx = Context::new(turn);
    let created = limited(&running, limit, A::__create_vars(&mut cx)).await;
    let vars = match created {
        Ok(vars) => vars,
        Err(fault) => return Err(hook_failed(turn, Step::CreateVars, &hook, fault, limit).await),
    };
    let mut actor = A::__assemble(State::new(turn.take_state()), vars);
    let hooks = [
        (Step::OnWake, A::HOOKS.on_wake),
        (Step::OnBeforeStart, A::HOOKS.on_before_start),
    ];
    for (step, hooks) in hooks {
        for hook in hooks {
            run_hook(&mut actor, turn, step, hook)
                .await
                .map_err(|fault| Failed::hook(step, hook, fault))?;
        }
    }
    commit(&mut actor, turn)
        .await
        .map_err(|error| Failed::store(Some(Step::OnBeforeStart), error))?;
    Ok(actor)
}

/// Runs one hook of an actor that has a `self`. Nothing is committed or rolled back here.
pub(super) async fn run_hook<A: Handlers>(
    actor: &mut A,
    turn: &mut Turn<A>,
    step: Step,
    hook: &'static Hook,
) -> Result<(), Fault> {
    let (running, limit) = enter(turn, step, hook);
    let mut cx = Context::new(turn);
    let ran = limited(&running, limit, actor.__hook(step, hook.id, &mut cx)).await;
    match ran {
        Ok(()) => Ok(()),
        Err(fault) => Err(turn.fault(fault, limit).await),
    }
}

/// Commits what ran, with the state if it was changed, and waits until it is on disk.
pub(super) async fn commit<A: Handlers>(
    actor: &mut A,
    turn: &mut Turn<A>,
) -> Result<(), StoreError> {
    if let Some(state) = actor.__state()
        && let Some(changed) = state.changed()
    {
        let text = turn.database().state_text(changed)?;
        turn.database().write_state(A::__STATE_VERSION, &text)?;
    }
    let durability = turn.cell().durability();
    let ticket = turn.database().commit(durability)?;
    if let Some(state) = actor.__state() {
        state.keep();
    }
    turn.durable(ticket).await
}

/// Undoes what ran, in memory too.
pub(super) fn undo<A: Handlers>(actor: &mut A, turn: &mut Turn<A>) -> Result<(), StoreError> {
    if let Some(state) = actor.__state() {
        state.undo();
    }
    turn.database().rollback()
}

/// Closes the file.
pub(super) async fn close<A: Handlers>(mut turn: Turn<A>) {
    // What is held at the gate leaves before the log is gone; a failed sync has told everybody already.
    let _ = turn.all_durable().await;
    let cell = Arc::clone(turn.cell());
    if let Err(error) = store::close(turn.into_database()).await {
        tracing::error!(actor = A::NAME, key = %cell.key(), %error, "a database was not closed in order");
    }
}

/// Stands for the hook that an actor does not have.
const DEFAULT_HOOK: Hook = Hook {
    id: 0,
    name: "Default::default",
    timeout: None,
};

/// Says which hook runs from now on, and returns how long it may.
fn enter<A: Handlers>(
    turn: &mut Turn<A>,
    step: Step,
    hook: &Hook,
) -> (Running, std::time::Duration) {
    let limit = hook.timeout.unwrap_or(A::OPTIONS.timeouts.of(step));
    (turn.enter(hook.name, false, limit), limit)
}

async fn hook_failed<A: Handlers>(
    turn: &mut Turn<A>,
    step: Step,
    hook: &Hook,
    fault: Fault,
    limit: std::time::Duration,
) -> Failed {
    let fault = turn.fault(fault, limit).await;
    Failed::hook(step, hook, fault)
}

impl Failed {
    fn at(step: Step, cause: StartCause) -> Self {
        Self {
            step: Some(step),
            hook: None,
            cause,
        }
    }

    fn store(step: Option<Step>, error: StoreError) -> Self {
        Self {
            step,
            hook: None,
            cause: StartCause::Store(Arc::new(error)),
        }
    }

    fn hook(step: Step, hook: &Hook, fault: Fault) -> Self {
        let cause = match fault {
            Fault::Failed(failure) => StartCause::Failed(failure),
            Fault::Panicked(panic) => StartCause::Panicked(panic),
            Fault::TimedOut(limit) => StartCause::TimedOut(limit),
        };
        Self {
            step: Some(step),
            hook: Some(hook.name),
            cause,
        }
    }
}

/// Tells everybody who waits that the actor did not start.
fn fail<A: Handlers>(cell: &Arc<Cell<A>>, failed: Failed, first: Option<Mail<A>>, back_off: bool) {
    let error = Arc::new(StartError {
        subject: cell.subject(),
        step: failed.step,
        hook: failed.hook,
        cause: failed.cause,
    });
    tracing::error!(actor = A::NAME, key = %cell.key(), %error, "an actor did not start");
    if back_off {
        cell.back_off(&error);
    }
    let (mail, requests) = cell.mailbox().drain();
    let error = CallError::Start(error);
    for mail in first.into_iter().chain(mail) {
        reject(cell, mail, &error);
    }
    for request in requests {
        let result = match request.ending {
            Ending::Sleep => Ok(()),
            Ending::Destroy => Err(error.clone()),
        };
        answer(request.waiter, result);
    }
}
