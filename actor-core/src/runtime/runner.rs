//! Running a cell: from the moment in which somebody has its baton until it is let go.
//!
//! # Invariants
//!
//! 1. Who has the baton has the life. Both go back together, under the mailbox's lock.
//! 2. A panic of code that is no hook and no action, such as a `Drop` of the user's, ends the life; everybody who waits is told, and
//!    it counts like one of an action.

use std::cell::Cell as Local;
use std::hint;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Poll, Wake};
use std::time::Duration;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::limits;
use crate::runtime::actions::Direct;
use crate::runtime::alarms::{AlarmId, Alarms, Rung, Why};
use crate::runtime::baton::Due;
use crate::runtime::cell::{Cell, Sent};
use crate::runtime::chain::Chain;
use crate::runtime::failed::reject;
use crate::runtime::guarded::{guarded, wake_all};
use crate::runtime::instance::{Flow, Instance, Work};
use crate::runtime::life::{After, Ended, Life};
use crate::runtime::mail::{Mail, Request, answer};
use crate::runtime::mailbox::{Pushed, Status, release};
use crate::runtime::pace;
use crate::runtime::pulse;
use crate::runtime::queue::Runnable;
use crate::runtime::quick::{Here, is_here};
use crate::runtime::stint::Stint;

thread_local! {
    /// How many cells this thread runs, each in place of an asker that the one before runs.
    static DEPTH: Local<u32> = const { Local::new(0) };
}

/// Where a run leaves a life.
enum Left<A: Handlers> {
    /// It waits for something.
    Waits(Life<A>),
    /// There is more to do.
    More(Life<A>),
    /// It is over.
    Over,
}

impl<A: Handlers> Cell<A> {
    /// Sees to what was pushed.
    pub(super) fn follow(self: &Arc<Self>, pushed: Pushed<A>, in_place: bool) {
        match pushed {
            Pushed::Delivered => {}
            Pushed::Queue => self.enqueue(),
            Pushed::Run(life) => {
                let _here = Here::new(self.kind().quick.helps());
                self.run_life(life, limits::CALLS_IN_PLACE);
            }
            Pushed::Start => self.begin(in_place),
        }
    }

    pub(super) fn enqueue(self: &Arc<Self>) {
        let queue = self.system().queue();
        queue.push(Arc::clone(self) as Arc<dyn Runnable>);
        if queue.is_dead() {
            self.abandon_life();
        }
    }

    /// Begins the first life. The caller has the baton.
    fn begin(self: &Arc<Self>, in_place: bool) {
        self.system().tasks().begin();
        // What was sent at the very end of a shutdown comes too late to open a file.
        if self.system().is_closing() || self.system().queue().is_dead() {
            self.end_all();
            return;
        }
        let quick = &self.kind().quick;
        if quick.helps() && !(in_place && quick.starts().is_quick()) {
            self.let_go(Left::More(Life::start_later(self, false)));
            return;
        }
        let _here = Here::new(quick.helps());
        let life = Life::start(self, false);
        if in_place {
            self.run_life(life, limits::CALLS_IN_PLACE);
        } else {
            self.let_go(Left::More(life));
        }
    }

    /// Creates an actor that is in memory only and whose start waits for nothing. The caller has the baton.
    pub(super) fn begin_now(self: &Arc<Self>, input: &A::Input) -> Result<(), CallError> {
        self.system().tasks().begin();
        if self.system().is_closing() || self.system().queue().is_dead() {
            self.end_all();
            return Err(self.shut_down());
        }
        let begun = guarded(|| match Life::create_now(self, input) {
            Ok(life) => {
                self.let_go(Left::Waits(life));
                Ok(())
            }
            Err(error) => {
                if let Some(next) = self.after(Ended::nothing()) {
                    self.let_go(Left::More(next));
                }
                Err(error)
            }
        });
        begun.unwrap_or_else(|panic| Err(self.end_panicked(panic)))
    }

