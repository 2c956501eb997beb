//! [`Context`]: what a hook or an action has besides its `self`.

use std::fmt;
use std::marker::PhantomData;

use crate::actor::Handlers;
use crate::failure::Failure;
use crate::key::Key;
use crate::runtime::Turn;
use crate::stage::{Keyed, ReachedIn, Ready, Stage, Stateful};
use crate::store::{Db, StoreError};
use crate::system::System;

/// What a hook or an action has besides its `self`: the database, the key, the rest of the system.
///
/// `S` is the stage of the preamble, which decides what is there: [`Migrating`](crate::Migrating) has the database,
/// [`Migrated`](crate::Migrated) the key too, [`Stateful`] the state as well. Without a stage it is the context of a running actor, whose
/// state is in `self`.
pub struct Context<'a, A: Handlers, S: Stage = Ready> {
    turn: &'a mut Turn<A>,
    stage: PhantomData<fn() -> S>,
}

impl<'a, A: Handlers, S: Stage> Context<'a, A, S> {
    pub(crate) fn new(turn: &'a mut Turn<A>) -> Self {
        Self {
            turn,
            stage: PhantomData,
        }
    }

    /// Returns the actor's database, in the transaction of this hook or action.
    ///
    /// The transaction begins with the first statement. It commits when the hook or action returns `Ok`, and is rolled
    /// back when it returns `Err`, panics or runs out of time; an `#[on_sleep]` that returns `Err` keeps what it wrote. In an action that takes `&self` writing fails.
    ///
    /// The connection cannot be held across an `.await`; call this again behind it.
    pub fn db(&mut self) -> &mut Db {
        const {
            assert!(
                A::__STORED,
                "this actor has no database: it has neither `#[migrate]` nor `#[state]`"
            );
        }
        self.turn.db()
    }

    /// Runs a long query away from the workers of the runtime, in the transaction of this hook or action.
    ///
    /// A query that takes less than about 100 µs is faster on [`db`](Self::db). The actor handles no other call meanwhile. The
    /// limit of the hook or action holds: at its end the running statement is interrupted.
    ///
    /// # Errors
    ///
    /// What `work` returns; [`StoreError::Interrupted`](crate::StoreError::Interrupted) when the runtime ends.
    ///
    /// # Panics
    ///
    /// When `work` panics.
    ///
    /// # Cancel safety
    ///
    /// The work goes on to its end when the future is dropped, and the connection is there again then: a second `blocking` or
    /// [`db`](Self::db) in the same hook or action must not follow a dropped one.
    pub async fn blocking<T, E>(
        &mut self,
        work: impl FnOnce(&mut Db) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        // Its time for statements begins here.
        self.db();
        let worked = self
            .turn
            .offload(move |database| work(database.db()))
            .await?;
        worked.map_err(Into::into)
    }

    pub(crate) fn turn(&self) -> &Turn<A> {
        self.turn
    }

    pub(crate) fn turn_mut(&mut self) -> &mut Turn<A> {
        self.turn
    }

    #[doc(hidden)]
    pub fn stage<T: ReachedIn<S>>(&mut self) -> Context<'_, A, T> {
        Context::new(self.turn)
    }
}

impl<A: Handlers, S: Keyed> Context<'_, A, S> {
    /// Returns the key of this actor.
    #[must_use]
    pub fn key(&self) -> &Key {
        self.turn.cell().key()
    }

    /// Returns the system, to reach other actors.
    ///
    /// A call that is made here leaves at once; it is not undone with the action.
    #[must_use]
    pub fn system(&self) -> &System {
        self.turn.cell().system()
    }

    /// Returns a handle to this actor.
    ///
    /// An ask to oneself fails with [`CallError::Cycle`](crate::CallError::Cycle): the actor handles one call at a time. Use
    /// [`tell`](crate::Call::tell). `sleep` and `destroy` do not wait here: they take effect when this hook or action has ended.
    #[must_use]
    pub fn handle(&self) -> A::Handle {
        self.turn.cell().handle().into()
    }
}

impl<A: Handlers> Context<'_, A> {
    /// Waits until everything that this actor committed before this hook or action is on disk, for those who are about to tell the
    /// outside world of it. A reply waits by itself.
    ///
    /// What this action writes is not among it: it commits when the action ends.
    ///
    /// # Errors
    ///
    /// [`StoreError::Poisoned`](crate::StoreError::Poisoned) when a sync failed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn durable(&mut self) -> Result<(), StoreError> {
        self.turn.all_durable().await
    }
}

impl<A: Handlers> Context<'_, A, Stateful> {
    /// Returns the state that `#[create_state]` made, or that was loaded.
    ///
    /// # Panics
    ///
    /// Never: the stage is reached with a state only.
    #[must_use]
    pub fn state(&self) -> &A::State {
        self.turn.state()
    }

    /// Returns the state, to change it; what `#[on_create]` leaves is what is saved.
    pub fn state_mut(&mut self) -> &mut A::State {
        self.turn.state_mut()
    }
}

impl<A: Handlers, S: Stage> fmt::Debug for Context<'_, A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("actor", &A::NAME)
            .field("key", self.turn.cell().key())
            .finish_non_exhaustive()
    }
}
