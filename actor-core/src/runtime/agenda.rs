//! [`Agenda`]: what an awake actor must be woken for, and who knows of it.
//!
//! # Invariants
//!
//! 1. The wake-up that the directory knows is never later than the earliest stored call in the actor's file: an earlier one
//!    is a part of the commit that sets it, a later one is written some time after the commit that makes it so, at the latest when
//!    the instance ends in order.
//! 2. While the courier has work, the scheduler does not know of messages; when the instance ends it learns of them.
//! 3. A transaction that touches no stored call pays for one look at a flag.

use std::sync::Arc;

use diesel::sqlite::SqliteConnection;

use crate::actor::Handlers;
use crate::clock::duration_ms;
use crate::limits;
use crate::runtime::outbox::Courier;
use crate::runtime::turn::Turn;
use crate::store::{
    Change, Durability, Earliest, Meta, Row, StoreError, StoredKind, Ticket, calls,
};

/// What an awake actor must be woken for. One that stores no calls has none.
#[derive(Default)]
pub(super) struct Agenda(Option<Box<Plan>>);

/// What an actor that stores calls must be woken for.
#[derive(Default)]
struct Plan {
    /// Whether the running transaction may have changed a stored call.
    touched: bool,
    /// Whether the running transaction sends a message.
    sends: bool,
    /// Whether the scheduler waits for an answer, so that the directory is brought up to date.
    answers: bool,
    /// What is committed.
    earliest: Option<Earliest>,
    /// What the directory knows.
    known: Known,
    /// Delivers messages, once there was one.
    courier: Option<Courier>,
}

/// What is right about the next wake-up of an actor that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// What was committed last.
    Memory,
    /// What the file says: the instance crashed.
    File,
    /// A commit was lost, so that the next instance finds an earlier file.
    Nothing,
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
    /// Notes that the running transaction may have changed a stored call.
    pub(super) fn touch(&mut self) {
        self.plan().touched = true;
    }

    /// Notes that the scheduler waits to be told the next wake-up.
    pub(super) fn answer(&mut self) {
        self.plan().touched = true;
        self.plan().answers = true;
    }

    /// Notes that the running transaction sends a message.
    pub(super) fn send(&mut self) {
        self.plan().touched = true;
        self.plan().sends = true;
    }

    pub(super) fn is_touched(&self) -> bool {
        self.0.as_ref().is_some_and(|plan| plan.touched)
    }

    fn plan(&mut self) -> &mut Plan {
        self.0.get_or_insert_default()
    }
}

impl<A: Handlers> Turn<A> {
    /// Commits what ran since the last commit or rollback.
    pub(super) fn commit(&mut self, durability: Durability) -> Result<Ticket, StoreError> {
        if !self.agenda.is_touched() {
            return self.database().commit(durability);
        }
        let now = self.now();
        let earliest = self.database().earliest(now)?;
        let known = self.known_to_directory()?;
        let sooner = earliest
            .any()
            .filter(|due| known.is_none_or(|known| *due < known));
        if sooner.is_some() {
            // INVARIANT 1
            let key = self.cell().key().as_str().into();
            self.database()
                .change_list(Change::Due(A::NAME, key, sooner));
        }
        // DURABILITY: the receiver remembers the number of a message, so it must not be given again after a power cut.
        let durability = if self.agenda.plan().sends {
            Durability::Synced
        } else {
            durability
        };
        let ticket = self.database().commit(durability)?;
        self.agenda.plan().touched = false;
        self.agenda.plan().sends = false;
        if sooner.is_some() {
            self.agenda.plan().known = Known::Due(sooner);
        }
        self.committed(earliest);
        Ok(ticket)
    }

    /// Holds what the list says of an actor that wakes against its file, and mends the list: a call of the actor that it does not know
    /// would stay silent. A failure is not the start's.
    pub(super) fn reconcile(&mut self, meta: &Meta) {
        if let Err(error) = self.reconcile_with(meta) {
            let key = self.cell().key();
            tracing::warn!(actor = A::NAME, %key, %error, "the directory was not compared with an actor's file");
        }
    }

    fn reconcile_with(&mut self, meta: &Meta) -> Result<(), StoreError> {
        let due = self.database().first_due()?;
        let cell = Arc::clone(self.cell());
        let directory = cell.system().store().directory();
        let found = directory.find(A::NAME, cell.key().as_str())?;
        if let Some((instance, known)) = &found
            && *instance == meta.instance
            && *known == due
        {
            return Ok(());
        }
        let version = A::MIGRATIONS.newest();
        directory.write(&Change::Listed(Row::of(meta, version), due))?;
        self.agenda.plan().known = Known::Due(due);
        if found.is_none_or(|(instance, known)| {
            instance != meta.instance
                || due.is_some_and(|due| known.is_none_or(|known| due < known))
        }) {
            let key = cell.key();
            tracing::warn!(actor = A::NAME, %key, "the directory did not know what an actor's file says, and was mended");
        }
        self.catch_up();
        Ok(())
    }

    /// Tells the directory and the scheduler what the file says, after a creation.
    pub(super) fn catch_up(&mut self) {
        if let Some(earliest) = self.read_earliest() {
            self.agenda.plan().answers = true;
            self.committed(earliest);
        }
    }