    /// Runs a life for a while, and returns about how many calls that was. The caller has the baton.
    fn run_life(self: &Arc<Self>, life: Life<A>, most: usize) -> usize {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        let beat = pulse::current();
        let ran = guarded(|| self.go_on(life, most));
        note_time(beat);
        DEPTH.set(depth);
        ran.unwrap_or_else(|panic| {
            // INVARIANT 2
            self.end_panicked(panic);
            1
        })
    }

    /// Handles one call of an actor that does nothing else. The caller has the baton, and gave the life.
    pub(super) fn run_direct(
        self: &Arc<Self>,
        mut instance: Box<Instance<A>>,
        message: A::Message,
        chain: Option<Arc<Chain>>,
    ) -> Result<Sent<A>, CallError> {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        let here = Here::new(self.kind().quick.helps());
        let beat = pulse::current();
        let ran = guarded(|| {
            let (result, flow) = instance.handle_direct_guarded(message, chain);
            let left = match flow {
                Flow::Crash => Left::More(Life::crash(instance)),
                Flow::GoOn => Left::Waits(Life::Awake(instance)),
            };
            // What came meanwhile is handled here, too: that is cheaper than to have somebody else do it.
            if let Some(life) = self.give_back(left, true) {
                self.go_on(life, limits::CALLS_IN_PLACE);
            }
            result
        });
        drop(here);
        note_time(beat);
        DEPTH.set(depth);
        match ran {
            Ok(Direct::Reply(result)) => result.map(Sent::Done),
            Ok(Direct::Later(slot)) => Ok(Sent::Ran(slot)),
            Err(panic) => Err(self.end_panicked(panic)),
        }
    }

    /// Runs a life until it waits for something and is not needed, for about as many calls as are given, or for some milliseconds; then
    /// lets it go.
    fn go_on(self: &Arc<Self>, mut life: Life<A>, most: usize) -> usize {
        let (mut calls, mut again) = (0, false);
        let mut stint = Stint::new();
        loop {
            let (left, handled) = self.advance(life, most.saturating_sub(calls));
            calls += handled;
            if again && handled < limits::FEW_CALLS && self.system().queue().is_shared() {
                // Somebody sends at this moment. What comes in the next one is taken together, and not one by one, each time
                // with the lock and all that is behind it from another processor.
                (0..limits::PAUSES).for_each(|_| hint::spin_loop());
            }
            again = true;
            // One with a database lets others run, so that more comes together for its next commit.
            let keeps = !A::__STORED && calls < most && !stint.is_over();
            match self.give_back(left, keeps) {
                Some(kept) => life = kept,
                None => return calls,
            }
        }
    }

    /// Runs a life until it waits for something, or for about as many calls as are given.
    fn advance(self: &Arc<Self>, mut life: Life<A>, most: usize) -> (Left<A>, usize) {
        let mut calls = 1;
        loop {
            life = match life {
                Life::Awake(mut instance) => {
                    let (work, handled) = instance.work_guarded(most);
                    calls += handled;
                    match work {
                        Work::Idle => return (Left::Waits(Life::Awake(instance)), calls),
                        Work::More => return (Left::More(Life::Awake(instance)), calls),
                        Work::Room => Life::room(instance),
                        Work::Async(mail) => Life::serve(instance, mail),
                        // The hooks of an end, and of a start, are not for a caller to run.
                        Work::Request(request) if is_here() => {
                            return (Left::More(Life::stop(instance, request)), calls);
                        }
                        Work::Crash if is_here() => {
                            return (Left::More(Life::crash(instance)), calls);
                        }
                        Work::Request(request) => Life::stop(instance, request),
                        Work::Crash => Life::crash(instance),
                    }
                }
                Life::Waiting(mut part) => match part.poll() {
                    Poll::Pending => return (Left::Waits(Life::Waiting(part)), calls),
                    Poll::Ready(After::Awake(instance)) => Life::Awake(instance),
                    Poll::Ready(After::Ended(ended)) => {
                        drop(part);
                        match self.after(ended) {
                            Some(next) if is_here() => return (Left::More(next), calls),
                            Some(next) => next,
                            None => return (Left::Over, calls),
                        }
                    }
                },
            }
        }
    }

