//! [`Life`]: what an actor is between two runs of its cell, and the parts of its life that may wait.

use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::limits;
use crate::observe::metrics::Began;
use crate::observe::trace;
use crate::runtime::cell::Cell;
use crate::runtime::instance::{Flow, Instance, Work};
use crate::runtime::mail::{Mail, Request, Waiter, answer};
use crate::runtime::mailbox::Status;
use crate::runtime::memory;
use crate::runtime::preamble::{self, Started};
use crate::runtime::quick::{Timed, is_here};
use crate::runtime::stint::Stint;

/// What an actor is between two runs of its cell.
pub(super) enum Life<A: Handlers> {
    /// It is awake, and in the middle of nothing.
    Awake(Box<Instance<A>>),
    /// It starts or ends, or an action of it waits for something. Apart, because what every idle actor has is small by it.
    Waiting(Box<Waiting<A>>),
}

/// A part of a life that may wait.
pub(super) struct Waiting<A: Handlers> {
    part: Pin<Box<dyn Future<Output = After<A>> + Send>>,
    /// What it is polled with; made once.
    waker: Waker,
}

impl<A: Handlers> Waiting<A> {
    fn new(cell: &Arc<Cell<A>>, part: impl Future<Output = After<A>> + Send + 'static) -> Self {
        Self {
            part: Box::pin(part),
            waker: Waker::from(Arc::clone(cell)),
        }
    }

    pub(super) fn poll(&mut self) -> Poll<After<A>> {
        self.part
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
    }
}

/// What a part of a life leads to.
pub(super) enum After<A: Handlers> {
    /// The actor goes on.
    Awake(Box<Instance<A>>),
    /// This instance is over.
    Ended(Ended),
}

/// How an instance ended.
pub(super) struct Ended {
    /// Its memory could not be trusted any more; it starts again.
    pub(super) crashed: bool,
    /// Who asked for the end, and what they get.
    pub(super) answer: Option<(Option<Waiter>, Result<(), CallError>)>,
}

impl Ended {
    /// Nothing had started.
    pub(super) fn nothing() -> Self {
        Self {
            crashed: false,
            answer: None,
        }
    }

    /// It sleeps, or is destroyed.
    pub(super) fn in_order(waiter: Option<Waiter>, result: Result<(), CallError>) -> Self {
        Self {
            crashed: false,
            answer: Some((waiter, result)),
        }
    }

    pub(super) fn crashed() -> Self {
        Self {
            crashed: true,
            answer: None,
        }
    }
}

impl<A: Handlers> Life<A> {
    /// Starts the actor, if anything that waits needs it.
    pub(super) fn start(cell: &Arc<Cell<A>>, restart: bool) -> Self {
        let at_once = !A::__STORED && memory::starts_at_once(&A::HOOKS);
        let quick = &cell.kind().quick;
        if !at_once || (is_here() && !quick.starts().is_quick()) {
            return Self::start_later(cell, restart);
        }
        Self::forget_runs(cell);
        let traced = trace::start(A::NAME, cell.key(), restart);
        let began = cell.metrics().start_begins();
        let start = || traced.enter(|| memory::at_once(memory::start(cell, restart)));
        match quick.run(quick.starts(), start) {
            Some(started) => Self::Awake(awake_for(cell, started, began)),
            None => Self::wait(cell, ready(After::Ended(Ended::nothing()))),
        }
    }

    /// Starts the actor as [`start`](Self::start) does, but when this is polled.
    pub(super) fn start_later(cell: &Arc<Cell<A>>, restart: bool) -> Self {
        Self::forget_runs(cell);
        let traced = trace::start(A::NAME, cell.key(), restart);
        let starting = Arc::clone(cell);
        let start = async move {
            let quick = &starting.kind().quick;
            let start = come_up(&starting, restart);
            Timed::new(quick, quick.starts(), start).await
        };
        Self::wait(cell, traced.around(start))
    }

    fn forget_runs(cell: &Cell<A>) {
        if !A::HOOKS.run.is_empty() {
            cell.mailbox().forget_runs();
        }
    }

    /// Starts an actor again that crashed, after a pause.
    pub(super) fn start_after(cell: &Arc<Cell<A>>, pause: Duration) -> Self {
        cell.mailbox().forget_runs();
        cell.uncount();
        cell.mailbox().set_status(Status::Starting);
        let until = Instant::now() + pause;
        cell.mailbox().set_pause(Some(until));
        let starting = Arc::clone(cell);
        Self::wait(cell, async move {
            let mut timer = pin!(tokio::time::sleep_until(until));
            poll_fn(|task| {
                if starting.mailbox().is_paused() {
                    return timer.as_mut().poll(task);
                }
                // Somebody does not want to wait for it.
                Poll::Ready(())
            })
            .await;
            starting.mailbox().set_pause(None);
            let traced = trace::start(A::NAME, starting.key(), true);
            traced.around(come_up(&starting, true)).await
        })
    }

    fn wait(cell: &Arc<Cell<A>>, part: impl Future<Output = After<A>> + Send + 'static) -> Self {
        Self::Waiting(Box::new(Waiting::new(cell, part)))
    }

