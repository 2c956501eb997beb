//! [`Mailbox`]: what waits for an actor, who waits for its replies, and what the actor itself is at the moment.
//!
//! # Invariants
//!
//! 1. Mail is handed out in the order in which it was pushed. A lifecycle request is due when all mail is handed out that was pushed before it.
//! 2. While the status is not `Asleep`, exactly one life exists: it is here, or with whoever runs the cell.
//! 3. A slot belongs to one ask until that ask has taken the reply or was dropped, and the reply was given or never will be.
//! 4. No code of the user's runs under the lock, and no waker is woken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::{CallError, StartError};
use crate::limits;
use crate::runtime::alarms::AlarmId;
use crate::runtime::baton::{Baton, Due};
use crate::runtime::chain::Chain;
use crate::runtime::gate::Answer;
use crate::runtime::instance::Instance;
use crate::runtime::life::Life;
use crate::runtime::mail::{Ending, Mail, Next, Request, Waiter, answer};
use crate::runtime::room::{Place, Room};
use crate::runtime::slots::{Completed, SlotId, Slots};

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
}

/// Calls are refused until then, because a start failed.
#[derive(Clone)]
pub(crate) struct Refusal {
    /// How it failed.
    pub(crate) error: Arc<StartError>,
    /// Until when.
    pub(crate) until: Instant,
    /// How often in a row.
    pub(crate) failures: u32,
}

/// What waits for one actor.
pub(crate) struct Mailbox<A: Handlers> {
    inner: Mutex<Inner<A>>,
    /// When the alarm is set that looks whether somebody has waited for long; `u64::MAX` if it is not.
    limit: AtomicU64,
}

pub(super) struct Inner<A: Handlers> {
    pub(super) baton: Baton,
    pub(super) status: Status,
    /// What the actor is, between two runs.
    pub(super) life: Option<Life<A>>,
    queue: VecDeque<Mail<A>>,
    /// How many of them may wait, so that each is handled alone.
    alone: usize,
    /// How many were taken out together and are not handled yet.
    held: usize,
    /// Nothing at all as long as there is none.
    requests: Option<Box<VecDeque<Request>>>,
    slots: Slots<Result<A::Reply, CallError>>,
    room: Room,
    pushed: u64,
    taken: u64,
    refusal: Option<Box<Refusal>>,
    /// When the actor came to be, if it is in memory only, and when it became idle the last time: milliseconds of the alarms,
    /// of which the first has no 0.
    since: u64,
    pub(super) idle_since: u64,
    /// The alarm that looks whether it has been so for long.
    pub(super) idle_alarm: Option<AlarmId>,
    /// The alarm that looks whether somebody has waited for long.
    pub(super) limit_alarm: Option<AlarmId>,
}

/// What has to be done for mail or a request that was pushed, when no lock is held.
#[must_use]
pub(super) enum Pushed<A: Handlers> {
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
}

/// What became of a call.
pub(super) enum Posted<A: Handlers> {
    /// It is in the mailbox, and its reply will be in this place.
    Sent(Option<SlotId>, Pushed<A>),
    /// The actor does nothing else, so whoever wanted to push the call runs it. The caller has the baton and the life.
    Direct(Box<Instance<A>>, A::Message),
}

/// Why mail was not pushed.
pub(super) enum Unsent {
    /// There is no room for it.
    Full,
    /// The last start failed, and it is too early for the next one.
    Refused(Arc<StartError>),
}

/// How a mail is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Whoever pushes it runs the actor in place, if nobody runs it, and needs no mail if the actor is awake.
    Direct,
    /// Whoever pushes it runs the actor in place, if nobody runs it.
    InPlace,
    /// Somebody else runs the actor.
    Queued,
}

/// What was taken out of the mailbox.
pub(super) enum Taken {
    /// Nothing is there.
    Nothing,
    /// Mail, which is in the buffer that was given.
    Mail,
    /// A request that is due.
    Request(Request),
}

