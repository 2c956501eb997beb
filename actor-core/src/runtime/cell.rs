//! [`Cell`]: the place of one key, whether its actor is awake, asleep or not there.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::{CallError, Subject};
use crate::handle::ActorRef;
use crate::key::Key;
use crate::limits;
use crate::observe::metrics::KindMetrics;
use crate::observe::trace::Caller;
use crate::runtime::cells::Cells;
use crate::runtime::chain::{self, Asker, Chain, Place, asking};
use crate::runtime::gate::Gate;
use crate::runtime::line::Line;
use crate::runtime::mail::{Ending, Mail, Request};
use crate::runtime::mailbox::{Mailbox, Posted, Pushed, Refusal, Sending, Unsent, Way};
use crate::runtime::quick::Quick;
use crate::runtime::slots::ReplySlot;
use crate::runtime::supervision::doubled;
use crate::runtime::{here, memory, runner};
use crate::store::{Backing, Durability, Gatekeeper, MigrationError, Paths, Template};
use crate::system::System;
use crate::watch::Change;

/// All cells of one type of actor in one system.
pub(crate) struct Kind<A: Handlers> {
    /// One for each key, so one mailbox, one instance.
    cells: Cells<A>,
    /// Which keys refuse calls; kept apart from the cells, which nobody may hold meanwhile.
    refusals: Mutex<HashMap<Key, Refusal>>,
    /// What its new actors start from, if they have a database.
    template: Option<Result<Arc<Template>, Arc<MigrationError>>>,
    pub(super) metrics: KindMetrics,
    /// Which of its code may run in place of a caller.
    pub(super) quick: Quick,
}

/// The place of one key.
///
/// What never changes comes first, and is at least a line of the processor's cache away from what senders change in the mailbox: whoever
/// runs the actor reads it all the time.
#[repr(C)]
pub(crate) struct Cell<A: Handlers> {
    system: System,
    kind: Arc<Kind<A>>,
    key: Key,
    /// Who waits for the action that runs.
    waiting: Mutex<Option<Arc<Chain>>>,
    gate: Gate<A>,
    mailbox: Mailbox<A>,
}

impl<A: Handlers> Place for Cell<A> {
    fn subject(&self) -> Subject {
        Cell::subject(self)
    }

    fn is_of(&self, system: &System) -> bool {
        self.system.is(system)
    }

    fn waiting(&self) -> Option<Arc<Chain>> {
        self.waiting.lock().clone()
    }

    #[cfg(feature = "testing")]
    fn take_crash(&self) -> bool {
        self.mailbox.take_crash()
    }
}

impl<A: Handlers> Kind<A> {
    pub(crate) fn new(
        template: Option<Result<Arc<Template>, Arc<MigrationError>>>,
        metrics: KindMetrics,
    ) -> Self {
        Self {
            cells: Cells::new(),
            refusals: Mutex::new(HashMap::new()),
            template,
            metrics,
            quick: Quick::new(A::HOOKS.actions.len()),
        }
    }

    /// Returns the cell of a key.
    pub(crate) fn cell(self: &Arc<Self>, system: &System, key: Key) -> Arc<Cell<A>> {
        self.cells.find_or_make(key, |key| {
            let refusal = self.refusals.lock().get(&key).cloned();
            Arc::new(Cell {
                kind: Arc::clone(self),
                system: system.unowned(),
                key,
                mailbox: Mailbox::new(refusal),
                gate: Gate::new(),
                waiting: Mutex::new(None),
            })
        })
    }

    /// Returns the cells that somebody holds.
    pub(crate) fn live(&self) -> Vec<Arc<Cell<A>>> {
        self.cells.live()
    }

    /// Returns the cell of a key, if somebody holds it.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Cell<A>>> {
        self.cells.find(key)
    }

    pub(super) fn template(&self) -> Result<Arc<Template>, Arc<MigrationError>> {
        let template = self.template.clone();
        template.expect("only an actor with a database asks for it")
    }
}

impl<A: Handlers> Drop for Cell<A> {
    fn drop(&mut self) {
        let alarms = self.system.alarms();
        let (idle, limit) = self.mailbox.alarms();
        for alarm in idle.into_iter().chain(limit) {
            alarms.cancel(alarm);
        }
        self.kind.cells.remove(self);
    }
}

