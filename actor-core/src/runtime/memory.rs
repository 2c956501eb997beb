//! Actors without a database: those that have neither `#[migrate]` nor `#[state]`. They are in memory, and nowhere else.

use std::any::Any;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::actor::Handlers;
use crate::error::CallError;
use crate::hooks::Hooks;
use crate::observe::metrics::Start;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::creation::{create_hooks, creator};
use crate::runtime::failed::fail;
use crate::runtime::mail::{Ending, Mail, Next, answer};
use crate::runtime::preamble::{Started, load_created};
use crate::runtime::turn::Turn;

/// Starts an actor that has no database. One that crashed is there still, so it starts as one that wakes.
pub(super) async fn start<A: Handlers>(cell: &Arc<Cell<A>>, restart: bool) -> Option<Started<A>> {
    if restart {
        let mut turn = Turn::in_memory(Arc::clone(cell));
        turn.set_state(unit().expect("an actor without a state has `()`"));
        return come_up(turn, None, Start::Restart).await.ok();
    }
    while cell.mailbox().due() == Some(Ending::Sleep) {
        if let Some(Next::Request(request)) = cell.mailbox().try_next() {
            answer(request.waiter, Ok(()));
        }
    }
    let (input, mail) = creator(cell)?;
    create(cell, &input, Some(mail)).await.ok()
}

/// Creates an actor that has no database, for the mail that is the first that it handles.
pub(super) async fn create<A: Handlers>(
    cell: &Arc<Cell<A>>,
    input: &A::Input,
    first: Option<Mail<A>>,
) -> Result<Started<A>, CallError> {
    trace::note_kind(Start::New);
    let mut turn = Turn::in_memory(Arc::clone(cell));
    match create_hooks(&mut turn, input).await {
        Ok(()) => come_up(turn, first, Start::New).await,
        Err(failed) => Err(fail(cell, failed, first, false)),
    }
}

/// Runs what runs on each start.
async fn come_up<A: Handlers>(
    mut turn: Turn<A>,
    first: Option<Mail<A>>,
    start: Start,
) -> Result<Started<A>, CallError> {
    match load_created(&mut turn).await {
        Ok(actor) => Ok(Started {
            actor,
            turn,
            first,
            start,
        }),
        Err(failed) => Err(fail(turn.cell(), failed, first, true)),
    }
}

/// Returns what a call creates an actor with whose handle says nothing: such an actor needs no input to be there.
pub(super) fn input<A: Handlers>() -> Option<Arc<A::Input>> {
    if A::__STORED {
        return None;
    }
    unit().map(Arc::new)
}

/// Returns the `()` of a type that is `()`: there is nothing to make.
pub(super) fn unit<T: 'static>() -> Option<T> {
    let mut nothing = Some(());
    let nothing: &mut dyn Any = &mut nothing;
    nothing.downcast_mut::<Option<T>>()?.take()
}

/// Returns whether no hook of a start may wait.
pub(super) fn starts_at_once(hooks: &Hooks) -> bool {
    let lists = [hooks.on_create, hooks.on_wake, hooks.on_before_start];
    let single = hooks.create_state.iter().chain(&hooks.create_vars);
    let mut all = lists.into_iter().flatten().chain(single);
    !all.any(|hook| hook.is_async)
}

/// Polls a future that waits for nothing.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("code that is not async waits for nothing"),
    }
}
