//! [`Cell`]: the place of one key, whether its actor is awake, asleep or not there.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::task::Waker;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::{CallError, StartError, Subject};
use crate::handle::ActorRef;
use crate::key::Key;
use crate::limits;
use crate::runtime::chain::{Chain, Place};
use crate::runtime::gate::Gate;
use crate::runtime::mailbox::{Ending, Mail, Mailbox, Origin, Pushed, Refusal, Request};
use crate::runtime::slots::SlotId;
use crate::runtime::task;
use crate::store::{Durability, Gatekeeper, MigrationError, Paths, Syncing, Template};
use crate::system::System;

/// All cells of one type of actor in one system.
pub(crate) struct Kind<A: Handlers> {
    /// INVARIANT: one cell a key, as long as anybody holds it; so one mailbox, one instance.
    cells: Mutex<HashMap<Key, Weak<Cell<A>>>>,
    /// Which keys refuse calls; kept apart from the cells, which nobody may hold meanwhile.
    refusals: Mutex<HashMap<Key, Refusal>>,
    template: Result<Arc<Template>, Arc<MigrationError>>,
}

/// The place of one key.
pub(crate) struct Cell<A: Handlers> {
    kind: Arc<Kind<A>>,
    system: System,
    key: Key,
    mailbox: Mailbox<A>,
    gate: Gate<A>,
    /// Who waits for the action that runs.
    waiting: Mutex<Option<Arc<Chain>>>,
}

impl<A: Handlers> Place for Cell<A> {
    fn subject(&self) -> Subject {
        Cell::subject(self)
    }

    fn waiting(&self) -> Option<Arc<Chain>> {
        self.waiting.lock().clone()
    }
}

impl<A: Handlers> Kind<A> {
    pub(crate) fn new(template: Result<Arc<Template>, Arc<MigrationError>>) -> Self {
        Self {
            cells: Mutex::new(HashMap::new()),
            refusals: Mutex::new(HashMap::new()),
            template,
        }
    }

    /// Returns the cell of a key.
    pub(crate) fn cell(self: &Arc<Self>, system: &System, key: Key) -> Arc<Cell<A>> {
        let mut cells = self.cells.lock();
        if let Some(cell) = cells.get(&key).and_then(Weak::upgrade) {
            return cell;
        }
        let refusal = self.refusals.lock().get(&key).cloned();
        let cell = Arc::new(Cell {
            kind: Arc::clone(self),
            system: system.clone(),
            key: key.clone(),
            mailbox: Mailbox::new(refusal),
            gate: Gate::new(),
            waiting: Mutex::new(None),
        });
        cells.insert(key, Arc::downgrade(&cell));
        cell
    }