impl<A: Handlers> Cell<A> {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn system(&self) -> &System {
        &self.system
    }

    pub(crate) fn mailbox(&self) -> &Mailbox<A> {
        &self.mailbox
    }

    /// Returns the cell as a link in a chain of asks.
    pub(crate) fn place(self: &Arc<Self>) -> Arc<dyn Place> {
        Arc::clone(self) as Arc<dyn Place>
    }

    /// Notes who waits for what runs next, or that nobody does any more.
    pub(super) fn set_waiting(&self, chain: Option<Arc<Chain>>) {
        *self.waiting.lock() = chain;
    }

    pub(super) fn gate(&self) -> &Gate<A> {
        &self.gate
    }

    /// Returns what the actor's database stands on.
    pub(super) fn backing(self: &Arc<Self>) -> Backing {
        let keeper = Arc::clone(self) as Arc<dyn Gatekeeper>;
        self.system.store().backing(keeper)
    }

    /// Returns what a reply may rely on.
    pub(super) fn durability(&self) -> Durability {
        A::OPTIONS
            .durability
            .unwrap_or_else(|| self.system.durability())
    }

    pub(super) fn kind(&self) -> &Kind<A> {
        &self.kind
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            actor: A::NAME,
            key: self.key.clone(),
        }
    }

    pub(super) fn paths(&self) -> Paths {
        self.system.store().paths(A::NAME, &self.key)
    }

    /// Returns a handle that may not create the actor.
    pub(crate) fn handle(self: &Arc<Self>) -> ActorRef<A> {
        ActorRef::new(Ok(Arc::clone(self)), None)
    }

    /// Puts a call into the mailbox, and starts the actor if it sleeps. Waits in the line if there is no room.
    pub(crate) fn poll_send(
        self: &Arc<Self>,
        mut sending: Sending<'_, A>,
        line: &mut Line<'_, A>,
        task: &Context<'_>,
    ) -> Poll<Result<Sent<A>, CallError>> {
        let way = self.way(&sending);
        let chain = sending.chain.clone();
        loop {
            if line.place.is_some() && line.poll(task).is_pending() {
                return Poll::Pending;
            }
            self.check_open()?;
            let (place, caller) = (&mut line.place, &mut line.caller);
            match self.mailbox.push_call(&mut sending, place, way, caller) {
                Ok(Posted::Direct(instance, message)) => {
                    return Poll::Ready(self.run_direct(instance, message, chain));
                }
                Ok(Posted::Sent(slot, pushed)) => {
                    self.pushed_for(&pushed, chain.as_ref());
                    let in_place =
                        way != Way::Queued && matches!(pushed, Pushed::Start | Pushed::Run(_));
                    self.follow(pushed, in_place);
                    return Poll::Ready(Ok(match slot {
                        None => Sent::Told,
                        Some(slot) if in_place => Sent::Ran(slot),
                        Some(slot) => Sent::Queued(slot),
                    }));
                }
                Err(Unsent::Refused(error)) => return Poll::Ready(Err(self.refused(error))),
                Err(Unsent::Unknown) => line.caller = Caller::here(sending.asker.is_some()),
                Err(Unsent::Full) => {
                    if line.poll(task).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Puts a call that nobody waits for into the mailbox. Returns whether there was room. An error is apart, because it is large: a
    /// call that is taken does not move room for one around.
    pub(crate) fn send_now(
        self: &Arc<Self>,
        sending: &mut Sending<'_, A>,
    ) -> Result<bool, Box<CallError>> {
        self.check_open().map_err(Box::new)?;
        let caller = &mut Caller::default();
        loop {
            let pushed = self
                .mailbox
                .push_call(sending, &mut None, Way::Queued, caller);
            match pushed {
                Ok(Posted::Sent(_, pushed)) => {
                    self.follow(pushed, false);
                    return Ok(true);
                }
                Ok(Posted::Direct(..)) => unreachable!("it was to be queued"),
                Err(Unsent::Unknown) => *caller = Caller::here(false),
                Err(Unsent::Full) => return Ok(false),
                Err(Unsent::Refused(error)) => return Err(Box::new(self.refused(error))),
            }
        }
    }

    /// Puts a call that nobody waits for into the mailbox if there is room.
    pub(crate) fn try_send(self: &Arc<Self>, mut sending: Sending<'_, A>) -> Result<(), CallError> {
        if self.send_now(&mut sending).map_err(|error| *error)? {
            return Ok(());
        }
        Err(self.refused(CallError::MailboxFull {
            subject: self.subject(),
            capacity: A::OPTIONS.mailbox,
        }))
    }

    /// Returns whether the one who asks runs the actor itself: code that is known to be quick, so that what limits the caller has is
    /// kept, and nothing at all for a caller who has little time. Calls that commit are left to a driver, so that those which
    /// come together share a commit.
    fn way(&self, sending: &Sending<'_, A>) -> Way {
        let Some(message) = &sending.message else {
            return Way::Queued;
        };
        let info = A::__action(message);
        let alone = !A::__STORED || (info.read_only && !info.is_async);
        let quick = &self.kind.quick;
        let in_time = sending.has_time || !quick.helps();
        let known = in_time && quick.action(info.id).is_quick();
        if sending.asker.is_none() || !alone || !known || !self.may_run_here() {
            Way::Queued
        } else if info.is_async {
            Way::InPlace
        } else {
            Way::Direct
        }
    }

    /// Returns whether this thread may run the actor: it is in its runtime, and not too deep in others.
    fn may_run_here(&self) -> bool {
        runner::has_depth() && here::is_in(self.system.runtime_id())
    }

    /// Asks that the actor be created, and waits until it is.
    pub(crate) async fn create(self: &Arc<Self>, input: A::Input) -> Result<(), CallError> {
        let at_once = !A::__STORED && memory::starts_at_once(&A::HOOKS);
        let at_once = at_once && self.kind.quick.starts().is_quick();
        if at_once && self.may_run_here() && !self.system.is_closing() && self.mailbox.claim() {
            return self.begin_now(&input);
        }
        self.create_waiting(Arc::new(input)).await
    }

    async fn create_waiting(self: &Arc<Self>, input: Arc<A::Input>) -> Result<(), CallError> {
        let (waiter, done) = oneshot::channel();
        self.send_mail(Mail::Create { input, waiter }).await?;
        done.await.unwrap_or_else(|_| Err(self.shut_down()))
    }

    /// Puts mail that is no call into the mailbox, and starts the actor if it sleeps. Waits in the line if there is no room.
    pub(super) async fn send_mail(self: &Arc<Self>, mail: Mail<A>) -> Result<(), CallError> {
        // Who waits for itself waits for ever.
        let chain = asking(|| self.place()).map_err(|path| CallError::Cycle { path })?;
        let mut mail = Some(mail);
        let mut line = Line::new(self);
        std::future::poll_fn(|task| {
            loop {
                if line.place.is_some() && line.poll(task).is_pending() {
                    return Poll::Pending;
                }
                self.check_open()?;
                match self.mailbox.push_mail(&mut mail, &mut line.place) {
                    Ok(pushed) => {
                        self.pushed_for(&pushed, chain.as_ref());
                        self.follow(pushed, self.may_run_here());
                        return Poll::Ready(Ok(()));
                    }
                    Err(Unsent::Refused(error)) => {
                        return Poll::Ready(Err(self.refused(error)));
                    }
                    Err(Unsent::Full | Unsent::Unknown) => {
                        if line.poll(task).is_pending() {
                            return Poll::Pending;
                        }
                    }
                }
            }
        })
        .await
    }

    /// Notes who waits for what was pushed: the hooks of a preamble that it begins run for them.
    fn pushed_for(&self, pushed: &Pushed<A>, chain: Option<&Arc<Chain>>) {
        if matches!(pushed, Pushed::Start)
            && let Some(chain) = chain
        {
            self.set_waiting(Some(Arc::clone(chain)));
        }
    }

    /// Asks the actor to end, and waits until it has; its own code does not wait.
    pub(crate) async fn end(self: &Arc<Self>, ending: Ending) -> Result<(), CallError> {
        if self.system.is_closing() {
            return Err(self.shut_down());
        }
        let chain = match chain::ending(&self.place()) {
            Err(path) => return Err(CallError::Cycle { path }),
            Ok(Asker::Itself) => {
                let pushed = self.mailbox.request(ending, None, None);
                self.follow(pushed, false);
                return Ok(());
            }
            Ok(Asker::Other(chain)) => chain,
        };
        let (waiter, done) = oneshot::channel();
        let pushed = self.mailbox.request(ending, Some(waiter), chain.clone());
        self.pushed_for(&pushed, chain.as_ref());
        self.follow(pushed, false);
        done.await.unwrap_or_else(|_| Err(self.shut_down()))
    }

    /// Asks the actor to sleep; nobody waits.
    pub(crate) fn sleep_now(self: &Arc<Self>) {
        let pushed = self.mailbox.request(Ending::Sleep, None, None);
        self.follow(pushed, false);
    }

    fn check_open(&self) -> Result<(), CallError> {
        if self.system.is_closing() {
            return Err(self.shut_down());
        }
        Ok(())
    }

    pub(crate) fn shut_down(&self) -> CallError {
        CallError::ShutDown {
            subject: self.subject(),
        }
    }

    /// Notes that the actor did not start: calls get the error at once for a while, longer with each failure in a row.
    pub(super) fn back_off(&self, error: &CallError) {
        let failures = self.mailbox.failures().saturating_add(1);
        let pause = doubled(limits::START_BACKOFF_MIN, failures - 1).min(limits::START_BACKOFF_MAX);
        self.refuse(Refusal {
            error: error.clone(),
            until: Instant::now() + pause,
            failures,
            crashed: None,
        });
    }

    /// Refuses calls for a while, also when nobody holds the cell.
    pub(super) fn refuse(&self, refusal: Refusal) {
        let now = Instant::now();
        self.mailbox.refuse(refusal.clone());
        let mut refusals = self.kind.refusals.lock();
        // What has been over for long says nothing about the next start.
        refusals.retain(|_, old| old.until + limits::START_BACKOFF_MAX > now);
        refusals.insert(self.key.clone(), refusal);
    }

    /// Refuses calls no longer, and forgets for what it did.
    pub(super) fn forget_refusal(&self) {
        self.kind.refusals.lock().remove(&self.key);
        self.mailbox.forget_refusal();
    }

    /// Takes everything that waits, and answers whoever waits for a reply that no code of this cell will give any more.
    pub(super) fn give_up(&self, error: &CallError) -> (Vec<Mail<A>>, Vec<Request>) {
        // No sync may release a reply to a place that was answered here and used again since.
        self.gate.clear();
        self.uncount();
        self.mailbox.give_up(error, &[])
    }

    /// Does the same, but replies whose calls are committed leave when they are durable.
    pub(super) fn give_up_unheld(&self, error: &CallError) -> (Vec<Mail<A>>, Vec<Request>) {
        self.uncount();
        let held = self.gate.held();
        self.mailbox.give_up(error, &held)
    }

    /// Notes that the actor started.
    pub(super) fn awake(self: &Arc<Self>) {
        // One in memory that will be idle looks at the clock then.
        let looks = A::__STORED || A::OPTIONS.sleep_after.is_none();
        let now = looks.then(|| self.system.alarms().now());
        let woke = self.mailbox.set_awake(now);
        if woke.was_refused {
            self.kind.refusals.lock().remove(&self.key);
        }
        if woke.had_trouble {
            self.mailbox.note_woke(self.system.alarms().now());
        }
        if woke.counts_now {
            self.metrics().awake();
        }
        self.tell_change(Change::Woke);
        if self.system.is_closing() {
            // A call came in at the end of a shutdown, which has asked all to sleep already.
            self.sleep_now();
        }
    }
}

/// What became of a call that was sent.
pub(crate) enum Sent<A: Handlers> {
    /// It is in the mailbox, and nobody waits for it.
    Told,
    /// It is in the mailbox. The one who asks is woken when its reply is in this place.
    Queued(ReplySlot<A>),
    /// The actor ran already, so that its reply may be in this place. Nobody is woken before it was looked at.
    Ran(ReplySlot<A>),
    /// It is handled.
    Done(A::Reply),
}
