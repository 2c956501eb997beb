//! [`Sending`]: a call on its way into the mailbox, and what may become of it.

use std::sync::Arc;
use std::task::Waker;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::runtime::chain::Chain;
use crate::runtime::instance::Instance;
use crate::runtime::life::Life;
use crate::runtime::mail::Request;
use crate::runtime::slots::ReplySlot;

/// What has to be done for mail or a request that was pushed, when no lock is held.
#[must_use]
pub(in crate::runtime) enum Pushed<A: Handlers> {
    /// Nothing: it will be looked at.
    Delivered,
    /// The cell goes into the run queue.
    Queue,
    /// The actor has to start. Whoever pushed has the baton.
    Start,
    /// Whoever pushed has the baton, and runs this in place.
    Run(Life<A>),
}

/// A call on its way into the mailbox. What it is made of is taken when it gets in.
pub(crate) struct Sending<'s, A: Handlers> {
    /// Which action, with its arguments.
    pub(crate) message: &'s mut Option<A::Message>,
    /// What the handle may create the actor with.
    pub(crate) input: Option<&'s Arc<A::Input>>,
    /// Who waits for the reply, if actors do.
    pub(crate) chain: Option<Arc<Chain>>,
    /// Who is woken when the reply is there; nobody for a tell.
    pub(crate) asker: Option<&'s Waker>,
    /// Whether the one who asks has the usual time, or more.
    pub(crate) has_time: bool,
}

/// What became of a call.
pub(in crate::runtime) enum Posted<A: Handlers> {
    /// It is in the mailbox, and its reply will be in this place.
    Sent(Option<ReplySlot<A>>, Pushed<A>),
    /// The actor does nothing else, so whoever wanted to push the call runs it. The caller has the baton and the life.
    Direct(Box<Instance<A>>, A::Message),
}

/// Why mail was not pushed.
pub(in crate::runtime) enum Unsent {
    /// There is no room for it.
    Full,
    /// Somebody wants spans, and where it is made was not noted.
    Unknown,
    /// The last start failed, or the actor crashed too often, and it is too early for the next start.
    Refused(CallError),
}

/// How a mail is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Way {
    /// Whoever pushes it runs the actor in place, if nobody runs it, and needs no mail if the actor is awake.
    Direct,
    /// Whoever pushes it runs the actor in place, if nobody runs it.
    InPlace,
    /// Somebody else runs the actor.
    Queued,
}

/// What was taken out of the mailbox.
pub(in crate::runtime) enum Taken {
    /// Nothing is there.
    Nothing,
    /// Mail, which is in the buffer that was given.
    Mail,
    /// A request that is due.
    Request(Request),
}