impl<A: Handlers> Mailbox<A> {
    pub(super) fn new(refusal: Option<Refusal>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                baton: Baton::new(),
                status: Status::Asleep,
                life: None,
                queue: VecDeque::new(),
                alone: 0,
                held: 0,
                requests: None,
                slots: Slots::new(),
                room: Room::default(),
                pushed: 0,
                taken: 0,
                refusal: refusal.map(Box::new),
                since: 0,
                idle_since: 0,
                idle_alarm: None,
                limit_alarm: None,
            }),
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
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Pushes a call, unless there is no room: then it stays where it is. `place` is one that was granted room.
    pub(super) fn push_call(
        &self,
        call: &mut Sending<'_, A>,
        place: &mut Option<Place>,
        way: Way,
    ) -> Result<Posted<A>, Unsent> {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        inner.enter(place)?;
        let message = call.message.take().expect("a call is pushed once");
        // Only one that may find nobody needs to carry what the actor is created with.
        let alone = inner.status != Status::Awake || inner.requests.is_some();
        let input = call.input.filter(|_| alone).cloned();
        let is_async = A::__action(&message).is_async;
        let here = way != Way::Queued && inner.can_run_in_place();
        if way == Way::Direct
            && here
            && let Some(Life::Awake(_)) = inner.life
            && let Some(Life::Awake(instance)) = inner.life.take()
        {
            let begun = inner.baton.try_begin();
            assert!(begun, "nobody runs a cell that listens");
            return Ok(Posted::Direct(instance, message));
        }
        let reply = call.asker.map(|waker| {
            // Who runs the actor in place looks for the reply itself before it waits.
            let waker = if here { Waker::noop() } else { waker };
            inner.slots.insert(waker.clone())
        });
        inner.queue.push_back(Mail::Action {
            message,
            reply,
            input,
            chain: call.chain.take(),
        });
        inner.pushed += 1;
        inner.alone += usize::from(is_async);
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

    /// Pushes a wish to create the actor, unless there is no room.
    pub(super) fn push_create(
        &self,
        input: &Arc<A::Input>,
        waiter: &mut Option<Waiter>,
        place: &mut Option<Place>,
    ) -> Result<Pushed<A>, Unsent> {
        let mut inner = self.inner.lock();
        inner.enter(place)?;
        let waiter = waiter.take().expect("a creation is pushed once");
        let input = Arc::clone(input);
        inner.queue.push_back(Mail::Create { input, waiter });
        inner.pushed += 1;
        Ok(inner.rouse(false))
    }

    /// Puts a lifecycle request behind all mail so far. A request to sleep that finds nobody is done at once.
    pub(super) fn request(&self, ending: Ending, waiter: Option<Waiter>) -> Pushed<A> {
        let mut inner = self.inner.lock();
        if ending == Ending::Sleep && inner.status == Status::Asleep {
            drop(inner);
            answer(waiter, Ok(()));
            return Pushed::Delivered;
        }
        let behind = inner.pushed;
        inner.requests.get_or_insert_default().push_back(Request {
            ending,
            waiter,
            behind,
            idle: false,
        });
        inner.rouse(false)
    }

    /// Takes mail that may share a transaction, or one that may not, or the request that is due.
    pub(super) fn take(&self, into: &mut VecDeque<Mail<A>>) -> Taken {
        let mut inner = self.inner.lock();
        let taken = inner.take(into);
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
        taken
    }

    /// Hands out what is next. If there is nothing, mail is what the cell waits for.
    pub(super) fn poll_next(&self) -> Poll<Next<A>> {
        let mut inner = self.inner.lock();
        match inner.next() {
            None => {
                inner.baton.listen();
                Poll::Pending
            }
            Some(next) => {
                let woken = inner.grant();
                drop(inner);
                woken.into_iter().for_each(Waker::wake);
                Poll::Ready(next)
            }
        }
    }

    /// Waits until something is next.
    pub(super) fn poll_more(&self) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.has_next() {
            return Poll::Ready(());
        }
        inner.baton.listen();
        Poll::Pending
    }

    /// Hands out what is next, if there is something.
    pub(super) fn try_next(&self) -> Option<Next<A>> {
        let mut inner = self.inner.lock();
        let next = inner.next()?;
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
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
            inner.alone += usize::from(last.is_async());
            inner.queue.push_front(last);
            inner.taken -= 1;
        }
    }

    /// Returns whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.is_empty()
    }

    /// Answers an ask.
    pub(super) fn complete(&self, slot: SlotId, result: Result<A::Reply, CallError>) {
        let mut finished = Finished::default();
        finished.add(self.inner.lock().slots.complete(slot, result));
        finished.tell();
    }

    /// Answers asks in their order. Who waits is told when the caller holds no lock any more.
    pub(super) fn complete_all(
        &self,
        answers: impl IntoIterator<Item = (SlotId, Result<A::Reply, CallError>)>,
    ) -> Finished<Result<A::Reply, CallError>> {
        let mut finished = Finished::default();
        let mut inner = self.inner.lock();
        for (slot, result) in answers {
            finished.add(inner.slots.complete(slot, result));
        }
        finished
    }

    /// Answers the asks of an actor without a database, in their order, and notes how many calls are still to be handled of
    /// those that were taken out.
    pub(super) fn complete_now(&self, answers: &mut Vec<Answer<A>>, held: usize) {
        let mut finished = Finished::default();
        let mut inner = self.inner.lock();
        for (slot, result) in answers.drain(..) {
            finished.add(inner.slots.complete(slot, result));
        }
        inner.held = held;
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
        finished.tell();
    }

    /// Looks for the reply of an ask.
    pub(crate) fn poll_reply(
        &self,
        slot: SlotId,
        task: &Context<'_>,
    ) -> Poll<Result<A::Reply, CallError>> {
        self.inner.lock().slots.poll(slot, task.waker())
    }

    /// Gives up an ask whose reply was not taken; the reply, if one comes, is dropped.
    pub(crate) fn abandon(&self, slot: SlotId) {
        let dropped = self.inner.lock().slots.abandon(slot);
        // A reply may run user code when it is dropped, so not under the lock.
        drop(dropped);
    }

    /// Returns whether the actor is awake.
    pub(crate) fn status(&self) -> Status {
        self.inner.lock().status
    }

    /// Notes how far the instance is.
    pub(super) fn set_status(&self, status: Status) {
        self.inner.lock().status = status;
    }

    /// Notes that a start succeeded, and when.
    pub(super) fn set_awake(&self, now: u64) {
        let mut inner = self.inner.lock();
        inner.status = Status::Awake;
        inner.refusal = None;
        if inner.since == 0 {
            inner.since = now.max(1);
        }
    }

    /// Returns since when an actor exists that is in memory only, and whether it answers calls; `None` if it does not exist.
    pub(crate) fn awake_since(&self) -> Option<(Status, u64)> {
        let inner = self.inner.lock();
        (inner.since > 0).then_some((inner.status, inner.since))
    }

    /// Refuses calls for a while, from the moment the instance ends.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.inner.lock().refusal = Some(Box::new(refusal));
    }

    /// Returns how often in a row the actor failed to start.
    pub(super) fn failures(&self) -> u32 {
        self.inner
            .lock()
            .refusal
            .as_ref()
            .map_or(0, |refusal| refusal.failures)
    }

    /// Ends the last life, if nothing waits for another one.
    ///
    /// INVARIANT 2: looking and ending are one step, so that what is pushed after it begins a new life.
    pub(super) fn retire(&self) -> bool {
        let mut inner = self.inner.lock();
        if !inner.is_empty() {
            inner.status = Status::Starting;
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
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
        taken
    }

    /// Takes everything that waits and ends the last life, in one step, and answers all asks that are not answered yet.
    pub(super) fn give_up(&self, error: &CallError) -> (Vec<Mail<A>>, Vec<Request>) {
        let mut inner = self.inner.lock();
        let taken = inner.drain();
        inner.fall_asleep();
        // Those whose mail was taken out before, by an instance that is gone.
        let handed_out = inner.slots.waiting_except(&taken.0, Mail::reply);
        let mut finished = Finished::default();
        for slot in handed_out {
            finished.add(inner.slots.complete(slot, Err(error.clone())));
        }
        let woken = inner.grant();
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
        finished.tell();
        taken
    }
}

