//! [`Baton`]: who may run a cell.
//!
//! # Invariants
//!
//! 1. A cell is run by one thread at a time: whoever made its baton `Running`, until the same one lets it go.
//! 2. A cell is in the run queue once while its baton is `Queued`, and not otherwise.
//! 3. Nothing is missed: mail that a listening cell gets, and a wake-up, lead to a run that begins after them.
//!
//! It holds no lock; the mailbox keeps it under its own. The model in its tests runs it under loom.

/// Where the baton of a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// Nobody runs the cell, and it is not queued.
    Idle,
    /// It waits in the run queue.
    Queued,
    /// Somebody runs it.
    Running,
    /// Somebody runs it, and what came meanwhile may need another run.
    Again,
}

/// Who may run a cell, and whether mail is a reason to.
#[derive(Debug)]
pub(super) struct Baton {
    run: Run,
    /// Whether what the cell does next is to take mail; otherwise it waits for something else, and mail can wait too.
    listening: bool,
}

/// What has to be done for a cell, once no lock is held.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing: somebody does it, or there is nothing to do.
    Nothing,
    /// It goes into the run queue.
    Queue,
}

impl Baton {
    pub(super) fn new() -> Self {
        Self {
            run: Run::Idle,
            listening: false,
        }
    }

    /// Notes that mail was pushed.
    pub(super) fn arrived(&mut self) -> Due {
        if self.listening {
            return self.woken();
        }
        Due::Nothing
    }

    /// Notes that what the cell waits for has happened.
    pub(super) fn woken(&mut self) -> Due {
        match self.run {
            Run::Idle => {
                self.run = Run::Queued;
                Due::Queue
            }
            Run::Running => {
                self.run = Run::Again;
                Due::Nothing
            }
            Run::Queued | Run::Again => Due::Nothing,
        }
    }

    /// Begins to run a cell that came out of the run queue.
    pub(super) fn begin(&mut self) {
        assert_eq!(
            self.run,
            Run::Queued,
            "INVARIANT 2: only a queued cell is in the queue"
        );
        self.run = Run::Running;
        self.listening = false;
    }

    /// Begins to run a cell in place, if nobody does or is about to.
    pub(super) fn try_begin(&mut self) -> bool {
        if self.run != Run::Idle {
            return false;
        }
        self.run = Run::Running;
        self.listening = false;
        true
    }

    /// Notes that mail is what the cell waits for. Whoever runs it has just seen that there is none.
    pub(super) fn listen(&mut self) {
        self.listening = true;
    }

    /// Returns whether the cell is idle and takes mail as soon as there is some.
    pub(super) fn is_listening(&self) -> bool {
        self.run == Run::Idle && self.listening
    }

    /// Ends a run. `more` is whether the runner knows of something to do.
    pub(super) fn end(&mut self, more: bool) -> Due {
        assert!(self.is_running(), "INVARIANT 1: only the runner ends a run");
        if more || self.run == Run::Again {
            self.run = Run::Queued;
            return Due::Queue;
        }
        self.run = Run::Idle;
        Due::Nothing
    }

    /// Returns whether somebody runs the cell.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.run, Run::Running | Run::Again)
    }
}

#[cfg(test)]
mod model;
