//! [`Heard`]: what Diesel says of the transactions of a call, and how many of them are open.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// What Diesel says of the transactions of a call.
///
/// Diesel's transaction manager tells the instrumentation of a connection what it is about to do.
/// So its savepoints are told from those of a handler's own, which are refused: one of those could
/// undo what earlier calls did.
///
/// It is empty in a call without transactions, so that an idle actor has no room for it.
#[derive(Default)]
pub(super) struct Heard(Option<Box<Transactions>>);

/// The transactions of a call.
#[derive(Default)]
struct Transactions {
    user: Option<Box<dyn Instrumentation>>,
    announced: Option<Announced>,
    /// How many transactions of Diesel's are open in the call.
    open: u32,
}

/// What Diesel's transaction manager is about to do, at which depth. The framework's transaction
/// has depth 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    Begin(u32),
    Commit(u32),
    Rollback(u32),
}

impl Announced {
    /// Returns the statement that Diesel runs for it.
    fn text(self) -> String {
        match self {
            Self::Begin(depth) => format!("SAVEPOINT diesel_savepoint_{}", depth - 1),
            Self::Commit(depth) => format!("RELEASE SAVEPOINT diesel_savepoint_{}", depth - 1),
            Self::Rollback(depth) => {
                format!("ROLLBACK TO SAVEPOINT diesel_savepoint_{}", depth - 1)
            }
        }
    }

    /// Returns whether it fits the transactions that are open in the call. If it does not, somebody
    /// has changed the depth that Diesel keeps, and the savepoint may be another call's.
    fn fits(self, open: u32) -> bool {
        match self {
            Self::Begin(depth) => depth == open + 2,
            Self::Commit(depth) | Self::Rollback(depth) => open > 0 && depth == open + 1,
        }
    }
}

impl Heard {
    /// Sets what the handler hears of it.
    pub(super) fn set_user(&mut self, instrumentation: impl Instrumentation) {
        let last = self.transactions().user.replace(Box::new(instrumentation));
        drop(last);
    }

    fn transactions(&mut self) -> &mut Transactions {
        self.0.get_or_insert_default()
    }

    /// Forgets what belongs to a call, and returns how many of its transactions are open.
    pub(super) fn reset(&mut self) -> u32 {
        let Some(transactions) = self.0.take() else {
            return 0;
        };
        let Transactions { user, open, .. } = *transactions;
        if let Some(user) = user {
            // It is the handler's code, which may panic when it is dropped, as may the panic's
            // payload.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(user)));
            std::mem::forget(dropped);
        }
        open
    }

    /// Returns what was announced, if this is the statement for it.
    pub(super) fn take(&mut self, query: &str) -> Option<Announced> {
        let transactions = self.0.as_mut()?;
        let announced = transactions.announced.take()?;
        (announced.fits(transactions.open) && announced.text() == query).then_some(announced)
    }

    /// Notes that it was done, well or not.
    pub(super) fn did(&mut self, what: Announced, well: bool) {
        let open = &mut self.transactions().open;
        match what {
            Announced::Begin(_) if well => *open += 1,
            Announced::Commit(_) if well => *open -= 1,
            // Diesel counts a transaction as ended whose undoing fails.
            Announced::Rollback(_) => *open -= 1,
            Announced::Begin(_) | Announced::Commit(_) => {}
        }
    }
}

impl Instrumentation for Heard {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let announced = match &event {
            InstrumentationEvent::BeginTransaction { depth, .. } => {
                Some(Announced::Begin(depth.get()))
            }
            InstrumentationEvent::CommitTransaction { depth, .. } => {
                Some(Announced::Commit(depth.get()))
            }
            InstrumentationEvent::RollbackTransaction { depth, .. } => {
                Some(Announced::Rollback(depth.get()))
            }
            _ => None,
        };
        let transactions = self.transactions();
        if let Some(user) = &mut transactions.user {
            user.on_connection_event(event);
        }
        transactions.announced = announced;
    }
}