impl<A: Handlers> Inner<A> {
    /// Takes room for one mail, unless the actor refuses calls.
    fn enter(&mut self, place: &mut Option<Place>) -> Result<(), Unsent> {
        if self.status == Status::Asleep
            && let Some(refusal) = &self.refusal
            && Instant::now() < refusal.until
        {
            return Err(Unsent::Refused(Arc::clone(&refusal.error)));
        }
        if place.take().is_some() {
            self.room.settle();
        } else if !self.room.is_free(self.used(), A::OPTIONS.mailbox) {
            return Err(Unsent::Full);
        }
        Ok(())
    }

    /// Returns how much room is in use.
    fn used(&self) -> usize {
        self.queue.len() + self.held
    }

    /// Gives free room to those who wait for it.
    fn grant(&mut self) -> Vec<Waker> {
        self.room.grant(self.used(), A::OPTIONS.mailbox)
    }

    /// Returns whether nobody runs the actor, and what it waits for is mail.
    fn can_run_in_place(&self) -> bool {
        self.status == Status::Asleep || (self.baton.is_listening() && self.life.is_some())
    }

    /// Sees to it that what was just pushed is looked at.
    fn rouse(&mut self, here: bool) -> Pushed<A> {
        if self.status == Status::Asleep {
            self.status = Status::Starting;
            let begun = self.baton.try_begin();
            assert!(begun, "INVARIANT 2: nobody runs an actor that is asleep");
            return Pushed::Start;
        }
        if here && self.baton.try_begin() {
            let life = self.life.take();
            return Pushed::Run(life.expect("INVARIANT 2: nobody had the life"));
        }
        match self.baton.arrived() {
            Due::Queue => Pushed::Queue,
            Due::Nothing => Pushed::Delivered,
        }
    }

