//! [`Heard`]: what Diesel says of the transactions of a call, and how many of them are open.

use diesel::connection::{Instrumentation, InstrumentationEvent};

/// What Diesel says of the transactions of a call.
///
/// Diesel's transaction manager tells the instrumentation of a connection what it is about to do. So its savepoints are told apart from
/// those of a handler's own, which are refused.
#[derive(Default)]
pub(super) struct Heard {
    user: Option<Box<dyn Instrumentation>>,
    announced: Option<Announced>,
    /// How many transactions of Diesel's are open in the call.
    pub(super) open: u32,
}

/// What Diesel's transaction manager is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    Begin(u32),
    Commit(u32),
    Rollback(u32),
}

impl Announced {
    /// Returns the statement that it then runs. The depth counts the transaction of the framework's.
    fn text(self) -> String {
        match self {
            Self::Begin(depth) => format!("SAVEPOINT diesel_savepoint_{}", depth - 1),
            Self::Commit(depth) => format!("RELEASE SAVEPOINT diesel_savepoint_{}", depth - 1),
            Self::Rollback(depth) => {
                format!("ROLLBACK TO SAVEPOINT diesel_savepoint_{}", depth - 1)
            }
        }
    }
}

impl Heard {
    /// Sets what the handler hears of it.
    pub(super) fn set_user(&mut self, instrumentation: impl Instrumentation) {
        self.user = Some(Box::new(instrumentation));
    }

    /// Returns what was announced, if this is the statement for it.
    pub(super) fn take(&mut self, query: &str) -> Option<Announced> {
        let announced = self.announced.take()?;
        (announced.text() == query).then_some(announced)
    }

    /// Notes that it was done, well or not.
    pub(super) fn did(&mut self, what: Announced, well: bool) {
        match what {
            Announced::Begin(_) if !well => {}
            Announced::Begin(depth) => self.open = depth - 1,
            Announced::Commit(_) if !well => {}
            // Diesel counts a transaction as ended whose undoing fails.
            Announced::Commit(depth) | Announced::Rollback(depth) => {
                self.open = depth.saturating_sub(2);
            }
        }
    }
}

impl Instrumentation for Heard {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let announced = match &event {
            InstrumentationEvent::BeginTransaction { depth, .. } => Some(Announced::Begin(depth.get())),
            InstrumentationEvent::CommitTransaction { depth, .. } => Some(Announced::Commit(depth.get())),
            InstrumentationEvent::RollbackTransaction { depth, .. } => {
                Some(Announced::Rollback(depth.get()))
            }
            _ => None,
        };
        if let Some(user) = &mut self.user {
            user.on_connection_event(event);
        }
        self.announced = announced;
    }
}
