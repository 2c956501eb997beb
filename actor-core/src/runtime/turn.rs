//! [`Turn`]: what the running hook or action of an actor works on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::actor::Handlers;
use crate::away;
use crate::runtime::agenda::Agenda;
use crate::runtime::cell::Cell;
use crate::runtime::chain::Place;
use crate::runtime::elsewhere;
use crate::runtime::events::Events;
use crate::runtime::guarded::dispose;
use crate::runtime::limited::{Fault, Running};
use crate::runtime::runs::Runs;
use crate::store::{Database, Db, StoreError, Ticket};

/// What the running hook or action of an actor works on: its database and, before there is a `self`, its state.
pub(crate) struct Turn<A: Handlers> {
    cell: Arc<Cell<A>>,
    /// Away while [`offload`](Turn::offload) is under way.
    database: Option<Box<Database>>,
    /// Brings the database back when whoever waited for the work was dropped.
    away: Option<oneshot::Receiver<Box<Database>>>,
    /// How long what was entered may take, until it runs its first statement.
    limit: Option<Duration>,
    /// The cell as a link in a chain of asks, while no code runs.
    place: Option<Arc<dyn Place>>,
    /// What the actor must be woken for.
    pub(super) agenda: Agenda,
    /// What was emitted and is not committed yet.
    pub(super) events: Events,
    /// What runs beside the actor.
    pub(super) runs: Runs,
    /// The state, from `#[create_state]` or from disk until it moves into `self`.
    state: Option<A::State>,
}

impl<A: Handlers> Turn<A> {
    pub(super) fn new(cell: Arc<Cell<A>>, database: Database) -> Self {
        Self {
            cell,
            database: Some(Box::new(database)),
            away: None,
            limit: None,
            place: None,
            agenda: Agenda::default(),
            events: None,
            runs: Runs::default(),
            state: None,
        }
    }

    /// Makes the turn of an actor that has no database.
    pub(super) fn in_memory(cell: Arc<Cell<A>>) -> Self {
        Self {
            cell,
            database: None,
            away: None,
            limit: None,
            place: None,
            agenda: Agenda::default(),
            events: None,
            runs: Runs::default(),
            state: None,
        }
    }

    pub(crate) fn cell(&self) -> &Arc<Cell<A>> {
        &self.cell
    }

    pub(crate) fn database(&mut self) -> &mut Database {
        self.database.as_mut().expect(AWAY)
    }

    /// Returns the database, if the actor has one.
    pub(super) fn stored(&mut self) -> Option<&mut Database> {
        if A::__STORED {
            return Some(self.database());
        }
        None
    }

    /// Notes that the running transaction may change a stored call.
    pub(crate) fn touch(&mut self) {
        self.agenda.touch();
    }

    /// Notes that the running transaction sends a message.
    pub(crate) fn touch_to_send(&mut self) {
        self.agenda.send();
    }

    pub(super) fn into_database(mut self) -> Database {
        // What a start that failed has made is the user's.
        dispose((self.state.take(), self.events.take()));
        *self.database.expect(AWAY)
    }

    /// Lets `work` have the database where it may wait for the disk.
    ///
    /// # Cancel safety
    ///
    /// The work goes on when the future is dropped; [`returned`](Turn::returned) waits for its end.
    pub(crate) async fn offload<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Database) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        if elsewhere::is_here() {
            return Ok(work(self.database()));
        }
        let mut database = self.database.take().expect(AWAY);
        let (give_back, away) = oneshot::channel();
        self.away = Some(away);
        let working = away::here().run(move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&mut database)));
            // Nobody takes it when the whole runtime ends; then it is closed here.
            let _ = give_back.send(database);
            result
        });
        let worked = working.await;
        self.returned().await?;
        match worked {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(error) => Err(StoreError::Interrupted {
                message: error.to_string(),
            }),
        }
    }

    /// Waits until the database is back, if work on it was given up.
    pub(super) async fn returned(&mut self) -> Result<(), StoreError> {
        let Some(away) = &mut self.away else {
            return Ok(());
        };
        let database = away.await.map_err(|_| StoreError::Interrupted {
            message: "the runtime ended".to_owned(),
        })?;
        self.database = Some(database);
        self.away = None;
        Ok(())
    }

    /// Waits until a ticket is durable.
    pub(super) async fn durable(&mut self, ticket: Ticket) -> Result<(), StoreError> {
        let volume = Arc::clone(self.database().volume());
        let durable = volume.log().wait(ticket).await;
        durable.map_err(|source| StoreError::Lost { source })
    }

    /// Waits until all that is committed so far is durable.
    pub(crate) async fn all_durable(&mut self) -> Result<(), StoreError> {
        let Some(database) = self.stored() else {
            return Ok(());
        };
        let ticket = database.so_far()?;
        self.durable(ticket).await
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

    /// Says who runs statements from now on, and for how long.
    pub(super) fn enter(
        &mut self,
        name: &'static str,
        read_only: bool,
        limit: Duration,
    ) -> Running {
        if let Some(database) = self.stored() {
            database.db().enter(name, read_only, None);
            self.limit = Some(limit);
        }
        Running {
            asks_as: Some(self.place()),
            actor: A::NAME,
            name,
        }
    }

    /// Says who runs statements from now on, as a part of what was entered last, and for how long.
    pub(super) fn go_on(&mut self, name: &'static str, limit: Duration) -> Running {
        if let Some(database) = self.stored() {
            database.db().go_on(name);
            self.limit = Some(limit);
        }
        Running {
            asks_as: Some(self.place()),
            actor: A::NAME,
            name,
        }
    }

    /// Returns the cell as a link in a chain of asks.
    fn place(&mut self) -> Arc<dyn Place> {
        self.place.take().unwrap_or_else(|| self.cell.place())
    }

    /// Ends what was entered. It is not wrong to leave it out: the next one is only slower.
    pub(super) fn leave(&mut self, running: Running) {
        self.place = running.asks_as;
    }

    /// Returns the connection, for the code that was entered. Its time for statements begins with the first of them: code that
    /// runs none looks at no clock.
    pub(crate) fn db(&mut self) -> &mut Db {
        let limit = self.limit.take();
        let db = self.database().db();
        if let Some(limit) = limit {
            db.set_deadline(Instant::now().checked_add(limit));
        }
        db
    }

    /// Puts the turn right after code that ended, however it did: the database is back, and an error that only says that a
    /// statement was interrupted is told as what it is.
    pub(super) async fn settle<T>(
        &mut self,
        outcome: Result<T, Fault>,
        limit: Duration,
    ) -> Result<T, Fault> {
        // Code may give up work that it had offloaded, and end well all the same.
        if let Err(error) = self.returned().await {
            return Err(Fault::Failed(error.into()));
        }
        self.settle_now(outcome, limit)
    }

    /// Puts the turn right after code that did not wait.
    pub(super) fn settle_now<T>(
        &mut self,
        outcome: Result<T, Fault>,
        limit: Duration,
    ) -> Result<T, Fault> {
        if !A::__STORED {
            return outcome;
        }
        self.limit = None;
        match outcome {
            // A `Failure` may be dropped anywhere.
            Err(Fault::Failed(_)) if self.database().db().was_interrupted() => {
                Err(Fault::TimedOut(limit))
            }
            other => other,
        }
    }
}

/// Why the database is there.
const AWAY: &str = "the database is away only while the store works on it, and that is awaited";

/// Why the state is there.
const STATEFUL: &str = "the stage is reached with a state only";
