//! [`Mail`] and [`Request`]: what an actor is sent.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::observe::trace::Caller;
use crate::runtime::chain::Chain;
use crate::runtime::inside::Work;
use crate::runtime::slots::ReplySlot;

/// What an actor is asked to do besides its actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Sleep.
    Sleep,
    /// Be destroyed.
    Destroy,
    /// Be given up, and start again, if it is awake.
    #[cfg(feature = "testing")]
    Crash,
}

impl Ending {
    /// Returns its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Destroy => "destroy",
            #[cfg(feature = "testing")]
            Self::Crash => "crash",
        }
    }
}

/// Who waits for an [`Ending`].
pub(crate) type Waiter = oneshot::Sender<Result<(), CallError>>;

/// What few calls have; one word of a mail as long as it has none of it.
pub(crate) struct Extra<A: Handlers> {
    /// What the actor is created with if it does not exist.
    pub(super) input: Option<Arc<A::Input>>,
    /// Where the call was made, for its span.
    pub(super) caller: Caller,
}

/// One thing in the mailbox.
pub(crate) enum Mail<A: Handlers> {
    /// A call of an action.
    Action {
        /// Which action, with its arguments.
        message: A::Message,
        /// Where the reply goes; nowhere for a tell.
        reply: Option<ReplySlot<A>>,
        /// Who waits for the reply, if actors do.
        chain: Option<Arc<Chain>>,
        /// What few calls have.
        extra: Option<Box<Extra<A>>>,
    },
    /// A wish that the actor be created, and that it was not there before.
    Create {
        /// What it is created with.
        input: Arc<A::Input>,
        /// Who waits.
        waiter: Waiter,
    },
    /// Work of the framework's own, in the actor's transaction.
    Work(Box<dyn Work<A>>),
    /// A notice that a stored call is due. It waits for no room: there is one at a time.
    Due,
}

impl<A: Handlers> Mail<A> {
    /// Returns where the reply goes.
    pub(super) fn reply(&self) -> Option<&ReplySlot<A>> {
        match self {
            Self::Action { reply, .. } => reply.as_ref(),
            Self::Create { .. } | Self::Work(_) | Self::Due => None,
        }
    }

    /// Returns whether it may wait, so that it does not share its transaction with others.
    pub(super) fn is_async(&self) -> bool {
        match self {
            Self::Action { message, .. } => A::__action(message).is_async,
            Self::Create { .. } => false,
            Self::Work(work) => work.may_wait(),
            // The actions that it runs may.
            Self::Due => true,
        }
    }
}

/// A lifecycle request.
pub(crate) struct Request {
    /// What to do.
    pub(crate) ending: Ending,
    /// Who waits.
    pub(crate) waiter: Option<Waiter>,
    /// Who waits for it, if actors do.
    pub(super) chain: Option<Arc<Chain>>,
    /// How much mail was pushed before it.
    pub(super) behind: u64,
    /// Whether it is only there because nothing else was: mail that comes before it is carried out undoes it.
    pub(super) idle: bool,
}

/// What comes next for an actor.
pub(crate) enum Next<A: Handlers> {
    /// This mail.
    Mail(Mail<A>),
    /// This request.
    Request(Request),
}

/// Tells who waits, if anybody still does.
pub(crate) fn answer(waiter: Option<Waiter>, result: Result<(), CallError>) {
    if let Some(waiter) = waiter {
        // Who does not wait any more does not need the answer.
        let _ = waiter.send(result);
    }
}
