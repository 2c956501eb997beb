//! The ends of a transaction, of an instance and of an actor.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::hooks::Step;
use crate::observe::trace;
use crate::runtime::agenda::Trust;
use crate::runtime::failed::{Failed, not_found};
use crate::runtime::guarded::{discard, guarded};
use crate::runtime::mail::{Ending, Next, answer};
use crate::runtime::observers::Until;
use crate::runtime::turn::Turn;
use crate::store::{self, Database, StoreError};
use crate::watch::Change;

/// Why nothing was committed.
pub(super) enum Uncommitted {
    /// The state's `Serialize` panicked.
    Panicked(String),
    Store(StoreError),
}

impl From<StoreError> for Uncommitted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Commits what ran, with the state if it was changed, and waits until it is on disk.
pub(super) async fn commit<A: Handlers>(
    actor: &mut A,
    turn: &mut Turn<A>,
) -> Result<(), Uncommitted> {
    if !A::__STORED {
        turn.keep_events();
        return Ok(());
    }
    if let Some(state) = actor.__state()
        && let Some(changed) = state.changed()
    {
        let text = guarded(|| turn.database().state_text(changed, A::__same_state));
        let text = text.map_err(Uncommitted::Panicked)??;
        turn.database().write_state(A::__STATE_VERSION, &text)?;
    }
    let durability = turn.cell().durability();
    let traced = trace::commit(A::NAME, turn.cell().key(), None);
    let committed = traced.enter(|| turn.commit(durability));
    turn.cell().metrics().committed(committed.is_ok());
    let ticket = committed?;
    if let Some(state) = actor.__state() {
        discard(turn.cell(), state.keep());
    }
    turn.settled(ticket).await.map_err(Into::into)
}

/// Undoes what ran, in memory too.
pub(super) fn undo<A: Handlers>(actor: &mut A, turn: &mut Turn<A>) -> Result<(), StoreError> {
    if let Some(state) = actor.__state() {
        discard(turn.cell(), state.undo());
    }
    drop(turn.take_events());
    turn.stored().map_or(Ok(()), Database::rollback)
}

/// Closes the file. After a crash it is asked what the actor must be woken for.
pub(super) async fn close<A: Handlers>(mut turn: Turn<A>, crashed: bool) {
    // What a start that failed has begun ends with it.
    turn.runs.drop_all().await;
    if !A::__STORED {
        return;
    }
    // What is held at the gate leaves before the log is gone; a failed sync has told everybody already.
    let durable = turn.all_durable().await;
    turn.hand_over(match durable {
        Ok(()) if crashed => Trust::File,
        Ok(()) => Trust::Memory,
        Err(_) => Trust::Nothing,
    });
    let cell = Arc::clone(turn.cell());
    if let Err(error) = store::close(turn.into_database()).await {
        tracing::error!(actor = A::NAME, key = %cell.key(), %error, "a database was not closed in order");
    }
}

/// Destroys an actor that has no hook for it, if that is what comes first. Returns whether it did.
pub(super) async fn destroy_at_once<A: Handlers>(turn: &mut Turn<A>) -> Result<bool, Failed> {
    let first = turn.cell().mailbox().due();
    if first != Some(Ending::Destroy) || !A::HOOKS.on_destroy.is_empty() {
        return Ok(false);
    }
    let durability = turn.cell().durability();
    let at_destroy = |error| Failed::store(Some(Step::OnDestroy), error);
    turn.tell_of_lost_messages();
    let cell = Arc::clone(turn.cell());
    let marked = turn.database().mark_destroyed(A::NAME, cell.key().as_str());
    marked.map_err(at_destroy)?;
    let committed = turn.database().commit(durability);
    turn.cell().metrics().committed(committed.is_ok());
    turn.durable(committed.map_err(at_destroy)?)
        .await
        .map_err(at_destroy)?;
    Ok(true)
}

/// Deletes the files of an actor that does not count any more, and answers who asked for it.
pub(super) async fn finish_destroying<A: Handlers>(turn: Turn<A>) {
    let cell = Arc::clone(turn.cell());
    let result = remove(turn).await;
    if let Some(Next::Request(request)) = cell.mailbox().try_next() {
        answer(request.waiter, result);
    }
}

/// Deletes what there is of an actor that does not count any more, and ends what it emits.
pub(super) async fn remove<A: Handlers>(turn: Turn<A>) -> Result<(), CallError> {
    let cell = Arc::clone(turn.cell());
    let removed = if A::__STORED {
        remove_files(turn).await
    } else {
        Ok(())
    };
    // Whoever takes the key next has not failed to start.
    cell.forget_refusal();
    cell.end_observers(Until::Destroyed);
    // What is created under the key later is another actor.
    let waiting = cell.system().waiting();
    waiting.end(&cell.subject(), &not_found(&cell));
    cell.tell_change(Change::Destroyed);
    removed
}

/// Deletes the files of an actor.
async fn remove_files<A: Handlers>(turn: Turn<A>) -> Result<(), CallError> {
    let cell = Arc::clone(turn.cell());
    let deleted = store::delete(turn.into_database()).await;
    cell.system()
        .scheduler()
        .arm(A::NAME, cell.key().as_str(), None);
    deleted.map_err(|error| CallError::Store {
        subject: cell.subject(),
        name: Step::OnDestroy.name(),
        source: Arc::new(error),
    })
}
