//! `#[on_state_change]`: what runs behind a change of the state, as a part of what changed it.
//!
//! # Invariants
//!
//! 1. No change of the state commits behind which it has not run, but the making of the state and its steps from an older version.
//! 2. What it changes itself does not run it again, and is undone to the same value as what was changed before.

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::CallError;
use crate::hooks::{Hook, Step};
use crate::observe::trace;
use crate::runtime::guarded::discard;
use crate::runtime::instance::Instance;
use crate::runtime::limited::{Fault, limited_now};
use crate::runtime::turn::Turn;
use crate::state::State;

/// The hook that runs behind a change, and how it failed.
pub(super) type Refused = (&'static Hook, Fault);

/// Runs the hook if the state changed since it was written the last time. Nothing is committed or undone here.
pub(super) fn state_changed<A: Handlers>(actor: &mut A, turn: &mut Turn<A>) -> Result<(), Refused> {
    // Most actors have none: for them all of this is nothing.
    let Some(hook) = A::HOOKS.on_state_change.as_ref() else {
        return Ok(());
    };
    let Some(before) = actor.__state().and_then(State::take_before) else {
        return Ok(());
    };
    let limit = hook.timeout.unwrap_or(A::OPTIONS.timeouts.on_state_change);
    let mut running = turn.go_on(hook.name, limit);
    let mut cx = Context::new(turn);
    let traced = trace::hook(Step::OnStateChange, hook.name);
    let code = || actor.__state_changed(&mut cx, &before);
    let ran = traced.enter(|| limited_now(&mut running, limit, code));
    turn.leave(running);
    // INVARIANT 2
    if let Some(state) = actor.__state() {
        let between = state.give_before(before);
        discard(turn.cell(), between);
    }
    turn.settle_now(ran, limit).map_err(|fault| (hook, fault))
}

impl<A: Handlers> Instance<A> {
    /// Runs the hook behind an action that was well.
    pub(super) fn state_changed(&mut self) -> Result<(), CallError> {
        let changed = state_changed(&mut self.actor, &mut self.turn);
        changed.map_err(|(hook, fault)| self.call_error(hook.name, fault))
    }
}
