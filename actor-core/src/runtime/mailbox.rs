//! [`Mailbox`]: what waits for an actor, who waits for its replies, and what the actor itself is at the moment.
//!
//! # Invariants
//!
//! 1. Mail is handed out in the order in which it was pushed. A lifecycle request is due when all mail is handed out that was pushed before it.
//! 2. While the status is not `Asleep`, exactly one life exists: it is here, or with whoever runs the cell.
//! 3. A slot belongs to one ask until that ask has taken the reply or was dropped, and the reply was given or never will be.
//! 4. No code of the user's runs under the lock, and no waker is woken.

// The paths are those of the usual place; a model check compiles this file a second time from another one.
#[path = "mailbox/finished.rs"]
mod finished;
#[path = "mailbox/inner.rs"]
mod inner;
#[path = "mailbox/sending.rs"]
mod sending;
#[path = "mailbox/standing.rs"]
mod standing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Poll, Waker};

use tokio::time::Instant;

use super::sync::{Mutex, MutexGuard};
use crate::actor::Handlers;
use crate::error::CallError;
use crate::observe::trace::{self, Caller};
use crate::runtime::alarms::AlarmId;
use crate::runtime::chain::Chain;
use crate::runtime::gate::Answer;
use crate::runtime::guarded::wake_all;
use crate::runtime::health::Health;
use crate::runtime::life::Life;
use crate::runtime::mail::{Ending, Extra, Mail, Next, Request, Waiter, answer};
use crate::runtime::room::Place;
use crate::runtime::slots::ReplySlot;
use crate::runtime::supervision::Budget;
pub(super) use finished::Finished;
pub(super) use inner::Inner;
pub(crate) use sending::Sending;
pub(super) use sending::{Posted, Pushed, Taken, Unsent, Way};

/// Whether an actor is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is not in memory, or does not exist.
    Asleep,
    /// Its preamble runs.
    Starting,
    /// It answers calls.
    Awake,
    /// It answers what was sent before, and then sleeps or is destroyed.
    Stopping,
    /// It crashed too often, so that calls are refused for a while.
    Failed,
}

/// Calls are refused until then, because a start failed or the actor crashed too often.
#[derive(Clone)]
pub(crate) struct Refusal {
    /// What they are told.
    pub(crate) error: CallError,
    /// Until when.
    pub(crate) until: Instant,
    /// How often in a row.
    pub(crate) failures: u32,
    /// What is known of its crashes, if it is those; it outlives the cell.
    pub(crate) crashed: Option<Box<Health>>,
}

impl Refusal {
    /// Returns what a call is told that is refused now.
    fn told(&self) -> CallError {
        let mut error = self.error.clone();
        if let CallError::FailedTooOften { retry_after, .. } = &mut error {
            *retry_after = self.until.saturating_duration_since(Instant::now());
        }
        error
    }
}

/// What waits for one actor. The limit is behind what few calls touch.
#[repr(C)]
pub(crate) struct Mailbox<A: Handlers> {
    inner: Mutex<Inner<A>>,
    /// When the alarm is set that looks whether somebody has waited for long; `u64::MAX` if it is not.
    limit: AtomicU64,
}

/// Lets the lock go, and wakes who got room by what was done under it.
pub(super) fn release<A: Handlers>(mut inner: MutexGuard<'_, Inner<A>>) {
    let woken = inner.grant();
    drop(inner);
    wake_all(woken);
}

impl<A: Handlers> Mailbox<A> {
    pub(super) fn new(refusal: Option<Refusal>) -> Self {
        Self {
            inner: Mutex::new(Inner::new(refusal)),
            limit: AtomicU64::new(u64::MAX),
        }
    }

    /// Takes the alarms out that are set, when nobody needs the mailbox any more.
    pub(super) fn alarms(&mut self) -> (Option<AlarmId>, Option<AlarmId>) {
        let inner = self.inner.get_mut();
        (inner.idle_alarm.take(), inner.limit_alarm.take())
    }

