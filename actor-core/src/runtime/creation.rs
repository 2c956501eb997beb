//! The creation of an actor: from nothing to the commit from which on it exists.
//!
//! # Invariants
//!
//! 1. A new actor exists from one commit on, which holds its state, the rows of `#[create_state]` and `#[on_create]` and the mark.
//!    Before it nothing counts; a failure before it deletes the files.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::StartCause;
use crate::hooks::Step;
use crate::observe::metrics::Start;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::ending::close;
use crate::runtime::failed::{Failed, fail, not_found, reject};
use crate::runtime::guarded::guarded;
use crate::runtime::limited::{limited, limited_now};
use crate::runtime::mail::{Ending, Extra, Mail, Next, answer};
use crate::runtime::memory;
use crate::runtime::migrate::{For, migrate};
use crate::runtime::preamble::{DEFAULT_HOOK, Started, enter, load_created};
use crate::runtime::turn::Turn;
use crate::store::{self, StoreError, Template};

/// Answers what waits for an actor that does not exist, up to the first mail that may create it.
pub(super) fn creator<A: Handlers>(cell: &Cell<A>) -> Option<(Arc<A::Input>, Mail<A>)> {
    while let Some(next) = cell.mailbox().try_next() {
        match next {
            Next::Request(request) => {
                let result = match request.ending {
                    Ending::Sleep => Ok(()),
                    Ending::Destroy => Err(not_found(cell)),
                    #[cfg(feature = "testing")]
                    Ending::Crash => Ok(()),
                };
                answer(request.waiter, result);
            }
            Next::Mail(Mail::Create { input, waiter }) => {
                return Some((Arc::clone(&input), Mail::Create { input, waiter }));
            }
            Next::Mail(Mail::Action {
                message,
                reply,
                chain,
                mut extra,
            }) if has_input(extra.as_deref()) || memory::input::<A>().is_some() => {
                let input = extra.as_mut().and_then(|extra| extra.input.take());
                let input = input.or_else(memory::input::<A>)?;
                let mail = Mail::Action {
                    message,
                    reply,
                    chain,
                    extra,
                };
                return Some((input, mail));
            }
            Next::Mail(Mail::Work(work)) => match work.input() {
                Some(input) => return Some((input, Mail::Work(work))),
                None => work.reject(not_found(cell)),
            },
            Next::Mail(mail) => reject(cell, mail, &not_found(cell)),
        }
    }
    None
}

/// Returns whether a call says what its actor is created with.
fn has_input<A: Handlers>(extra: Option<&Extra<A>>) -> bool {
    extra.is_some_and(|extra| extra.input.is_some())
}

/// Creates the actor and brings it to the point where it takes calls.
pub(super) async fn create<A: Handlers>(
    cell: &Arc<Cell<A>>,
    input: Arc<A::Input>,
    mail: Mail<A>,
    template: Arc<Template>,
) -> Option<Started<A>> {
    let database = match store::create(&cell.paths(), &template, cell.backing()) {
        Ok(database) => database,
        Err(error) => {
            fail(cell, Failed::store(None, error), Some(mail), false);
            return None;
        }
    };
    let turn = Turn::new(Arc::clone(cell), database);
    let (mut turn, migrated) = match replay(turn, &template).await {
        Ok(replayed) => replayed,
        Err(error) => {
            fail(
                cell,
                Failed::store(Some(Step::Migrate), error),
                Some(mail),
                false,
            );
            return None;
        }
    };
    let created = match migrated {
        Ok(()) => bring_up(&mut turn, &input, &template).await,
        Err(failed) => Err(failed),
    };
    match created {
        Ok(()) => {
            if turn.agenda.is_touched() {
                turn.catch_up();
            }
        }
        Err(failed) => {
            // INVARIANT 1: it has no mark, so it does not count; the files are only litter.
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
            start: Start::New,
        }),
        Err(failed) => {
            close(turn, false).await;
            fail(cell, failed, Some(mail), true);
            None
        }
    }
}

