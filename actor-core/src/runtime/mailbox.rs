//! [`Mailbox`]: what waits for an actor, and who waits for its replies.
//!
//! # Invariants
//!
//! 1. Mail is handed out in the order in which it was pushed. A lifecycle request is due when all mail is handed out that was pushed before it.
//! 2. While the status is not `Asleep`, exactly one instance task exists, and it looks here before it ends.
//! 3. A slot belongs to one ask until that ask has taken the reply or was dropped, and the reply was given or never will be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::{CallError, StartError};
use crate::runtime::chain::Chain;
use crate::runtime::inside::{Work, room_of};
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

/// What an actor is asked to do besides its actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Sleep.
    Sleep,
    /// Be destroyed.
    Destroy,
}

/// Who waits for an [`Ending`].
pub(crate) type Waiter = oneshot::Sender<Result<(), CallError>>;

/// One thing in the mailbox.
pub(crate) enum Mail<A: Handlers> {
    /// A call of an action.
    Action {
        /// Which action, with its arguments.
        message: A::Message,
        /// Where the reply goes; nowhere for a tell.
        reply: Option<SlotId>,
        /// What the actor is created with if it does not exist.
        input: Option<Arc<A::Input>>,
        /// Who waits for the reply, if actors do.
        chain: Option<Arc<Chain>>,
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
    /// A notice that a stored call is due. It needs no room: there is one at a time.
    Due,
}

/// Where an ask comes from: what it may create the actor with, and who waits for the reply.
pub(crate) type Origin<A> = (Option<Arc<<A as Handlers>::Input>>, Option<Arc<Chain>>);

/// A lifecycle request.
pub(crate) struct Request {
    /// What to do.
    pub(crate) ending: Ending,
    /// Who waits.
    pub(crate) waiter: Option<Waiter>,
    /// How much mail was pushed before it.
    behind: u64,
}

impl Request {
    /// Makes the request of an actor that was idle for long enough.
    pub(super) fn sleep() -> Self {
        Self {
            ending: Ending::Sleep,
            waiter: None,
            behind: 0,
        }
    }
}

/// What an instance does next.
pub(crate) enum Next<A: Handlers> {
    /// This mail.
    Mail(Mail<A>),
    /// This request.
    Request(Request),
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
    /// One permit for each mail that still fits.
    room: Semaphore,
}

struct Inner<A: Handlers> {
    queue: VecDeque<Mail<A>>,
    requests: VecDeque<Request>,
    slots: Slots<Result<A::Reply, CallError>>,
    pushed: u64,
    taken: u64,
    status: Status,
    refusal: Option<Refusal>,
    instance: Option<Waker>,
}

/// What the pusher has to do.
#[must_use]
pub(crate) enum Pushed {
    /// Nothing: an instance is there.
    Delivered,
    /// Spawn the instance.
    Start,
}

impl<A: Handlers> Mailbox<A> {
    pub(super) fn new(refusal: Option<Refusal>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                queue: VecDeque::new(),
                requests: VecDeque::new(),
                slots: Slots::new(),
                pushed: 0,
                taken: 0,
                status: Status::Asleep,
                refusal,
                instance: None,
            }),
            room: Semaphore::new(A::OPTIONS.mailbox),
        }
    }

    /// Takes room for one mail, if there is some.
    pub(crate) fn try_reserve(&self) -> bool {
        self.room
            .try_acquire()
            .map(tokio::sync::SemaphorePermit::forget)
            .is_ok()
    }

    /// Waits for room for one mail and takes it. First come, first served.
    pub(crate) async fn reserve(&self) {
        self.room
            .acquire()
            .await
            .expect("the semaphore is never closed")
            .forget();
    }

    /// Puts an ask into the reserved room, and registers who waits for its reply.
    pub(super) fn push_ask(
        &self,
        message: A::Message,
        (input, chain): Origin<A>,
        waker: &Waker,
    ) -> Result<(SlotId, Pushed), Arc<StartError>> {
        let mut inner = self.inner.lock();
        self.check(&mut inner)?;
        let slot = inner.slots.insert(waker.clone());
        let mail = Mail::Action {
            message,
            reply: Some(slot),
            input,
            chain,
        };
        Ok((slot, inner.push(mail)))
    }

    /// Puts mail into the reserved room.
    pub(super) fn push(&self, mail: Mail<A>) -> Result<Pushed, Arc<StartError>> {
        let mut inner = self.inner.lock();
        self.check(&mut inner)?;
        Ok(inner.push(mail))
    }

    /// Puts a notice that a stored call is due behind the mail, unless the actor refuses calls.
    pub(super) fn push_due(&self) -> Pushed {
        let mut inner = self.inner.lock();
        if inner.refuses().is_some() {
            return Pushed::Delivered;
        }
        inner.push(Mail::Due)
    }

    /// Gives the reserved room back if the actor refuses calls.
    fn check(&self, inner: &mut Inner<A>) -> Result<(), Arc<StartError>> {
        inner.refuses().map_or(Ok(()), |error| {
            self.unreserve();
            Err(error)
        })
    }

    /// Gives back room that was reserved and is not needed.
    pub(super) fn unreserve(&self) {
        self.room.add_permits(1);
    }

    /// Puts a lifecycle request behind all mail so far. A request to sleep that finds nobody is done at once.
    pub(super) fn request(&self, ending: Ending, waiter: Option<Waiter>) -> Pushed {
        let mut inner = self.inner.lock();
        if ending == Ending::Sleep && inner.status == Status::Asleep {
            drop(inner);
            answer(waiter, Ok(()));
            return Pushed::Delivered;
        }
        let behind = inner.pushed;
        inner.requests.push_back(Request {
            ending,
            waiter,
            behind,
        });
        inner.rouse()
    }

    /// Hands out what is next.
    pub(super) fn poll_next(&self, task: &mut Context<'_>) -> Poll<Next<A>> {
        let mut inner = self.inner.lock();
        if let Some(next) = inner.next() {
            drop(inner);
            return Poll::Ready(self.hand_out(next));
        }
        match &mut inner.instance {
            Some(waker) => waker.clone_from(task.waker()),
            empty => *empty = Some(task.waker().clone()),
        }
        Poll::Pending
    }

    /// Hands out what is next, if there is something.
    pub(super) fn try_next(&self) -> Option<Next<A>> {
        let next = self.inner.lock().next()?;
        Some(self.hand_out(next))
    }

    fn hand_out(&self, next: Next<A>) -> Next<A> {
        if matches!(&next, Next::Mail(mail) if mail.takes_room()) {
            self.room.add_permits(1);
        }
        next
    }

    /// Returns the request that is due before any more mail, without taking it.
    pub(super) fn due(&self) -> Option<Ending> {
        self.inner.lock().due().map(|request| request.ending)
    }

    /// Puts requests back that the next instance answers.
    pub(super) fn put_back(&self, requests: Vec<Request>) {
        let mut inner = self.inner.lock();
        for request in requests.into_iter().rev() {
            inner.requests.push_front(request);
        }
    }

    /// Puts mail back that was handed out and not handled: it is the next.
    pub(super) fn put_back_mail(&self, mail: Mail<A>) {
        let mut inner = self.inner.lock();
        inner.queue.push_front(mail);
        inner.taken -= 1;
        drop(inner);
        // Its room was given back when it was handed out, and may be taken: then there is one more for a moment.
        self.room.forget_permits(1);
    }

    /// Returns whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        let inner = self.inner.lock();
        inner.queue.is_empty() && inner.requests.is_empty()
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
        answers: Vec<(SlotId, Result<A::Reply, CallError>)>,
    ) -> Finished<Result<A::Reply, CallError>> {
        let mut finished = Finished::default();
        let mut inner = self.inner.lock();
        for (slot, result) in answers {
            finished.add(inner.slots.complete(slot, result));
        }
        finished
    }

    /// Looks for the reply of an ask.
    pub(crate) fn poll_reply(
        &self,
        slot: SlotId,
        task: &Context<'_>,
    ) -> Poll<Result<A::Reply, CallError>> {
        self.inner.lock().slots.poll(slot, task.waker())
    }

    /// Gives up an ask; its reply, if one comes, is dropped.
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

    /// Notes that a start succeeded.
    pub(super) fn set_awake(&self) {
        let mut inner = self.inner.lock();
        inner.status = Status::Awake;
        inner.refusal = None;
    }

    /// Refuses calls for a while, from the moment the instance ends.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.inner.lock().refusal = Some(refusal);
    }

    /// Returns how often in a row the actor failed to start.
    pub(super) fn failures(&self) -> u32 {
        self.inner
            .lock()
            .refusal
            .as_ref()
            .map_or(0, |refusal| refusal.failures)
    }

    /// Ends the instance if nothing waits for it.
    ///
    /// INVARIANT 2: looking and ending are one step, so that what is pushed after it starts a new instance.
    pub(super) fn retire(&self) -> bool {
        let mut inner = self.inner.lock();
        if !inner.queue.is_empty() || !inner.requests.is_empty() {
            inner.status = Status::Starting;
            return false;
        }
        inner.status = Status::Asleep;
        inner.instance = None;
        inner.queue.shrink_to_fit();
        inner.requests.shrink_to_fit();
        true
    }

    /// Takes everything that waits.
    pub(super) fn drain(&self) -> (Vec<Mail<A>>, Vec<Request>) {
        let taken = self.inner.lock().drain();
        self.room.add_permits(room_of(&taken.0));
        taken
    }

    /// Takes everything that waits and ends the instance, in one step, and answers all asks that are not answered yet.
    pub(super) fn give_up(&self, error: &CallError) -> (Vec<Mail<A>>, Vec<Request>) {
        let mut inner = self.inner.lock();
        let taken = inner.drain();
        inner.status = Status::Asleep;
        inner.instance = None;
        // Those whose mail was taken out before, by an instance that is gone.
        let handed_out = inner.slots.waiting_except(&taken.0, |mail| match mail {
            Mail::Action { reply, .. } => *reply,
            Mail::Create { .. } | Mail::Work(_) | Mail::Due => None,
        });
        let mut finished = Finished::default();
        for slot in handed_out {
            finished.add(inner.slots.complete(slot, Err(error.clone())));
        }
        drop(inner);
        self.room.add_permits(room_of(&taken.0));
        finished.tell();
        taken
    }
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
            wakers: Vec::new(),
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
    pub(super) fn tell(self) {
        self.wakers.into_iter().for_each(Waker::wake);
        drop(self.unclaimed);
    }
}

