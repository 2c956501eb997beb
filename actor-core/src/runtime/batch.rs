//! [`Batch`]: calls that share one transaction.

use crate::actor::Handlers;
use crate::error::CallError;
use crate::limits;
use crate::runtime::gate::Answer;
use crate::runtime::guarded::dispose;
use crate::runtime::inside::Notice;
use crate::runtime::slots::ReplySlot;
use crate::runtime::stint::Stint;
use crate::store::Durability;

/// Calls that share one transaction, each with a savepoint of its own. Their replies leave together.
pub(super) struct Batch<A: Handlers> {
    /// What goes to those who asked.
    pub(super) answers: Vec<Answer<A>>,
    /// The state as it is after the last call, if one changed it.
    pub(super) state: Option<String>,
    /// How many calls were only told, and succeeded.
    told: u32,
    calls: u32,
    /// For how long they have run.
    stint: Stint,
    durability: Durability,
    /// Who is told when it is committed, or that it is not.
    #[allow(
        clippy::box_collection,
        reason = "most batches have none, and are smaller by it"
    )]
    notices: Option<Box<Vec<Notice>>>,
    /// Why nothing of it may commit.
    broken: Option<Box<diesel::result::Error>>,
}

impl<A: Handlers> Batch<A> {
    pub(super) fn new() -> Self {
        Self {
            answers: Vec::new(),
            state: None,
            told: 0,
            calls: 0,
            stint: Stint::new(),
            durability: Durability::Process,
            notices: None,
            broken: None,
        }
    }

    /// Begins anew, when all is answered.
    pub(super) fn clear(&mut self) {
        self.told = 0;
        self.calls = 0;
        self.stint = Stint::new();
        self.durability = Durability::Process;
    }

    /// Lets memory go that only a burst of calls needed.
    pub(super) fn trim(&mut self) {
        if self.answers.is_empty() {
            self.answers.shrink_to(limits::IDLE_MAIL);
        }
    }

    /// Adds a call.
    pub(super) fn push(
        &mut self,
        reply: Option<ReplySlot<A>>,
        result: Result<A::Reply, CallError>,
        durability: Durability,
    ) {
        self.count(durability);
        if let Some(slot) = reply {
            self.answers.push((slot, result));
        } else {
            match result {
                Ok(reply) => {
                    self.told += 1;
                    dispose(reply);
                }
                Err(error) => dispose(error),
            }
        }
    }

    /// Adds something that is not a call of the user's.
    pub(super) fn count(&mut self, durability: Durability) {
        self.calls += 1;
        if durability == Durability::Synced {
            self.durability = durability;
        }
    }

    /// Returns what the reply may rely on of which the most is asked.
    pub(super) fn durability(&self) -> Durability {
        self.durability
    }

    /// Adds somebody who is told when it is committed, or that it is not.
    pub(super) fn notify(&mut self, notice: Notice) {
        self.notices.get_or_insert_default().push(notice);
    }

    /// Takes those who are to be told.
    pub(super) fn take_notices(&mut self) -> impl Iterator<Item = Notice> + use<A> {
        self.notices.take().into_iter().flat_map(|notices| *notices)
    }

    /// Notes that nothing of the batch may commit.
    pub(super) fn break_with(&mut self, cause: diesel::result::Error) {
        self.broken = Some(Box::new(cause));
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    pub(super) fn take_broken(&mut self) -> Option<diesel::result::Error> {
        self.broken.take().map(|cause| *cause)
    }

    /// Returns how many calls there are, with what the framework counts as one.
    pub(super) fn calls(&self) -> u32 {
        self.calls
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls == 0
    }

    /// Begins to measure for how long the calls run, if there is none yet.
    pub(super) fn begin(&mut self) {
        if self.calls == 0 {
            self.stint = Stint::begin();
        }
    }

    /// Returns whether there is so much that it is to be committed. Asked once behind each call.
    pub(super) fn is_full(&mut self) -> bool {
        self.has_most() || self.stint.is_over()
    }

    /// Returns whether there are as many calls as one commit has at most.
    pub(super) fn has_most(&self) -> bool {
        self.calls as usize >= limits::CALLS_PER_COMMIT
    }

    /// Turns every success into the failure of the commit, and returns how many calls that were told are lost.
    pub(super) fn fail(&mut self, error: &CallError) -> u32 {
        for (_, result) in &mut self.answers {
            if result.is_ok() {
                dispose(std::mem::replace(result, Err(error.clone())));
            }
        }
        std::mem::take(&mut self.told)
    }
}
