//! [`Instance`]: an awake actor, from its first call to its end.

use std::collections::VecDeque;
use std::sync::Arc;

use diesel::sqlite::SqliteConnection;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::error_report::ErrorOrigin;
use crate::hooks::Step;
use crate::limits;
use crate::observe::trace;
use crate::runtime::batch::Batch;
use crate::runtime::ending::{self, Uncommitted};
use crate::runtime::guarded::discard;
use crate::runtime::life::{After, Ended};
use crate::runtime::limited::Fault;
use crate::runtime::mail::{Ending, Mail, Next, Request, answer};
use crate::runtime::mailbox::{Mailbox, Taken};
use crate::runtime::preamble::{self, Started};
use crate::runtime::quick;
use crate::runtime::turn::Turn;
use crate::store::{Database, Durability, queue};
use crate::watch::Change;

/// Requests that go back to the mailbox when this is dropped.
struct Later<'m, A: Handlers>(&'m Mailbox<A>, Vec<Request>);

impl<A: Handlers> Drop for Later<'_, A> {
    fn drop(&mut self) {
        self.0.put_back(std::mem::take(&mut self.1));
    }
}

/// An awake actor.
pub(crate) struct Instance<A: Handlers> {
    pub(super) actor: A,
    pub(super) turn: Turn<A>,
    /// What was taken out of the mailbox and is not handled yet: calls that share a transaction.
    pub(super) taken: VecDeque<Mail<A>>,
    /// Whether an actor waits for the call that runs.
    pub(super) is_asked: bool,
    /// What the call that runs is to the actor, if it fails.
    pub(super) origin: ErrorOrigin,
    pub(super) batch: Batch<A>,
}

/// Whether the actor goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    /// Its memory, or its transaction, cannot be trusted any more.
    Crash,
}

/// What an instance came to that handled what it could.
pub(super) enum Work<A: Handlers> {
    /// Nothing is there.
    Idle,
    /// There may be more, and it is somebody else's turn.
    More,
    /// The log must have room before the next call runs.
    Room,
    /// A call that may wait is next.
    Async(Mail<A>),
    /// It is to end.
    Request(Request),
    /// It cannot go on.
    Crash,
}

impl<A: Handlers> Instance<A> {
    pub(super) fn new(started: Started<A>) -> Self {
        let Started {
            actor, mut turn, ..
        } = started;
        turn.start_runs();
        let mut instance = Self {
            actor,
            turn,
            taken: VecDeque::new(),
            is_asked: false,
            origin: ErrorOrigin::Action,
            batch: Batch::new(),
        };
        if !A::HOOKS.queues.is_empty() {
            instance.release_taken();
        }
        instance
    }

    /// Gives back what an earlier process took from the queues.
    fn release_taken(&mut self) {
        let cell = Arc::clone(self.turn.cell());
        let now = cell.system().clock().now_ms();
        let epoch = cell.system().waiting().epoch();
        let release = |connection: &mut SqliteConnection| queue::release(connection, epoch, now);
        match self.turn.database().db().internal(release) {
            Ok(false) => {}
            Ok(true) => self.turn.touch(),
            Err(cause) => self.batch.break_with(cause),
        }
        self.batch.count(Durability::Process);
    }

    /// Handles the calls that are there and do not wait, up to a commit's worth of them or as many as are given. Returns how
    /// many that were, too.
    pub(super) fn work(&mut self, most: usize) -> (Work<A>, usize) {
        let mut handled = 0;
        if A::__STORED {
            self.batch.begin();
        }
        let work = loop {
            if !self.has_room() {
                break self.flushed(Work::Room);
            }
            if let Some(work) = self.handle_taken(most, &mut handled) {
                break work;
            }
            if !A::__STORED && handled > 0 {
                // Nothing is shared with what comes next, for which whoever gives the life back looks.
                break self.flushed(Work::Idle);
            }
            let cell = self.turn.cell();
            match cell.mailbox().take(&mut self.taken) {
                Taken::Mail => {}
                // What is ready shares the transaction; nobody waits for what is not.
                Taken::Nothing => break self.flushed(Work::Idle),
                Taken::Request(request) => match self.flush() {
                    Flow::GoOn => break Work::Request(request),
                    Flow::Crash => {
                        let cell = self.turn.cell();
                        cell.mailbox().put_back(vec![request]);
                        break Work::Crash;
                    }
                },
            }
        };
        (work, handled)
    }

    /// Returns whether the log takes what the next calls write; an error of it is told to them.
    fn has_room(&mut self) -> bool {
        self.turn
            .stored()
            .is_none_or(|database| database.volume().log().has_room().unwrap_or(true))
    }

    /// Waits until the log takes more: a slow disk is back-pressure, and not growth.
    pub(super) async fn room(&mut self) {
        if let Some(database) = self.turn.stored() {
            let volume = Arc::clone(database.volume());
            // The calls that come next are told.
            let _ = volume.log().room().await;
        }
    }