impl<A: Handlers> Inner<A> {
    /// Returns why calls are refused now: the last start failed.
    fn refuses(&self) -> Option<Arc<StartError>> {
        let refusal = self.refusal.as_ref()?;
        let refused = self.status == Status::Asleep && Instant::now() < refusal.until;
        refused.then(|| Arc::clone(&refusal.error))
    }

    fn drain(&mut self) -> (Vec<Mail<A>>, Vec<Request>) {
        self.taken = self.pushed;
        (
            self.queue.drain(..).collect(),
            self.requests.drain(..).collect(),
        )
    }

    fn push(&mut self, mail: Mail<A>) -> Pushed {
        self.queue.push_back(mail);
        self.pushed += 1;
        self.rouse()
    }

    /// Wakes the instance, or asks for one.
    fn rouse(&mut self) -> Pushed {
        if self.status == Status::Asleep {
            self.status = Status::Starting;
            return Pushed::Start;
        }
        if let Some(waker) = self.instance.take() {
            waker.wake();
        }
        Pushed::Delivered
    }

    fn due(&self) -> Option<&Request> {
        self.requests
            .front()
            .filter(|request| request.behind <= self.taken)
    }

    fn next(&mut self) -> Option<Next<A>> {
        if self.due().is_some() {
            return self.requests.pop_front().map(Next::Request);
        }
        let mail = self.queue.pop_front()?;
        self.taken += 1;
        Some(Next::Mail(mail))
    }
}

/// Tells who waits, if anybody still does.
pub(crate) fn answer(waiter: Option<Waiter>, result: Result<(), CallError>) {
    if let Some(waiter) = waiter {
        // Who does not wait any more does not need the answer.
        let _ = waiter.send(result);
    }
}
