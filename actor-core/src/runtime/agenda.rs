//! [`Agenda`]: what an awake actor must be woken for, and who knows of it.
//!
//! # Invariants
//!
//! 1. The wake-up that the directory knows is never later than the earliest stored call in the actor's file: an earlier one
//!    is written to the directory before the commit that sets it, a later one after the commit that makes it so.
//! 2. A transaction that touches no stored call pays for one look at a flag.

use crate::actor::Handlers;
use crate::runtime::turn::Turn;
use crate::store::{Durability, StoreError, Ticket};

/// What an awake actor must be woken for.
#[derive(Default)]
pub(super) struct Agenda {
    /// Whether the running transaction may have changed a stored call.
    touched: bool,
    /// What the directory knows.
    known: Known,
}

/// What the directory knows of the next wake-up.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Known {
    /// It was not read yet.
    #[default]
    Unread,
    /// This.
    Due(Option<i64>),
}

impl Agenda {
    /// Notes that the running transaction may have changed a stored call, or that the scheduler waits for an answer.
    pub(super) fn touch(&mut self) {
        self.touched = true;
    }

    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }
}

impl<A: Handlers> Turn<A> {
    /// Commits what ran since the last commit or rollback.
    pub(super) fn commit(&mut self, durability: Durability) -> Result<Ticket, StoreError> {
        if !self.agenda.touched {
            return self.database().commit(durability);
        }
        let earliest = self.database().earliest()?;
        let known = self.known_to_directory()?;
        if let Some(due) = earliest
            && known.is_none_or(|known| due < known)
        {
            // INVARIANT 1: a failure here is one of the commit.
            self.write_to_directory(earliest)?;
        }
        let ticket = self.database().commit(durability)?;
        self.agenda.touched = false;
        self.committed(earliest);
        Ok(ticket)
    }

    /// Tells the directory and the scheduler what the file says, after a creation or a crash.
    pub(super) fn catch_up(&mut self) {
        let told = self.database().earliest().and_then(|earliest| {
            self.database().rollback()?;
            self.known_to_directory()?;
            Ok(earliest)
        });
        self.agenda.touched = false;
        match told {
            Ok(earliest) => self.committed(earliest),
            Err(error) => {
                // The scheduler asks again.
                let key = self.cell().key();
                tracing::warn!(actor = A::NAME, %key, %error, "the timers of an actor were not read");
            }
        }
    }

    /// Notes what is committed.
    fn committed(&mut self, earliest: Option<i64>) {
        if self.agenda.known != Known::Due(earliest)
            && let Err(error) = self.write_to_directory(earliest)
        {
            // It knows an earlier one, for which the actor wakes in vain.
            let key = self.cell().key();
            tracing::warn!(actor = A::NAME, %key, %error, "the directory was not written");
        }
        let cell = self.cell();
        let scheduler = cell.system().scheduler();
        scheduler.arm(A::NAME, cell.key().as_str(), earliest);
    }

    fn known_to_directory(&mut self) -> Result<Option<i64>, StoreError> {
        if let Known::Due(known) = self.agenda.known {
            return Ok(known);
        }
        let cell = self.cell();
        let directory = cell.system().store().directory();
        let known = directory.next_timer(A::NAME, cell.key().as_str())?;
        self.agenda.known = Known::Due(known);
        Ok(known)
    }

    fn write_to_directory(&mut self, due: Option<i64>) -> Result<(), StoreError> {
        let cell = self.cell();
        let directory = cell.system().store().directory();
        directory.set_next_timer(A::NAME, cell.key().as_str(), due)?;
        self.agenda.known = Known::Due(due);
        Ok(())
    }
}