    /// Handles the calls that were taken out of the mailbox; `None` when none is left.
    fn handle_taken(&mut self, most: usize, handled: &mut usize) -> Option<Work<A>> {
        while let Some(is_async) = self.taken.front().map(Mail::is_async) {
            if quick::is_here() && !self.is_next_quick() {
                return Some(self.flushed(Work::More));
            }
            // An action that may wait would let those before it wait too. It stays here meanwhile, so that the mailbox counts it,
            // and the next instance handles it if this one crashes.
            if is_async && self.flush() == Flow::Crash {
                return Some(Work::Crash);
            }
            let mail = self.taken.pop_front()?;
            if is_async {
                return Some(Work::Async(mail));
            }
            if self.handle_now(mail) == Flow::Crash {
                self.flush();
                return Some(Work::Crash);
            }
            *handled += 1;
            // Without a database the time of one call counts for whoever looks for the next.
            let full = if A::__STORED || !self.taken.is_empty() {
                self.batch.is_full()
            } else {
                self.batch.has_most()
            };
            if full || *handled >= most {
                return Some(self.flushed(Work::More));
            }
        }
        None
    }

    /// Returns whether what comes next is known to be quick.
    fn is_next_quick(&self) -> bool {
        match self.taken.front() {
            Some(Mail::Action { message, .. }) => {
                let quick = &self.turn.cell().kind().quick;
                quick.action(A::__action(message).id).is_quick()
            }
            // Work that may wait runs code of the user's.
            Some(Mail::Work(work)) => !work.may_wait(),
            Some(Mail::Create { .. }) | None => true,
            Some(Mail::Due) => false,
        }
    }

    /// Commits, and goes on if that is well.
    fn flushed(&mut self, work: Work<A>) -> Work<A> {
        match self.flush() {
            Flow::GoOn => work,
            Flow::Crash => Work::Crash,
        }
    }

    /// Lets memory go that only a burst of calls needed.
    pub(super) fn trim(&mut self) {
        self.taken.shrink_to(limits::IDLE_MAIL);
        self.batch.trim();
        self.turn.runs.trim();
    }

    /// Ends the instance in order. It comes back if it must live on.
    pub(super) async fn stop(mut self: Box<Self>, request: Request) -> After<A> {
        #[cfg(feature = "testing")]
        if request.ending == Ending::Crash {
            let after = self.crash().await;
            answer(request.waiter, Ok(()));
            return after;
        }
        if self.end_runs().await == Flow::Crash {
            // It was not carried out: the next instance does that.
            self.turn.cell().mailbox().put_back(vec![request]);
            return self.crash().await;
        }
        if !(A::HOOKS.on_sleep.is_empty() && A::HOOKS.on_destroy.is_empty()) {
            self.turn.runs.end_calls();
        }
        // The hooks run for the one who waits.
        self.turn.cell().set_waiting(request.chain.clone());
        match request.ending {
            Ending::Sleep => {
                self.sleep_hooks().await;
                self.turn.runs_ended().await;
                let Self { actor, turn, .. } = *self;
                let cell = Arc::clone(turn.cell());
                discard(&cell, actor);
                ending::close(turn, false).await;
                cell.tell_change(Change::Slept);
                After::Ended(Ended::in_order(request.waiter, Ok(())))
            }
            Ending::Destroy => match self.destroy_hooks().await {
                Ok(()) => {
                    self.turn.runs_ended().await;
                    let Self { actor, turn, .. } = *self;
                    discard(turn.cell(), actor);
                    let removed = ending::remove(turn).await;
                    After::Ended(Ended::in_order(request.waiter, removed))
                }
                Err((error, flow)) => {
                    if request.waiter.is_none() {
                        let key = self.turn.cell().key();
                        tracing::error!(actor = A::NAME, %key, %error, "an actor that was to destroy itself is not destroyed");
                    }
                    if flow == Flow::Crash {
                        let after = self.crash().await;
                        answer(request.waiter, Err(error));
                        return after;
                    }
                    answer(request.waiter, Err(error));
                    self.turn.runs.resume_calls();
                    self.turn.start_runs();
                    After::Awake(self)
                }
            },
            #[cfg(feature = "testing")]
            Ending::Crash => unreachable!("it was carried out above"),
        }
    }