/// Applies the migrations to a new actor whose image cannot have them all. An error besides is that of a runtime that ends.
async fn replay<A: Handlers>(
    turn: Turn<A>,
    template: &Arc<Template>,
) -> Result<(Turn<A>, Result<(), Failed>), StoreError> {
    if !template.replays() {
        return Ok((turn, Ok(())));
    }
    let template = Arc::clone(template);
    let (turn, migrated) = migrate(turn, A::MIGRATIONS.list(), For::New, template).await?;
    Ok((turn, migrated.map_err(Failed::migrating)))
}

/// Everything of a creation up to its commit, behind its migrations.
async fn bring_up<A: Handlers>(
    turn: &mut Turn<A>,
    input: &A::Input,
    template: &Arc<Template>,
) -> Result<(), Failed> {
    create_hooks(turn, input).await?;
    mark(turn, template).await
}

/// Runs the hooks that run for a new actor only.
pub(super) async fn create_hooks<A: Handlers>(
    turn: &mut Turn<A>,
    input: &A::Input,
) -> Result<(), Failed> {
    let state = match (A::HOOKS.create_state, memory::unit()) {
        (None, Some(nothing)) => nothing,
        _ => create_state(turn, input).await?,
    };
    turn.set_state(state);
    for hook in A::HOOKS.on_create {
        let (mut running, limit) = enter(turn, Step::OnCreate, hook);
        let mut cx = Context::new(turn);
        let traced = trace::hook(Step::OnCreate, hook.name);
        let code = traced.around(A::__on_create(hook.id, &mut cx));
        let created = limited(&mut running, limit, code).await;
        turn.settle(created, limit)
            .await
            .map_err(|fault| Failed::hook(Step::OnCreate, hook, fault))?;
    }
    Ok(())
}

/// Runs the hook that makes the state, or makes its default.
async fn create_state<A: Handlers>(
    turn: &mut Turn<A>,
    input: &A::Input,
) -> Result<A::State, Failed> {
    let hook = A::HOOKS.create_state.unwrap_or(DEFAULT_HOOK);
    let (mut running, limit) = enter(turn, Step::CreateState, &hook);
    let mut cx = Context::new(turn);
    // The user's `Clone` is the user's code too.
    let create = async { A::__create_state(&mut cx, input.clone()).await };
    let created = match A::HOOKS.create_state {
        Some(_) => {
            let code = trace::hook(Step::CreateState, hook.name).around(create);
            limited(&mut running, limit, code).await
        }
        None => limited_now(&mut running, limit, || memory::at_once(create)),
    };
    turn.settle(created, limit)
        .await
        .map_err(|fault| Failed::hook(Step::CreateState, &hook, fault))
}

/// Writes the state and the mark, and commits the creation.
async fn mark<A: Handlers>(turn: &mut Turn<A>, template: &Template) -> Result<(), Failed> {
    let at_create = |error| Failed::store(Some(Step::OnCreate), error);
    let fingerprint = template.fingerprint().to_owned();
    let cell = Arc::clone(turn.cell());
    let state = turn.take_state();
    let durability = cell.durability();
    let calls = turn.agenda.is_touched();
    let database = turn.database();
    let text = guarded(|| database.state_text(&state, A::__same_state));
    let text = text.map_err(|panic| Failed::at(Step::OnCreate, StartCause::Panicked(panic)))?;
    let committed = text
        .and_then(|text| database.write_state(A::__STATE_VERSION, &text))
        .and_then(|()| {
            let due = if calls {
                database.earliest(0)?.any()
            } else {
                None
            };
            let schema = (&*fingerprint, A::MIGRATIONS.newest());
            database.mark_created(A::NAME, cell.key().as_str(), schema, due)?;
            let traced = trace::commit(A::NAME, cell.key(), None);
            traced.enter(|| database.commit(durability))
        });
    cell.metrics().committed(committed.is_ok());
    turn.set_state(state);
    let ticket = committed.map_err(at_create)?;
    turn.settled(ticket).await.map_err(at_create)
}
