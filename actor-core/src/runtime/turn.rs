//! [`Turn`]: what the running hook or action of an actor works on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::actor::Handlers;
use crate::runtime::cell::Cell;
use crate::runtime::limited::Fault;
use crate::store::{self, Database, StoreError};

/// What the running hook or action of an actor works on: its database and, before there is a `self`, its state.
pub(crate) struct Turn<A: Handlers> {
    cell: Arc<Cell<A>>,
    /// Away only while [`offload`](Turn::offload) is waited for.
    database: Option<Database>,
    /// The state, from `#[create_state]` or from disk until it moves into `self`.
    state: Option<A::State>,
}

impl<A: Handlers> Turn<A> {
    pub(super) fn new(cell: Arc<Cell<A>>, database: Database) -> Self {
        Self {
            cell,
            database: Some(database),
            state: None,
        }
    }

    pub(crate) fn cell(&self) -> &Arc<Cell<A>> {
        &self.cell
    }

    pub(crate) fn database(&mut self) -> &mut Database {
        self.database.as_mut().expect(AWAY)
    }

    pub(super) fn into_database(self) -> Database {
        self.database.expect(AWAY)
    }

    /// Lets `work` have the database where it may wait for the disk.
    pub(super) async fn offload<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.database.take().expect(AWAY);
        let (database, result) = store::offload(database, work).await?;
        self.database = Some(database);
        Ok(result)
    }

    pub(crate) fn state(&self) -> &A::State {
        self.state.as_ref().expect(STATEFUL)
    }

    pub(crate) fn state_mut(&mut self) -> &mut A::State {
        self.state.as_mut().expect(STATEFUL)
    }

    pub(super) fn set_state(&mut self, state: A::State) {
        self.state = Some(state);
    }

    pub(super) fn take_state(&mut self) -> A::State {
        self.state.take().expect(STATEFUL)
    }

    /// Says who runs statements from now on, and until when.
    pub(super) fn enter(&mut self, name: &'static str, read_only: bool, limit: Duration) {
        let deadline = Instant::now().checked_add(limit);
        self.database().db().enter(name, read_only, deadline);
    }

    /// Sees through an error that only says that a statement was interrupted.
    pub(super) fn fault(&mut self, fault: Fault, limit: Duration) -> Fault {
        match fault {
            Fault::Failed(_) if self.database().db().was_interrupted() => Fault::TimedOut(limit),
            other => other,
        }
    }
}

/// Why the database is there.
const AWAY: &str = "the database is away only while the store works on it, and that is awaited";

/// Why the state is there.
const STATEFUL: &str = "the stage is reached with a state only";