    /// When the alarm rings by which those who wait for a reply look at the time.
    pub(super) fn limit(&self) -> &AtomicU64 {
        &self.limit
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner<A>> {
        self.inner.lock()
    }

    /// Waits in the line for room.
    pub(super) fn poll_room(&self, place: &mut Option<Place>, waker: &Waker) -> Poll<()> {
        let mut inner = self.inner.lock();
        if place.is_none() && inner.room.is_free(inner.used(), A::OPTIONS.mailbox) {
            return Poll::Ready(());
        }
        inner.room.poll(place, waker)
    }

    /// Leaves the line for room, or gives granted room back.
    pub(super) fn leave_room(&self, place: Place) {
        let mut inner = self.inner.lock();
        inner.room.leave(place);
        release(inner);
    }

    /// Pushes a call, unless there is no room: then it stays where it is. `place` is one that was granted room.
    pub(super) fn push_call(
        &self,
        call: &mut Sending<'_, A>,
        place: &mut Option<Place>,
        way: Way,
        caller: &mut Caller,
    ) -> Result<Posted<A>, Unsent> {
        // What notes it is not the framework's code, and so does not run under the lock.
        if trace::is_on() && !caller.is_noted() {
            return Err(Unsent::Unknown);
        }
        let mut locked = self.inner.lock();
        let inner = &mut *locked;
        inner.enter(place)?;
        let message = call.message.take().expect("a call is pushed once");
        // Only one that may find nobody needs to carry what the actor is created with.
        let alone = inner.status != Status::Awake || inner.requests.is_some();
        let input = call.input.filter(|_| alone).cloned();
        let here = way != Way::Queued && inner.can_run_in_place();
        if way == Way::Direct
            && here
            && let Some(Life::Awake(_)) = inner.life
            && let Some(Life::Awake(instance)) = inner.life.take()
        {
            let begun = inner.baton.try_begin();
            assert!(begun, "nobody runs a cell that listens");
            // Pushed, and taken at once.
            inner.pushed += 1;
            // It takes no room, and nobody looks for mail behind it: who was granted room has left it to the next.
            release(locked);
            return Ok(Posted::Direct(instance, message));
        }
        let reply = call.asker.map(|waker| {
            // Who runs the actor in place looks for the reply itself before it waits.
            let waker = if here { Waker::noop() } else { waker };
            inner.slots.insert(waker)
        });
        let caller = std::mem::take(caller);
        let extra = (input.is_some() || caller.is_noted()).then_some(Extra { input, caller });
        inner.append(Mail::Action {
            message,
            reply: reply.clone(),
            chain: call.chain.take(),
            extra: extra.map(Box::new),
        });
        Ok(Posted::Sent(reply, inner.rouse(here)))
    }

    /// Takes the baton of an actor that is asleep, for the one who creates it, unless a start has to wait.
    pub(super) fn claim(&self) -> bool {
        let mut inner = self.inner.lock();
        if inner.status != Status::Asleep || inner.refusal.is_some() {
            return false;
        }
        inner.status = Status::Starting;
        let begun = inner.baton.try_begin();
        assert!(begun, "INVARIANT 2: nobody runs an actor that is asleep");
        true
    }

    /// Pushes mail that is no call, unless there is no room: then it stays where it is.
    pub(super) fn push_mail(
        &self,
        mail: &mut Option<Mail<A>>,
        place: &mut Option<Place>,
    ) -> Result<Pushed<A>, Unsent> {
        let mut inner = self.inner.lock();
        inner.enter(place)?;
        Ok(inner.push(mail.take().expect("mail is pushed once")))
    }

    /// Puts a notice that a stored call is due behind the mail, also where there is no room. If the actor refuses calls, the error is
    /// until when.
    /// With it comes how much was ever pushed.
    pub(super) fn push_due(&self) -> Result<(Pushed<A>, u64), Instant> {
        let mut inner = self.inner.lock();
        if let Some(until) = inner.refused_until() {
            return Err(until);
        }
        let pushed = inner.push(Mail::Due);
        Ok((pushed, inner.all_pushed()))
    }

    /// Puts mail behind all other, also where there is no room, unless the actor refuses calls.
    pub(super) fn push_always(&self, mail: Mail<A>) -> Option<Pushed<A>> {
        let mut inner = self.inner.lock();
        let refuses = inner.refused_until().is_some();
        (!refuses).then(|| inner.push(mail))
    }

    /// Puts the same notice there if there is an instance that answers calls, so that it looks at its database.
    pub(super) fn push_if_awake(&self) -> Pushed<A> {
        let mut inner = self.inner.lock();
        if inner.status != Status::Awake {
            return Pushed::Delivered;
        }
        inner.push(Mail::Due)
    }

    /// Puts a lifecycle request behind all mail so far. A request to sleep that finds nobody is done at once.
    pub(super) fn request(
        &self,
        ending: Ending,
        waiter: Option<Waiter>,
        chain: Option<Arc<Chain>>,
    ) -> Pushed<A> {
        let mut inner = self.inner.lock();
        if ending != Ending::Destroy && inner.status == Status::Asleep {
            drop(inner);
            answer(waiter, Ok(()));
            return Pushed::Delivered;
        }
        let behind = inner.pushed;
        inner.requests.get_or_insert_default().push_back(Request {
            ending,
            waiter,
            chain,
            behind,
            idle: false,
        });
        inner.rouse(false)
    }

    /// Takes mail that may share a transaction, or one that may not, or the request that is due.
    pub(super) fn take(&self, into: &mut VecDeque<Mail<A>>) -> Taken {
        let mut inner = self.inner.lock();
        let taken = inner.take(into);
        release(inner);
        taken
    }

    /// Hands out what is next. If there is nothing, mail is what the cell waits for.
    pub(super) fn poll_next(&self) -> Poll<Next<A>> {
        let mut inner = self.inner.lock();
        let next = inner.next();
        if next.is_none() {
            inner.listen();
        }
        release(inner);
        next.map_or(Poll::Pending, Poll::Ready)
    }

    /// Waits until something is next.
    pub(super) fn poll_more(&self) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.has_next() {
            return Poll::Ready(());
        }
        inner.listen();
        release(inner);
        Poll::Pending
    }

