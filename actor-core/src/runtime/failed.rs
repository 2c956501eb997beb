//! [`Failed`]: how a start ended that did not end well, and who is told.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::{CallError, StartCause, StartError};
use crate::hooks::{Hook, Step};
use crate::runtime::cell::Cell;
use crate::runtime::ending::Uncommitted;
use crate::runtime::guarded::dispose;
use crate::runtime::limited::Fault;
use crate::runtime::mail::{Ending, Mail, Request, answer};
use crate::runtime::mailbox::Finished;
use crate::runtime::migrate;
use crate::store::StoreError;
use crate::watch::Change;

/// What went wrong, and where.
pub(super) struct Failed {
    pub(super) step: Option<Step>,
    pub(super) hook: Option<&'static str>,
    pub(super) cause: StartCause,
}

impl Failed {
    pub(super) fn at(step: Step, cause: StartCause) -> Self {
        Self {
            step: Some(step),
            hook: None,
            cause,
        }
    }

    /// The step `migrate` failed.
    pub(super) fn migrating((hook, cause): migrate::Failed) -> Self {
        Self {
            step: Some(Step::Migrate),
            hook,
            cause,
        }
    }

    pub(super) fn store(step: Option<Step>, error: StoreError) -> Self {
        Self {
            step,
            hook: None,
            cause: StartCause::Store(Arc::new(error)),
        }
    }

    /// What ran up to this step was not committed.
    pub(super) fn uncommitted(step: Step, why: Uncommitted) -> Self {
        match why {
            Uncommitted::Panicked(panic) => Self::at(step, StartCause::Panicked(panic)),
            Uncommitted::Store(error) => Self::store(Some(step), error),
        }
    }

    pub(super) fn hook(step: Step, hook: &Hook, fault: Fault) -> Self {
        let cause = match fault {
            Fault::Failed(failure) => StartCause::Failed(failure),
            Fault::Panicked(panic) => StartCause::Panicked(panic),
            Fault::TimedOut(limit) => StartCause::TimedOut(limit),
        };
        Self {
            step: Some(step),
            hook: Some(hook.name),
            cause,
        }
    }
}

pub(super) fn not_found<A: Handlers>(cell: &Cell<A>) -> CallError {
    CallError::NotFound {
        subject: cell.subject(),
    }
}

/// Answers mail that is not handled.
pub(super) fn reject<A: Handlers>(cell: &Cell<A>, mail: Mail<A>, error: &CallError) {
    match mail {
        Mail::Action {
            reply: Some(slot),
            message,
            ..
        } => {
            dispose(message);
            Finished::answer([(slot, Err(error.clone()))]).tell();
        }
        Mail::Action { message, .. } => {
            let (actor, key) = (A::NAME, cell.key());
            let action = A::__action(&message).name;
            dispose(message);
            tracing::error!(actor, %key, action, %error, "a call that was told could not be handled");
        }
        Mail::Create { waiter, .. } => answer(Some(waiter), Err(error.clone())),
        Mail::Work(work) => work.reject(error.clone()),
        // The scheduler tries again, unless nobody is there.
        Mail::Due => {
            if matches!(error, CallError::NotFound { .. }) {
                let scheduler = cell.system().scheduler();
                scheduler.arm(A::NAME, cell.key().as_str(), None);
            }
        }
    }
}

/// Tells everybody who waits that the actor did not start, and returns what they are told.
pub(super) fn fail<A: Handlers>(
    cell: &Arc<Cell<A>>,
    failed: Failed,
    first: Option<Mail<A>>,
    back_off: bool,
) -> CallError {
    let error = Arc::new(StartError {
        subject: cell.subject(),
        step: failed.step,
        hook: failed.hook,
        cause: failed.cause,
    });
    tracing::error!(actor = A::NAME, key = %cell.key(), %error, "an actor did not start");
    cell.tell_change(Change::NotStarted(Arc::clone(&error)));
    let error = CallError::Start(error);
    if back_off {
        cell.back_off(&error);
    }
    turn_away(cell, first, &error);
    error
}

/// Tells everybody who waits that the actor does not answer.
pub(super) fn turn_away<A: Handlers>(cell: &Cell<A>, first: Option<Mail<A>>, error: &CallError) {
    let (mail, requests) = cell.mailbox().drain();
    answer_all(cell, first.into_iter().chain(mail), requests, error);
}

/// Tells everybody who waits that the actor does not answer, up to the first who wants it destroyed. Returns whether there is one.
pub(super) fn turn_away_before_destruction<A: Handlers>(cell: &Cell<A>, error: &CallError) -> bool {
    let (mail, requests, found) = cell.mailbox().drain_to_destruction();
    answer_all(cell, mail.into_iter(), requests, error);
    found
}

fn answer_all<A: Handlers>(
    cell: &Cell<A>,
    mail: impl Iterator<Item = Mail<A>>,
    requests: Vec<Request>,
    error: &CallError,
) {
    for mail in mail {
        reject(cell, mail, error);
    }
    for request in requests {
        let result = match request.ending {
            Ending::Sleep => Ok(()),
            Ending::Destroy => Err(error.clone()),
            #[cfg(feature = "testing")]
            Ending::Crash => Ok(()),
        };
        answer(request.waiter, result);
    }
}