    /// Notes that there is no life any more. Whoever does it has the baton, or nobody has.
    fn fall_asleep(&mut self) {
        self.status = Status::Asleep;
        self.baton = Baton::new();
        self.idle_since = 0;
        self.since = 0;
    }

    fn drain(&mut self) -> (Vec<Mail<A>>, Vec<Request>) {
        self.taken = self.pushed;
        (self.alone, self.held) = (0, 0);
        let requests = self.requests.take().unwrap_or_default();
        (
            self.queue.drain(..).collect(),
            requests.into_iter().collect(),
        )
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.requests.is_none()
    }

    pub(super) fn has_next(&self) -> bool {
        !self.queue.is_empty() || self.due().is_some()
    }

    /// Puts a request to sleep behind all mail: the actor was idle for long enough.
    pub(super) fn sleep_idle(&mut self) {
        let behind = self.pushed;
        self.requests.get_or_insert_default().push_back(Request {
            ending: Ending::Sleep,
            waiter: None,
            behind,
            idle: true,
        });
    }

    /// Returns whom to wake so that everybody who waits for a reply looks at the time.
    pub(super) fn waiting(&self) -> Vec<Waker> {
        self.slots.waiting()
    }

    /// Lets memory go that only a burst of calls needed.
    pub(super) fn trim(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(limits::IDLE_MAIL);
        }
        self.slots.shrink(limits::IDLE_MAIL);
        if let Some(Life::Awake(instance)) = &mut self.life {
            instance.trim();
        }
    }

    fn due(&self) -> Option<&Request> {
        let first = self.requests.as_ref()?.front();
        first.filter(|request| request.behind <= self.taken)
    }

    /// Takes the request that is due. One that is only there because the actor was idle does not count when it is not.
    fn take_due(&mut self) -> Option<Request> {
        loop {
            self.due()?;
            let requests = self.requests.as_mut()?;
            let request = requests.pop_front()?;
            if requests.is_empty() {
                self.requests = None;
            }
            if !request.idle || self.queue.is_empty() {
                return Some(request);
            }
        }
    }

    fn next(&mut self) -> Option<Next<A>> {
        if let Some(request) = self.take_due() {
            return Some(Next::Request(request));
        }
        self.pop().map(Next::Mail)
    }

    fn pop(&mut self) -> Option<Mail<A>> {
        let mail = self.queue.pop_front()?;
        self.taken += 1;
        self.alone -= usize::from(mail.is_async());
        Some(mail)
    }

    /// Takes into an empty buffer what may be handled together.
    fn take(&mut self, into: &mut VecDeque<Mail<A>>) -> Taken {
        self.held = 0;
        if let Some(request) = self.take_due() {
            return Taken::Request(request);
        }
        if self.requests.is_none() && self.alone == 0 {
            std::mem::swap(&mut self.queue, into);
            self.taken += into.len() as u64;
        } else {
            self.take_some(into);
        }
        // The one that is handled takes no room any more.
        self.held = into.len().saturating_sub(1);
        if into.is_empty() {
            Taken::Nothing
        } else {
            Taken::Mail
        }
    }

    fn take_some(&mut self, into: &mut VecDeque<Mail<A>>) {
        let requests = self.requests.as_ref();
        let first = requests.and_then(|requests| requests.front());
        // INVARIANT 1: what is behind a request is not handed out before it.
        let before = first.map_or(u64::MAX, |request| request.behind);
        while into.len() < limits::CALLS_PER_COMMIT
            && self.taken < before
            && let Some(mail) = self.queue.front()
        {
            let alone = mail.is_async();
            if alone && !into.is_empty() {
                break;
            }
            into.extend(self.pop());
            if alone {
                break;
            }
        }
    }
}

thread_local! {
    /// Memory for those who are to be woken, so that an answer allocates nothing.
    static WAKERS: std::cell::Cell<Vec<Waker>> = const { std::cell::Cell::new(Vec::new()) };
}

/// Whom to wake, and what nobody takes, once no lock is held: both may run code of the user's.
#[must_use]
pub(super) struct Finished<R> {
    wakers: Vec<Waker>,
    unclaimed: Vec<R>,
}

impl<R> Default for Finished<R> {
    fn default() -> Self {
        Self {
            wakers: WAKERS.take(),
            unclaimed: Vec::new(),
        }
    }
}

impl<R> Finished<R> {
    fn add(&mut self, completed: Completed<R>) {
        match completed {
            Completed::Wake(waker) => self.wakers.push(waker),
            Completed::Unclaimed(reply) => self.unclaimed.push(reply),
        }
    }

    /// Wakes who waits.
    pub(super) fn tell(mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
        WAKERS.set(self.wakers);
        drop(self.unclaimed);
    }
}