    /// Hands out what is next, if there is something.
    pub(super) fn try_next(&self) -> Option<Next<A>> {
        let mut inner = self.inner.lock();
        let next = inner.next()?;
        release(inner);
        Some(next)
    }

    /// Returns the request that is due before any more mail, without taking it.
    pub(super) fn due(&self) -> Option<Ending> {
        self.inner.lock().due().map(|request| request.ending)
    }

    /// Puts requests back that the next instance answers.
    pub(super) fn put_back(&self, requests: Vec<Request>) {
        let mut inner = self.inner.lock();
        for request in requests.into_iter().rev() {
            inner.requests.get_or_insert_default().push_front(request);
        }
    }

    /// Puts mail back that was handed out and not handled: it is the next. For a moment there may be more than there is room for.
    pub(super) fn put_back_mail(&self, mail: &mut VecDeque<Mail<A>>) {
        let mut inner = self.inner.lock();
        inner.held = 0;
        while let Some(last) = mail.pop_back() {
            inner.alone += u32::from(last.is_async());
            inner.queue.push_front(last);
        }
    }

    /// Puts mail before all other that is there. It waits for no room: there is one at a time.
    pub(super) fn put_first(&self, mail: Mail<A>) {
        let mut inner = self.inner.lock();
        inner.alone += u32::from(mail.is_async());
        inner.queue.push_front(mail);
        inner.pushed += 1;
        // What was behind all mail still is.
        let requests = inner.requests.as_deref_mut();
        for request in requests.into_iter().flatten() {
            request.behind += 1;
        }
    }

    /// Returns whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.is_empty()
    }

    /// Answers the asks of an actor without a database, in their order, and notes how many calls are left of those that were
    /// taken out: one is handled next, and may wait, and takes no room any more.
    pub(super) fn complete_now(&self, answers: &mut Vec<Answer<A>>, left: usize) {
        let finished = Finished::answer(answers.drain(..));
        // Where none is left, who takes what is next, or sees that nothing is, notes it.
        if let Some(held) = left.checked_sub(1) {
            let mut inner = self.inner.lock();
            inner.set_held(held);
            release(inner);
        }
        finished.tell();
    }

    /// Makes a place for a reply that somebody looks for before he waits.
    pub(super) fn add_slot(&self) -> ReplySlot<A> {
        self.inner.lock().slots.insert(Waker::noop())
    }

    /// Ends the last life, if nothing waits for another one.
    ///
    /// INVARIANT 2: looking and ending are one step, so that what is pushed after it begins a new life.
    pub(super) fn retire(&self) -> bool {
        let mut inner = self.inner.lock();
        if !inner.is_empty() {
            inner.status = Status::Starting;
            // What comes is another one.
            inner.since = 0;
            return false;
        }
        inner.fall_asleep();
        inner.queue = VecDeque::new();
        inner.slots.shrink(0);
        true
    }

    /// Takes everything that waits.
    pub(super) fn drain(&self) -> (Vec<Mail<A>>, Vec<Request>) {
        let mut inner = self.inner.lock();
        let taken = inner.drain();
        release(inner);
        taken
    }

    /// Takes what waits before the first wish that the actor be destroyed, or everything. Returns whether there is such a wish.
    pub(super) fn drain_to_destruction(&self) -> (Vec<Mail<A>>, Vec<Request>, bool) {
        let mut inner = self.inner.lock();
        let taken = inner.drain_to_destruction();
        release(inner);
        taken
    }

    /// Takes everything that waits and ends the last life, in one step, and answers all asks that are not answered yet, but for
    /// those whose replies somebody holds.
    pub(super) fn give_up(
        &self,
        error: &CallError,
        held: &[ReplySlot<A>],
    ) -> (Vec<Mail<A>>, Vec<Request>) {
        let mut inner = self.inner.lock();
        let taken = inner.drain();
        inner.fall_asleep();
        // Those whose mail was taken out before, by an instance that is gone.
        let named: Vec<_> = taken.0.iter().filter_map(Mail::reply).cloned().collect();
        let finished = inner.answer_lost(error, &[held, &named].concat());
        release(inner);
        finished.tell();
        taken
    }
}
