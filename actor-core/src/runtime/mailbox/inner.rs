//! [`Inner`]: what is in a mailbox, behind its lock.

use std::collections::VecDeque;
use std::task::Waker;

use tokio::time::Instant;

use super::finished::Finished;
use super::sending::{Pushed, Taken, Unsent};
use super::{Refusal, Status};
use crate::actor::Handlers;
use crate::error::CallError;
use crate::limits;
use crate::runtime::alarms::AlarmId;
use crate::runtime::baton::{Baton, Due};
use crate::runtime::health::Health;
use crate::runtime::life::Life;
use crate::runtime::mail::{Ending, Mail, Next, Request};
use crate::runtime::room::{Place, Room};
use crate::runtime::slots::{Kept, ReplySlot, Slots};

/// What is in a mailbox. The invariants are those of the mailbox.
///
/// What each call touches comes first, and together, as few lines of the processor's cache as it can: two processors may want them in turns.
#[repr(C)]
pub(in crate::runtime) struct Inner<A: Handlers> {
    pub(in crate::runtime) baton: Baton,
    pub(in crate::runtime) status: Status,
    /// Whether the code that runs is to panic.
    #[cfg(feature = "testing")]
    pub(in crate::runtime) crashes: bool,
    /// How many calls wait that may wait themselves, so that each is handled alone.
    pub(super) alone: u32,
    /// What the actor is, between two runs.
    pub(in crate::runtime) life: Option<Life<A>>,
    pub(super) queue: VecDeque<Mail<A>>,
    /// How much was ever pushed. What of it is not in the queue was taken out.
    pub(super) pushed: u64,
    /// How many were taken out together and are not handled yet.
    pub(super) held: u32,
    /// How many hold off the sleep of an idle actor. They may be of an instance that is gone.
    pub(in crate::runtime) keepers: u32,
    pub(super) room: Room,
    /// Nothing at all as long as there is none.
    #[allow(
        clippy::box_collection,
        reason = "most actors have none, and are smaller by it"
    )]
    pub(super) requests: Option<Box<VecDeque<Request>>>,
    /// When the actor came to be, if it is in memory only, or woke, and when it became idle the last time: milliseconds of the
    /// alarms, of which the first has no 0.
    pub(super) since: u64,
    pub(in crate::runtime) idle_since: u64,
    /// The alarm that looks whether it has been so for long.
    pub(in crate::runtime) idle_alarm: Option<AlarmId>,
    pub(super) slots: Slots<Kept<A>>,
    /// The alarm that looks whether somebody has waited for long.
    pub(in crate::runtime) limit_alarm: Option<AlarmId>,
    pub(super) refusal: Option<Box<Refusal>>,
    /// What few actors have; nothing at all as long as there is none.
    pub(in crate::runtime) health: Option<Box<Health>>,
}

impl<A: Handlers> Inner<A> {
    pub(super) fn new(refusal: Option<Refusal>) -> Self {
        Self {
            baton: Baton::new(),
            status: Status::Asleep,
            life: None,
            queue: VecDeque::new(),
            alone: 0,
            held: 0,
            keepers: 0,
            requests: None,
            slots: Slots::new(),
            room: Room::default(),
            #[cfg(feature = "testing")]
            crashes: false,
            pushed: 0,
            health: refusal.as_ref().and_then(|refusal| refusal.crashed.clone()),
            refusal: refusal.map(Box::new),
            since: 0,
            idle_since: 0,
            idle_alarm: None,
            limit_alarm: None,
        }
    }