    /// Returns the cells that somebody holds.
    pub(crate) fn live(&self) -> Vec<Arc<Cell<A>>> {
        self.cells
            .lock()
            .values()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// Returns the cell of a key, if somebody holds it.
    pub(crate) fn find(&self, key: &Key) -> Option<Arc<Cell<A>>> {
        self.cells.lock().get(key).and_then(Weak::upgrade)
    }

    pub(super) fn template(&self) -> Result<Arc<Template>, Arc<MigrationError>> {
        self.template.clone()
    }
}

impl<A: Handlers> Drop for Cell<A> {
    fn drop(&mut self) {
        let mut cells = self.kind.cells.lock();
        // A new cell may have taken the place between the last reference and this lock.
        if cells
            .get(&self.key)
            .is_some_and(|cell| cell.strong_count() == 0)
        {
            cells.remove(&self.key);
        }
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

    /// Notes who waits for what runs next.
    pub(super) fn set_waiting(&self, chain: Option<Arc<Chain>>) {
        *self.waiting.lock() = chain;
    }

    pub(super) fn gate(&self) -> &Gate<A> {
        &self.gate
    }

    /// Returns who syncs the actor's log, and whom the syncs release.
    pub(super) fn syncing(self: &Arc<Self>) -> Syncing {
        let pool = Arc::clone(self.system.store().pool());
        (pool, Arc::clone(self) as Arc<dyn Gatekeeper>)
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

    /// Puts mail into the room that the caller reserved, and starts the actor if it sleeps.
    pub(crate) fn send_reserved(self: &Arc<Self>, mail: Mail<A>) -> Result<(), CallError> {
        self.check_open()?;
        let pushed = self.mailbox.push(mail).map_err(CallError::Start)?;
        self.start_if(&pushed);
        Ok(())
    }

    /// Puts an ask into the room that the caller reserved, and starts the actor if it sleeps.
    pub(crate) fn ask_reserved(
        self: &Arc<Self>,
        message: A::Message,
        origin: Origin<A>,
        waker: &Waker,
    ) -> Result<SlotId, CallError> {
        self.check_open()?;
        let chain = origin.1.clone();
        let (slot, pushed) = self
            .mailbox
            .push_ask(message, origin, waker)
            .map_err(CallError::Start)?;
        if matches!(pushed, Pushed::Start) {
            // The hooks of the preamble run for the one that asks.
            self.set_waiting(chain);
        }
        self.start_if(&pushed);
        Ok(slot)
    }

    /// Asks the actor to end, and waits until it has.
    pub(crate) async fn end(self: &Arc<Self>, ending: Ending) -> Result<(), CallError> {
        if self.system.is_closing() {
            return Err(self.shut_down());
        }
        let (waiter, done) = oneshot::channel();
        let pushed = self.mailbox.request(ending, Some(waiter));
        self.start_if(&pushed);
        done.await.unwrap_or_else(|_| Err(self.shut_down()))
    }

    /// Tells the actor that a stored call is due, and wakes it if it sleeps.
    pub(crate) fn due(self: &Arc<Self>) {
        if !self.system.is_closing() {
            let pushed = self.mailbox.push_due();
            self.start_if(&pushed);
        }
    }

    /// Asks the actor to sleep; nobody waits.
    pub(crate) fn sleep_now(self: &Arc<Self>) {
        let pushed = self.mailbox.request(Ending::Sleep, None);
        self.start_if(&pushed);
    }

    fn start_if(self: &Arc<Self>, pushed: &Pushed) {
        if matches!(pushed, Pushed::Start) {
            self.system.spawn(task::run(Arc::clone(self)));
        }
    }

    /// Gives reserved room back when the system is closing.
    fn check_open(&self) -> Result<(), CallError> {
        if self.system.is_closing() {
            self.mailbox.unreserve();
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
    pub(super) fn back_off(&self, error: &Arc<StartError>) {
        let failures = self.mailbox.failures().saturating_add(1);
        let factor = 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX);
        let pause = limits::START_BACKOFF_MIN
            .saturating_mul(factor)
            .min(limits::START_BACKOFF_MAX);
        let now = Instant::now();
        let refusal = Refusal {
            error: Arc::clone(error),
            until: now + pause,
            failures,
        };
        self.mailbox.refuse(refusal.clone());
        let mut refusals = self.kind.refusals.lock();
        // What has been over for long says nothing about the next start.
        refusals.retain(|_, old| old.until + limits::START_BACKOFF_MAX > now);
        refusals.insert(self.key.clone(), refusal);
    }

    /// Takes everything that waits, and answers whoever waits for a reply that no code of this cell will give any more.
    pub(super) fn give_up(&self, error: &CallError) -> (Vec<Mail<A>>, Vec<Request>) {
        // No sync may release a reply to a place that was answered here and used again since.
        self.gate.clear();
        self.mailbox.give_up(error)
    }

    /// Notes that the actor started.
    pub(super) fn awake(&self) {
        if self.mailbox.failures() > 0 {
            self.kind.refusals.lock().remove(&self.key);
        }
        self.mailbox.set_awake();
        if self.system.is_closing() {
            // A call came in at the end of a shutdown, which has asked all to sleep already.
            let _: Pushed = self.mailbox.request(Ending::Sleep, None);
        }
    }
}