    /// Creates an actor that is in memory only and whose start waits for nothing.
    pub(super) fn create_now(cell: &Arc<Cell<A>>, input: &A::Input) -> Result<Self, CallError> {
        let traced = trace::start(A::NAME, cell.key(), false);
        let began = cell.metrics().start_begins();
        let quick = &cell.kind().quick;
        let create = || traced.enter(|| memory::at_once(memory::create(cell, input, None)));
        let started = quick.run(quick.starts(), create)?;
        Ok(Self::Awake(awake(cell, started, began)))
    }

    /// Handles a call that may wait, and then those that come behind it.
    pub(super) fn serve(mut instance: Box<Instance<A>>, mail: Mail<A>) -> Self {
        let cell = Arc::clone(instance.turn.cell());
        let served = Arc::clone(&cell);
        Self::wait(&cell, async move {
            // How many calls there were since others could run.
            let (mut mail, mut calls) = (Some(mail), 0);
            let mut stint = Stint::new();
            loop {
                if let Some(mail) = mail.take() {
                    calls += 1;
                    if instance.handle_guarded(mail).await == Flow::Crash {
                        leave().await;
                        return Box::pin(instance.crash()).await;
                    }
                }
                let (work, handled) = instance.work_guarded(limits::CALLS_PER_COMMIT);
                calls += handled;
                match work {
                    Work::Async(next) => mail = Some(next),
                    Work::More => calls = limits::CALLS_PER_COMMIT,
                    Work::Room => Box::pin(instance.room()).await,
                    // What it needs to wait is kept as long as it is awake: the next call of the kind allocates nothing.
                    Work::Idle => more(&served, &mut calls, &mut stint).await,
                    Work::Request(request) => {
                        leave().await;
                        return Box::pin(stop(instance, request)).await;
                    }
                    Work::Crash => {
                        leave().await;
                        return Box::pin(instance.crash()).await;
                    }
                }
                if calls >= limits::CALLS_PER_COMMIT || stint.is_over() {
                    (calls, stint) = (0, Stint::new());
                    tokio::task::yield_now().await;
                }
            }
        })
    }

    /// Goes on when the log has room.
    pub(super) fn room(mut instance: Box<Instance<A>>) -> Self {
        let cell = Arc::clone(instance.turn.cell());
        Self::wait(&cell, async move {
            instance.room().await;
            After::Awake(instance)
        })
    }

    /// Ends the actor as it is asked to.
    pub(super) fn stop(instance: Box<Instance<A>>, request: Request) -> Self {
        let cell = Arc::clone(instance.turn.cell());
        Self::wait(&cell, stop(instance, request))
    }

    /// Gives the instance up.
    pub(super) fn crash(instance: Box<Instance<A>>) -> Self {
        let cell = Arc::clone(instance.turn.cell());
        Self::wait(&cell, instance.crash())
    }
}

/// Has a driver go on, if this runs in place of a caller.
async fn leave() {
    if is_here() {
        tokio::task::yield_now().await;
    }
}

/// Waits until something is next. Others run meanwhile, so that the calls before that count no more.
async fn more<A: Handlers>(cell: &Arc<Cell<A>>, calls: &mut usize, stint: &mut Stint) {
    poll_fn(|_| {
        let polled = cell.mailbox().poll_more();
        if polled.is_pending() {
            (*calls, *stint) = (0, Stint::new());
        }
        polled
    })
    .await;
}

/// Runs the preamble.
async fn come_up<A: Handlers>(cell: &Arc<Cell<A>>, restart: bool) -> After<A> {
    let began = cell.metrics().start_begins();
    let started = if A::__STORED {
        preamble::start(cell, restart).await
    } else {
        memory::start(cell, restart).await
    };
    match started {
        Some(started) => After::Awake(awake_for(cell, started, began)),
        None => After::Ended(Ended::nothing()),
    }
}

/// Makes an instance of an actor that has started for somebody who may wait for it.
fn awake_for<A: Handlers>(
    cell: &Arc<Cell<A>>,
    started: Started<A>,
    began: Began,
) -> Box<Instance<A>> {
    let instance = awake(cell, started, began);
    // Nobody waits any more for what the hooks did.
    cell.set_waiting(None);
    instance
}

/// Makes an instance of an actor that has started.
fn awake<A: Handlers>(
    cell: &Arc<Cell<A>>,
    mut started: Started<A>,
    began: Began,
) -> Box<Instance<A>> {
    cell.awake();
    cell.metrics().started(started.start, began);
    let first = started.first.take();
    let mut instance = Box::new(Instance::new(started));
    match first {
        Some(Mail::Create { waiter, .. }) => answer(Some(waiter), Ok(())),
        first => instance.taken.extend(first),
    }
    instance
}

async fn stop<A: Handlers>(instance: Box<Instance<A>>, request: Request) -> After<A> {
    let cell = Arc::clone(instance.turn.cell());
    cell.mailbox().set_status(Status::Stopping);
    let traced = trace::stop(A::NAME, cell.key(), request.ending.name());
    let after = traced.around(instance.stop(request)).await;
    cell.set_waiting(None);
    if let After::Awake(_) = after {
        cell.mailbox().set_status(Status::Awake);
    }
    after
}