    /// Returns why calls are refused now, if they are.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        if self.status != Status::Asleep {
            return None;
        }
        let refusal = self.refusal.as_deref()?;
        (Instant::now() < refusal.until).then_some(refusal)
    }

    /// Returns until when calls are refused, if they are.
    pub(in crate::runtime) fn refused_until(&self) -> Option<Instant> {
        self.refusal().map(|refusal| refusal.until)
    }

    /// Returns how the actor is, for others.
    pub(in crate::runtime) fn shown_status(&self) -> Status {
        match self.refusal() {
            Some(refusal) if refusal.crashed.is_some() => Status::Failed,
            _ => self.status,
        }
    }

    /// Returns whether the actor counts as awake: its last start ended well, and its end is not over.
    pub(super) fn counts(&self) -> bool {
        matches!(self.status, Status::Awake | Status::Stopping)
    }

    /// Puts mail behind all other.
    pub(super) fn append(&mut self, mail: Mail<A>) {
        self.alone += u32::from(mail.is_async());
        if self.queue.capacity() == 0 {
            // Most actors are sent one call at a time.
            self.queue.reserve_exact(1);
        }
        self.queue.push_back(mail);
        self.pushed += 1;
    }

    /// Pushes mail that nobody runs in place.
    pub(super) fn push(&mut self, mail: Mail<A>) -> Pushed<A> {
        self.append(mail);
        self.rouse(false)
    }

    /// Takes room for one mail, unless the actor refuses calls.
    pub(super) fn enter(&mut self, place: &mut Option<Place>) -> Result<(), Unsent> {
        if let Some(refusal) = self.refusal() {
            return Err(Unsent::Refused(refusal.told()));
        }
        if place.take().is_some() {
            self.room.settle();
        } else if !self.room.is_free(self.used(), A::OPTIONS.mailbox) {
            return Err(Unsent::Full);
        }
        Ok(())
    }

    /// Returns how much was ever pushed.
    pub(in crate::runtime) fn all_pushed(&self) -> u64 {
        self.pushed
    }

    /// Returns how much of what was pushed was taken out.
    fn taken(&self) -> u64 {
        self.pushed - self.queue.len() as u64
    }

    /// Returns how much room is in use.
    pub(in crate::runtime) fn used(&self) -> usize {
        self.queue.len() + self.held as usize
    }

    /// Notes how many calls were taken out and are not handled yet.
    pub(super) fn set_held(&mut self, held: usize) {
        self.held = u32::try_from(held).expect("a mailbox is bounded below 2^32");
    }

    /// Answers the asks whose mail was taken out and went down with it: all but those that wait, and those that are kept.
    pub(in crate::runtime) fn answer_lost(
        &self,
        error: &CallError,
        kept: &[ReplySlot<A>],
    ) -> Finished<Kept<A>> {
        let named: Vec<_> = self.queue.iter().filter_map(Mail::reply).collect();
        let is_named = |slot: &ReplySlot<A>| named.iter().any(|named| named.is(slot));
        let is_kept = |slot: &ReplySlot<A>| kept.iter().any(|kept| kept.is(slot));
        let open = self.slots.open();
        let lost = open.filter(|slot| !is_named(slot) && !is_kept(slot));
        Finished::answer(lost.map(|slot| (slot.clone(), Err(error.clone()))))
    }

    /// Gives free room to those who wait for it.
    pub(super) fn grant(&mut self) -> Vec<Waker> {
        self.room.grant(self.used(), A::OPTIONS.mailbox)
    }

    /// Returns whether nobody runs the actor, and what it waits for is mail.
    pub(super) fn can_run_in_place(&self) -> bool {
        self.status == Status::Asleep || (self.baton.is_listening() && self.life.is_some())
    }

    /// Sees to it that what was just pushed is looked at.
    pub(super) fn rouse(&mut self, here: bool) -> Pushed<A> {
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

    /// Notes since when the actor exists, if that is not known.
    pub(in crate::runtime) fn begin_at(&mut self, now: u64) {
        if self.since == 0 {
            self.since = now.max(1);
        }
    }

    /// Returns since when the actor is awake or, if it is in memory only, exists, if that is known.
    pub(in crate::runtime) fn exists_since(&self) -> Option<u64> {
        (self.since > 0).then_some(self.since)
    }

    /// Notes that there is no life any more. Whoever does it has the baton, or nobody has.
    pub(super) fn fall_asleep(&mut self) {
        self.status = Status::Asleep;
        self.baton = Baton::new();
        self.idle_since = 0;
        self.since = 0;
        if let Some(health) = &mut self.health {
            health.forget_life();
        }
    }

    pub(super) fn drain(&mut self) -> (Vec<Mail<A>>, Vec<Request>) {
        (self.alone, self.held) = (0, 0);
        let requests = self.requests.take().unwrap_or_default();
        (
            self.queue.drain(..).collect(),
            requests.into_iter().collect(),
        )
    }

    /// Takes what waits before the first wish that the actor be destroyed, or everything. Returns whether there is such a wish.
    pub(super) fn drain_to_destruction(&mut self) -> (Vec<Mail<A>>, Vec<Request>, bool) {
        let is_destruction = |request: &Request| request.ending == Ending::Destroy;
        let waiting = self.requests.as_deref_mut();
        let first = waiting.and_then(|requests| {
            let index = requests.iter().position(is_destruction)?;
            let behind = requests[index].behind;
            Some((requests.drain(..index).collect(), behind))
        });
        let Some((requests, behind)) = first else {
            let (mail, requests) = self.drain();
            return (mail, requests, false);
        };
        let before = behind.saturating_sub(self.taken());
        let mail = (0..before).map_while(|_| self.pop()).collect();
        (mail, requests, true)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.requests.is_none()
    }

    pub(in crate::runtime) fn has_next(&self) -> bool {
        !self.queue.is_empty() || self.due().is_some()
    }

    /// Puts a request to sleep behind all mail: the actor was idle for long enough.
    pub(in crate::runtime) fn sleep_idle(&mut self) {
        let behind = self.pushed;
        self.requests.get_or_insert_default().push_back(Request {
            ending: Ending::Sleep,
            waiter: None,
            chain: None,
            behind,
            idle: true,
        });
    }

    /// Returns whom to wake so that everybody who waits for a reply looks at the time.
    pub(in crate::runtime) fn waiting(&self) -> Vec<Waker> {
        self.slots.waiting()
    }

    /// Lets memory go that only a burst of calls needed.
    pub(in crate::runtime) fn trim(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to(limits::IDLE_MAIL);
        }
        self.slots.shrink(limits::IDLE_MAIL);
        if let Some(Life::Awake(instance)) = &mut self.life {
            instance.trim();
        }
    }

    pub(super) fn due(&self) -> Option<&Request> {
        let first = self.requests.as_ref()?.front();
        first.filter(|request| request.behind <= self.taken())
    }

    /// Takes the request that is due. One that is only there because the actor was idle does not count when it is not, or when
    /// somebody holds it awake.
    pub(super) fn take_due(&mut self) -> Option<Request> {
        loop {
            self.due()?;
            let requests = self.requests.as_mut()?;
            let request = requests.pop_front()?;
            if requests.is_empty() {
                self.requests = None;
            }
            if !request.idle || (self.queue.is_empty() && self.keepers == 0) {
                return Some(request);
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Next<A>> {
        if let Some(request) = self.take_due() {
            return Some(Next::Request(request));
        }
        self.pop().map(Next::Mail)
    }

    pub(super) fn pop(&mut self) -> Option<Mail<A>> {
        let mail = self.queue.pop_front()?;
        self.alone -= u32::from(mail.is_async());
        Some(mail)
    }

    /// Notes that nothing is next, and mail what the actor waits for.
    pub(in crate::runtime) fn listen(&mut self) {
        self.held = 0;
        self.baton.listen();
    }

    /// Takes into an empty buffer what may be handled together, or the request that is due.
    pub(super) fn take(&mut self, into: &mut VecDeque<Mail<A>>) -> Taken {
        if let Some(request) = self.take_due() {
            self.held = 0;
            return Taken::Request(request);
        }
        self.take_mail(into);
        if into.is_empty() {
            Taken::Nothing
        } else {
            Taken::Mail
        }
    }

    /// Takes into an empty buffer what may be handled together, if no request is due.
    pub(in crate::runtime) fn take_mail(&mut self, into: &mut VecDeque<Mail<A>>) {
        if self.due().is_some() {
            return;
        }
        // Without a database there is no transaction to share, and a call may wait with others behind it.
        if self.requests.is_none() && (self.alone == 0 || !A::__STORED) {
            std::mem::swap(&mut self.queue, into);
            self.alone = 0;
        } else {
            self.take_some(into);
        }
        // The one that is handled takes no room any more.
        self.set_held(into.len().saturating_sub(1));
    }

    pub(super) fn take_some(&mut self, into: &mut VecDeque<Mail<A>>) {
        let requests = self.requests.as_ref();
        let first = requests.and_then(|requests| requests.front());
        // INVARIANT 1: what is behind a request is not handed out before it.
        let before = first.map_or(u64::MAX, |request| request.behind);
        while into.len() < limits::CALLS_PER_COMMIT
            && self.taken() < before
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