    /// Ends an instance, and begins the next one if something waits for it: it starts when the hooks of the last have ended
    /// and its file is closed.
    fn after(self: &Arc<Self>, ended: Ended) -> Option<Life<A>> {
        // Whoever waited for the hooks of a start that failed does not any more.
        self.set_waiting(None);
        if ended.crashed {
            return self.after_crash();
        }
        self.uncount();
        let retired = self.mailbox().retire();
        // Who asked for the end learns of it when the status says so too.
        if let Some((waiter, result)) = ended.answer {
            answer(waiter, result);
        }
        if retired {
            self.system().scheduler().gone(self.wake_place());
            self.system().tasks().end();
            return None;
        }
        Some(Life::start(self, false))
    }

    /// Lets the baton go, and the life with it.
    fn let_go(self: &Arc<Self>, left: Left<A>) {
        let kept = self.give_back(left, false);
        debug_assert!(kept.is_none(), "it was not to be kept");
    }

    /// Lets the baton go, and the life with it. If something is next for it, it comes back when the caller `keeps` it.
    fn give_back(self: &Arc<Self>, left: Left<A>, keeps: bool) -> Option<Life<A>> {
        let (mut life, mut more) = match left {
            // Somebody else may have the baton of the next life already.
            Left::Over => return None,
            Left::Waits(life) => (life, false),
            Left::More(life) => (life, true),
        };
        // Looked at before the lock is taken, for which others may wait.
        let now = match A::OPTIONS.sleep_after {
            Some(_) if !more => Some(self.system().alarms().about_now()),
            _ => None,
        };
        let mut inner = self.mailbox().lock();
        if let Life::Awake(instance) = &mut life
            && !more
        {
            more = inner.has_next();
            if more && keeps {
                inner.take_mail(&mut instance.taken);
                release(inner);
                return Some(life);
            }
            inner.listen();
        }
        inner.life = Some(life);
        let due = inner.baton.end(more);
        if let Some((was, _)) = now
            && inner.status == Status::Awake
        {
            inner.begin_at(was);
        }
        if due == Due::Nothing
            && inner.status == Status::Awake
            && inner.baton.is_listening()
            && let (Some((_, soon)), Some(idle)) = (now, A::OPTIONS.sleep_after)
        {
            // Somebody may have let it go behind the look at the time. Rather idle for too long than for not long enough.
            inner.idle_since = inner.idle_since.max(soon);
            if inner.idle_alarm.is_none() {
                inner.idle_alarm = self.set_idle(soon, idle);
            }
        }
        release(inner);
        if due == Due::Queue {
            self.enqueue();
        } else if self.system().queue().is_dead() {
            // Whoever saw the death has looked for the life while it was away.
            self.abandon_life();
        }
        None
    }

    /// Ends a life that cannot go on in a shutdown, and answers everybody who waits. The life is gone already, and who calls this
    /// has the baton.
    fn end_all(self: &Arc<Self>) {
        let error = self.shut_down();
        let waiting = self.give_up(&error);
        self.end_with(waiting, &error);
    }

    /// Answers those who waited for a life that is over.
    pub(super) fn end_with(
        self: &Arc<Self>,
        (mail, requests): (Vec<Mail<A>>, Vec<Request>),
        error: &CallError,
    ) {
        for mail in mail {
            reject(self, mail, error);
        }
        for request in requests {
            answer(request.waiter, Err(error.clone()));
        }
        self.system().tasks().end();
    }

    /// Ends the life when the runtime is gone, unless somebody runs it, who does the same then.
    pub(crate) fn abandon_life(self: &Arc<Self>) {
        let mut inner = self.mailbox().lock();
        if inner.baton.is_running() {
            return;
        }
        // Who finds none is too late: another one ends it.
        let Some(life) = inner.life.take() else {
            return;
        };
        drop(inner);
        drop(life);
        self.end_all();
    }

    pub(super) fn rung(self: &Arc<Self>) -> Weak<dyn Rung> {
        Arc::downgrade(self) as Weak<dyn Rung>
    }
}