    /// Ends the `#[run]` hooks, and what else runs beside the actor. They may wait for a call of theirs, so calls are answered
    /// meanwhile.
    async fn end_runs(&mut self) -> Flow {
        self.turn.runs.abort();
        let until = Instant::now() + limits::STOP_GRACE;
        let cell = Arc::clone(self.turn.cell());
        let mailbox = cell.mailbox();
        // What is asked for meanwhile waits for the next instance.
        let mut later = Later(mailbox, Vec::new());
        loop {
            // What runs beside the actor may wait for its reply.
            if self.flush() == Flow::Crash {
                return Flow::Crash;
            }
            let mail = std::future::poll_fn(|_| mailbox.poll_next());
            tokio::select! {
                biased;
                () = self.turn.runs.ended(until) => return Flow::GoOn,
                next = mail => match next {
                    Next::Mail(mail) => {
                        if self.handle_guarded(mail).await == Flow::Crash {
                            return Flow::Crash;
                        }
                    }
                    Next::Request(request) => later.1.push(request),
                },
            }
        }
    }

    /// Runs `#[on_sleep]`, each hook a transaction. One that fails does not keep the actor awake.
    async fn sleep_hooks(&mut self) {
        for hook in A::HOOKS.on_sleep {
            let ran =
                preamble::run_hook(&mut self.actor, &mut self.turn, Step::OnSleep, hook).await;
            // A hook that says that it failed has still decided what it wrote; one that was cut off has not.
            let kept = match &ran {
                Ok(()) | Err(Fault::Failed(_)) => self.commit_hook(hook.name).await,
                Err(_) => Ok(()),
            };
            let ended = kept.and(ran.map_err(|fault| self.call_error(hook.name, fault)));
            if let Err(error) = ended {
                let _ = ending::undo(&mut self.actor, &mut self.turn);
                tracing::error!(actor = A::NAME, key = %self.turn.cell().key(), %error, "an actor sleeps although its hook failed");
                // It sleeps whatever comes of this.
                let _ = self.tell_hook_error(Step::OnSleep, hook.name, &error, Flow::GoOn);
            }
        }
    }

    /// Commits what a hook did, with what runs behind a change of the state.
    async fn commit_hook(&mut self, name: &'static str) -> Result<(), CallError> {
        self.state_changed()?;
        let committed = ending::commit(&mut self.actor, &mut self.turn).await;
        committed.map_err(|why| self.not_committed(name, why))
    }

    /// Runs `#[on_destroy]` and takes the mark away, all in one transaction.
    async fn destroy_hooks(&mut self) -> Result<(), (CallError, Flow)> {
        for hook in A::HOOKS.on_destroy {
            let ran =
                preamble::run_hook(&mut self.actor, &mut self.turn, Step::OnDestroy, hook).await;
            if let Err(fault) = ran {
                if let Fault::Panicked(panic) = &fault {
                    self.note_panic(hook.name, panic);
                }
                let flow = match (&fault, ending::undo(&mut self.actor, &mut self.turn)) {
                    (Fault::Panicked(_), _) | (_, Err(_)) => Flow::Crash,
                    _ => Flow::GoOn,
                };
                let error = self.call_error(hook.name, fault);
                let flow = self.tell_hook_error(Step::OnDestroy, hook.name, &error, flow);
                return Err((error, flow));
            }
        }
        self.turn.tell_of_lost_messages();
        let cell = Arc::clone(self.turn.cell());
        let stored = self.turn.stored();
        let mark = stored.map(|stored| stored.mark_destroyed(A::NAME, cell.key().as_str()));
        let marked = match mark.unwrap_or(Ok(())) {
            Ok(()) => ending::commit(&mut self.actor, &mut self.turn).await,
            Err(error) => Err(error.into()),
        };
        marked.map_err(|why| {
            let name = Step::OnDestroy.name();
            let _ = ending::undo(&mut self.actor, &mut self.turn);
            if let Uncommitted::Panicked(panic) = &why {
                self.note_panic(name, panic);
            }
            (self.not_committed(name, why), Flow::Crash)
        })
    }

    fn not_committed(&self, name: &'static str, why: Uncommitted) -> CallError {
        match why {
            Uncommitted::Panicked(panic) => self.call_error(name, Fault::Panicked(panic)),
            Uncommitted::Store(error) => self.store_error(name, error),
        }
    }

    /// Gives the instance up: what is on disk counts.
    pub(super) async fn crash(self: Box<Self>) -> After<A> {
        let traced = trace::stop(A::NAME, self.turn.cell().key(), "crash");
        traced.around(self.end_crashed()).await
    }

    async fn end_crashed(mut self: Box<Self>) -> After<A> {
        // Work of the database that was given up may be under way still.
        let _ = self.turn.returned().await;
        let _ = self.turn.stored().map(Database::rollback);
        let cell = self.turn.cell();
        cell.mailbox().put_back_mail(&mut self.taken);
        self.turn.runs.abort();
        self.turn.runs.drop_all().await;
        let Self { actor, turn, .. } = *self;
        let cell = Arc::clone(turn.cell());
        discard(&cell, actor);
        ending::close(turn, true).await;
        cell.tell_change(Change::Crashed);
        After::Ended(Ended::crashed())
    }
}