    /// Tells the directory and the scheduler what the file says when the instance ends. What it delivers ends too.
    ///
    /// Where nothing is known the actor is woken in a while, to see for itself: at once it would be lost again on a disk that still
    /// fails, and so on without a pause.
    pub(super) fn hand_over(&mut self, trust: Trust) {
        if let Some(plan) = &mut self.agenda.0 {
            plan.courier = None;
        }
        let earliest = match trust {
            // No stored call was touched, so what the others know is right.
            Trust::Memory if self.agenda.0.is_none() => return,
            Trust::Memory => match self.agenda.plan().earliest {
                Some(earliest) => Some(earliest),
                None => return,
            },
            Trust::File => self.read_earliest(),
            Trust::Nothing => None,
        };
        let now = self.now();
        let (due, wake) = earliest.map_or(
            (Some(now), Some(now + duration_ms(limits::RETRY_DELAY_MIN))),
            |earliest| (earliest.any(), earliest.wake()),
        );
        self.bring_up_to_date(due);
        self.arm(wake);
    }

    /// Says so when the messages in the outbox end with the actor.
    pub(super) fn tell_of_lost_messages(&mut self) {
        let waiting =
            |connection: &mut SqliteConnection| calls::count(connection, StoredKind::Message);
        if !A::__STORED {
            return;
        }
        // A failure is one of the commit that follows.
        let lost = self.database().db().internal(waiting).unwrap_or(0);
        if lost > 0 {
            let key = self.cell().key();
            tracing::error!(actor = A::NAME, %key, lost, "an actor is destroyed with messages in its outbox");
        }
    }

    /// Reads what is committed; nothing may be open.
    fn read_earliest(&mut self) -> Option<Earliest> {
        let now = self.now();
        let read = self.database().earliest(now).and_then(|earliest| {
            self.database().rollback()?;
            self.known_to_directory()?;
            Ok(earliest)
        });
        self.agenda.plan().touched = false;
        self.agenda.plan().sends = false;
        read.map_err(|error| {
            // The scheduler asks again.
            let key = self.cell().key();
            tracing::warn!(actor = A::NAME, %key, %error, "the timers of an actor were not read");
        })
        .ok()
    }

    /// Notes what is committed.
    fn committed(&mut self, earliest: Earliest) {
        self.agenda.plan().earliest = Some(earliest);
        if std::mem::take(&mut self.agenda.plan().answers) {
            self.bring_up_to_date(earliest.any());
        }
        let (cell, now) = (Arc::clone(self.cell()), self.now());
        if earliest.queued.is_some_and(|due| due <= now) {
            let waiting = cell.system().waiting();
            waiting.notify(A::NAME, cell.key());
        }
        let mut wake = earliest;
        if earliest.message.is_some_and(|due| due <= now) {
            // What can leave now is the courier's, so that nobody is woken for it.
            Courier::rouse(&mut self.agenda.plan().courier, &cell);
            wake.message = None;
        }
        self.arm(wake.wake());
    }

    /// Lets the scheduler put the actor to sleep, if it has done what it `was_due` to do. One that delivers messages would only be woken
    /// again.
    pub(super) fn rest(&mut self, was_due: bool) {
        if !was_due {
            return;
        }
        let (earliest, now) = (self.agenda.plan().earliest, self.now());
        let message = earliest.and_then(|earliest| earliest.message);
        if message.is_none_or(|due| due > now) {
            let cell = self.cell();
            cell.system().scheduler().rested(cell.wake_place());
        }
    }

    fn now(&self) -> i64 {
        self.cell().system().clock().now_ms()
    }

    /// Tells the scheduler when the actor must be awake next.
    fn arm(&self, due: Option<i64>) {
        let cell = self.cell();
        let scheduler = cell.system().scheduler();
        scheduler.arm(A::NAME, cell.key().as_str(), due);
    }

    /// Tells the directory of a wake-up that is later than the one that it knows. That may wait: it is only woken in vain.
    fn bring_up_to_date(&mut self, due: Option<i64>) {
        if self.agenda.plan().known != Known::Due(due)
            && let Err(error) = self.write_to_directory(due)
        {
            let key = self.cell().key();
            tracing::warn!(actor = A::NAME, %key, %error, "the directory was not written");
        }
    }

    fn known_to_directory(&mut self) -> Result<Option<i64>, StoreError> {
        if let Known::Due(known) = self.agenda.plan().known {
            return Ok(known);
        }
        let cell = self.cell();
        let directory = cell.system().store().directory();
        let found = directory.find(A::NAME, cell.key().as_str())?;
        let known = found.and_then(|(_, due)| due);
        self.agenda.plan().known = Known::Due(known);
        Ok(known)
    }

    fn write_to_directory(&mut self, due: Option<i64>) -> Result<(), StoreError> {
        let cell = self.cell();
        let directory = cell.system().store().directory();
        directory.write(&Change::Due(A::NAME, cell.key().as_str().into(), due))?;
        self.agenda.plan().known = Known::Due(due);
        Ok(())
    }
}