/// Notes that the task that runs a cell holds its worker for long, if it does.
#[inline]
fn note_time(began: u32) {
    if pulse::current() != began {
        pace::holds();
    }
}

/// Returns whether this thread may run a cell in place of an asker.
pub(super) fn has_depth() -> bool {
    DEPTH.get() < limits::IN_PLACE_DEPTH
}

/// Runs code that may not run cells in place.
pub(super) fn alone<T>(code: impl FnOnce() -> T) -> T {
    let depth = DEPTH.replace(limits::IN_PLACE_DEPTH);
    let ran = code();
    DEPTH.set(depth);
    ran
}

impl<A: Handlers> Runnable for Cell<A> {
    fn run(self: Arc<Self>) -> usize {
        let mut inner = self.mailbox().lock();
        // There is none if it was abandoned meanwhile.
        let Some(life) = inner.life.take() else {
            return 1;
        };
        inner.baton.begin();
        drop(inner);
        let _here = Here::new(false);
        self.run_life(life, limits::CALLS_PER_COMMIT)
    }
}

impl<A: Handlers> Wake for Cell<A> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut inner = self.mailbox().lock();
        // A waker may be kept for longer than the life that it was for.
        if inner.status == Status::Asleep {
            return;
        }
        let due = inner.baton.woken();
        drop(inner);
        if due == Due::Queue {
            self.enqueue();
        }
    }
}

impl<A: Handlers> Rung for Cell<A> {
    fn ring(self: Arc<Self>, why: Why, now: u64) {
        match why {
            Why::Idle => self.ring_idle(now),
            Why::Limit => self.ring_limit(),
        }
    }
}

impl<A: Handlers> Cell<A> {
    /// Sees to it that the actor sleeps, if it was idle for long enough.
    fn ring_idle(self: &Arc<Self>, now: u64) {
        let mut inner = self.mailbox().lock();
        inner.idle_alarm = None;
        inner.trim();
        // One that is not idle sets the alarm anew when it is.
        let Some(idle) = A::OPTIONS.sleep_after else {
            return;
        };
        // Nor does one that is held awake: it is set when it is let go.
        if inner.status != Status::Awake || !inner.baton.is_listening() || inner.keepers > 0 {
            return;
        }
        let since = inner.idle_since;
        if now < Alarms::behind(since, idle) {
            inner.idle_alarm = self.set_idle(since, idle);
            return;
        }
        inner.sleep_idle();
        let due = inner.baton.woken();
        drop(inner);
        if due == Due::Queue {
            self.enqueue();
        }
    }

    /// Sets the alarm that looks whether the actor was idle for long enough, if that can ever be.
    pub(super) fn set_idle(self: &Arc<Self>, since: u64, idle: Duration) -> Option<AlarmId> {
        let at = Alarms::behind(since, idle);
        (at < u64::MAX).then(|| self.system().alarms().set(at, self.rung(), Why::Idle))
    }

    /// Lets everybody who waits for a reply look at the time.
    fn ring_limit(&self) {
        let mut inner = self.mailbox().lock();
        inner.limit_alarm = None;
        // Who finds the alarm set and waits is among those that are woken here.
        self.mailbox().limit().store(u64::MAX, Ordering::SeqCst);
        let waiting = inner.waiting();
        drop(inner);
        wake_all(waiting);
    }

    /// Sees to it that those who wait look at the time at this millisecond, or before.
    pub(crate) fn set_limit(self: &Arc<Self>, at: u64) {
        let alarms = self.system().alarms();
        let limit = self.mailbox().limit();
        if limit.load(Ordering::SeqCst) <= at {
            return;
        }
        let mut inner = self.mailbox().lock();
        if limit.load(Ordering::SeqCst) <= at {
            return;
        }
        limit.store(at, Ordering::SeqCst);
        let new = alarms.set(at, self.rung(), Why::Limit);
        if let Some(old) = inner.limit_alarm.replace(new) {
            alarms.cancel(old);
        }
    }
}
