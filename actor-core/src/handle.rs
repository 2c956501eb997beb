//! [`ActorRef`]: what every typed handle can do.

use std::fmt;
use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::info::ActorInfo;
use crate::key::Key;
use crate::runtime::{Cell, Ending, Status};

/// A reference to one actor, by its key; the typed handles deref to it.
///
/// It is cheap to clone, does no I/O until a call, and stays valid when the actor sleeps, crashes, or is destroyed and
/// created again.
pub struct ActorRef<A: Handlers> {
    target: Target<A>,
    /// What the actor is created with, if the handle may create it.
    input: Option<Arc<A::Input>>,
}

/// What a handle points to.
enum Target<A: Handlers> {
    Cell(Arc<Cell<A>>),
    /// No actor can be there: a bad key, or a type that is not registered. Each call says so.
    Nowhere(Arc<CallError>),
}

impl<A: Handlers> ActorRef<A> {
    pub(crate) fn new(
        target: Result<Arc<Cell<A>>, CallError>,
        input: Option<Arc<A::Input>>,
    ) -> Self {
        let target = match target {
            Ok(cell) => Target::Cell(cell),
            Err(error) => Target::Nowhere(Arc::new(error)),
        };
        Self { target, input }
    }

    pub(crate) fn cell(&self) -> Result<&Arc<Cell<A>>, CallError> {
        match &self.target {
            Target::Cell(cell) => Ok(cell),
            Target::Nowhere(error) => Err((**error).clone()),
        }
    }

    pub(crate) fn input(&self) -> Option<&Arc<A::Input>> {
        self.input.as_ref()
    }

    /// Returns the key; `None` if what was given is not one.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match &self.target {
            Target::Cell(cell) => Some(cell.key()),
            Target::Nowhere(_) => None,
        }
    }

    /// Returns whether the actor is awake, asleep or between the two.
    ///
    /// An actor that does not exist is asleep.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.target {
            Target::Cell(cell) => cell.mailbox().status(),
            Target::Nowhere(_) => Status::Asleep,
        }
    }

    /// Returns what is known of the actor without asking it: what waits for it, how often it crashed, how its `#[run]` hooks are.
    ///
    /// It reads memory only, and does not wake the actor. Of an actor that nobody called there is nothing to tell.
    #[must_use]
    pub fn info(&self) -> ActorInfo {
        match &self.target {
            Target::Cell(cell) => cell.info(),
            Target::Nowhere(_) => ActorInfo {
                status: Status::Asleep,
                awake_since: None,
                next_try: None,
                waiting: 0,
                crashes: 0,
                last_crash: None,
                runs: Vec::new(),
            },
        }
    }

    /// Starts the actor, and waits until it answers calls. One that has failed, or did not start, tries at once, and what went
    /// wrong before does not count any more.
    ///
    /// Nothing happens when it is awake. The pause after a panic ends at once. A handle that may create the actor does.
    ///
    /// # Errors
    ///
    /// [`CallError::NotFound`] if it does not exist; [`CallError::Start`] if it does not start. [`CallError::Cycle`] in a hook for which
    /// the actor waits before it answers calls, its own or that of an actor that it asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the request back.
    pub async fn restart(&self) -> Result<(), CallError> {
        self.cell()?.restart(self.input.clone()).await
    }

    /// Puts the actor to sleep, after the calls that were sent before, and waits until its file is closed.
    ///
    /// Nothing happens when it is asleep or does not exist. A call that arrives meanwhile wakes it again.
    ///
    /// An actor may put itself to sleep: in its own hooks and actions, and in what runs beside it, this returns at once, and the
    /// actor sleeps when that code has ended, however it ends.
    ///
    /// # Errors
    ///
    /// A bad key, or a type that is not registered. An `#[on_sleep]` that fails is logged and does not keep the actor awake.
    /// [`CallError::Cycle`] if the actor waits for the one that calls this.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the request back.
    pub async fn sleep(&self) -> Result<(), CallError> {
        self.cell()?.end(Ending::Sleep).await
    }

    /// Destroys the actor, after the calls that were sent before: its data is gone and its key is free.
    ///
    /// A sleeping actor that has an `#[on_destroy]` is woken for it. The hooks and the end of the actor are one transaction.
    ///
    /// An actor may destroy itself: in its own hooks and actions, and in what runs beside it, this returns at once, and the actor
    /// is destroyed when that code has ended, however it ends. That an `#[on_destroy]` then fails is logged.
    ///
    /// # Errors
    ///
    /// [`CallError::NotFound`] if it does not exist; the error of an `#[on_destroy]` that fails, and then the actor lives on.
    /// [`CallError::Cycle`] if the actor waits for the one that calls this.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the request back.
    pub async fn destroy(&self) -> Result<(), CallError> {
        self.cell()?.end(Ending::Destroy).await
    }
}

impl<A: Handlers> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        let target = match &self.target {
            Target::Cell(cell) => Target::Cell(Arc::clone(cell)),
            Target::Nowhere(error) => Target::Nowhere(Arc::clone(error)),
        };
        Self {
            target,
            input: self.input.clone(),
        }
    }
}

impl<A: Handlers> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActorRef")
            .field("actor", &A::NAME)
            .field("key", &self.key())
            .field("status", &self.status())
            .finish()
    }
}
