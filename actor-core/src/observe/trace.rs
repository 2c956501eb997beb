//! The spans of the framework: their names, targets, levels and fields.
//!
//! # Invariants
//!
//! 1. Where no subscriber wants a span, making it costs a load and a branch, and carrying it a word.
//! 2. No subscriber's code runs under a lock that a call or a commit takes.
//! 3. No span is entered across an await: it is entered for each poll.

use std::future::Future;
use std::time::{Duration, Instant};

use tracing::field::{Empty, display};
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Level, Span};

use crate::error::CallError;
use crate::hooks::{ActionInfo, Step};
use crate::key::Key;
use crate::observe::metrics::Start;

/// The target of spans of an actor's life, and of its own commits.
pub(crate) const ACTOR: &str = "actor_core::actor";
/// The target of the spans of calls; apart from the others, because they are by far the most.
pub(crate) const ACTION: &str = "actor_core::action";
/// The target of spans of the store.
pub(crate) const STORE: &str = "actor_core::store";

// Names that are looked for as well as given.
const START: &str = "actor.start";
const COMMIT: &str = "actor.commit";
const CHECKPOINT: &str = "store.checkpoint";
const RECOVERY: &str = "store.recovery";

/// Returns whether anybody at all may want what has this level.
#[inline]
fn is_wanted(level: Level) -> bool {
    // Two loads of what hardly ever changes, of which the first is a constant.
    level <= tracing::level_filters::STATIC_MAX_LEVEL && level <= LevelFilter::current()
}

/// Returns whether anybody at all may want the span of a call.
#[inline]
pub(crate) fn is_on() -> bool {
    is_wanted(Level::INFO)
}

/// A span, or the lack of one, which is what it is as long as nobody wants it.
#[derive(Default)]
pub(crate) struct Traced(Option<Box<Span>>);

impl Traced {
    /// INVARIANT 1: makes the span only if somebody may want its level.
    #[inline]
    fn new(level: Level, make: impl FnOnce() -> Span) -> Self {
        /// Out of the way of those whom nobody watches.
        #[cold]
        #[inline(never)]
        fn made(make: impl FnOnce() -> Span) -> Traced {
            let span = make();
            Traced((!span.is_disabled()).then(|| Box::new(span)))
        }
        if is_wanted(level) {
            return made(make);
        }
        Self(None)
    }

    /// Runs a part of what the span stands for.
    #[inline]
    pub(crate) fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        match &self.0 {
            None => run(),
            Some(span) => span.in_scope(run),
        }
    }

    /// Makes a future run in the span.
    pub(crate) fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        // INVARIANT 3
        future.instrument(self.0.map_or_else(Span::none, |span| *span))
    }

    /// Makes a future run in the span, which it shares.
    pub(crate) fn follow<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        let span = self.0.as_deref().cloned();
        future.instrument(span.unwrap_or_else(Span::none))
    }

    /// Notes how a call ended.
    #[inline]
    pub(crate) fn ended<R>(self, result: &Result<R, CallError>) {
        if let Some(span) = self.0 {
            record_end(&span, result.as_ref().err());
        }
    }
}

#[cold]
fn record_end(span: &Span, error: Option<&CallError>) {
    let Some(error) = error else {
        span.record("outcome", "ok");
        return;
    };
    span.record("outcome", outcome(error));
    span.record(
        "error",
        display(format_args!("{}/{}", error.group(), error.code())),
    );
}

/// Returns in one word how a call ended that failed.
pub(crate) fn outcome(error: &CallError) -> &'static str {
    match error {
        CallError::Panicked { .. } => "panicked",
        CallError::ActionTimedOut { .. } => "timed_out",
        CallError::State { .. } => "state",
        CallError::Store { .. } => "store",
        _ => "failed",
    }
}

/// Who made a call that waits in a mailbox: the span that was current there. Nobody is noted as long as nobody wants spans.
#[derive(Default)]
pub(crate) struct Caller(Option<Box<Sender>>);

struct Sender {
    span: Span,
    /// Whether it waits for the reply, so that the call is a part of what it does.
    waits: bool,
}

impl Caller {
    /// Notes where a call is made. Not to be called under a lock.
    #[cold]
    pub(crate) fn here(waits: bool) -> Self {
        let span = Span::current();
        Self(Some(Box::new(Sender { span, waits })))
    }

    /// Returns whether it was noted where the call is made.
    #[inline]
    pub(crate) fn is_noted(&self) -> bool {
        self.0.is_some()
    }
}

/// Begins the span of an action: in that of whoever waits for it, in the mailbox or, where there is no `caller`, right here.
#[inline]
pub(crate) fn action(
    actor: &'static str,
    key: &Key,
    info: &'static ActionInfo,
    caller: Option<&Caller>,
) -> Traced {
    Traced::new(Level::INFO, || {
        macro_rules! span {
            ($($parent:tt)*) => {
                tracing::info_span!(
                    target: ACTION,
                    $($parent)*
                    "actor.action",
                    actor,
                    %key,
                    action = info.name,
                    read_only = info.read_only,
                    outcome = Empty,
                    error = Empty,
                )
            };
        }
        let sender = match caller {
            None => return span!(),
            Some(caller) => caller.0.as_deref(),
        };
        match sender.filter(|sender| !sender.span.is_none()) {
            None => span!(parent: None,),
            Some(sender) if sender.waits => span!(parent: &sender.span,),
            Some(sender) => {
                let span = span!(parent: None,);
                span.follows_from(&sender.span);
                span
            }
        }
    })
}

/// Begins the span of a hook, in that of the start or of the end that it is a part of.
pub(crate) fn hook(step: Step, name: &'static str) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTOR, "actor.hook", %step, hook = name),
    )
}

/// Begins the span of a `#[run]` hook, which runs beside its actor.
pub(crate) fn run(actor: &'static str, key: &Key, name: &'static str) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTOR, parent: None, "actor.run", actor, %key, hook = name),
    )
}

/// Begins the span of what a hook or an action begins beside its actor: nobody waits for it, and it follows what began it.
pub(crate) fn task(actor: &'static str, key: &Key, task: &'static str) -> Traced {
    Traced::new(Level::INFO, || {
        let began = Span::current();
        let span =
            tracing::info_span!(target: ACTOR, parent: None, "actor.task", actor, %key, task);
        if !began.is_none() {
            span.follows_from(&began);
        }
        span
    })
}

/// Begins the span of a start. It is a part of the call that needed it; one after a crash is nobody's.
pub(crate) fn start(actor: &'static str, key: &Key, restart: bool) -> Traced {
    Traced::new(Level::INFO, || {
        if restart {
            return tracing::info_span!(
                target: ACTOR, parent: None, START, actor, %key, kind = Start::Restart.name()
            );
        }
        tracing::info_span!(target: ACTOR, START, actor, %key, kind = Empty)
    })
}

/// Notes on the span of a start how the actor comes to be awake.
pub(crate) fn note_kind(start: Start) {
    if is_wanted(Level::INFO) {
        let span = Span::current();
        if is_named(&span, START) {
            span.record("kind", start.name());
        }
    }
}

/// Begins the span of the end of an instance.
pub(crate) fn stop(actor: &'static str, key: &Key, ending: &'static str) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTOR, parent: None, "actor.stop", actor, %key, ending),
    )
}

/// Begins the span of the step `migrate`.
pub(crate) fn migrate(from: Option<&str>, to: Option<&str>) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTOR, "actor.migrate", from, to),
    )
}

/// Begins the span of a timer that is due.
pub(crate) fn timer(actor: &'static str, key: &Key, id: i64, late_ms: i64) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTION, parent: None, "actor.timer", actor, %key, id, late_ms),
    )
}

/// Begins the span of a message that arrived.
pub(crate) fn message(actor: &'static str, key: &Key, sender: &str, id: i64) -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: ACTION, parent: None, "actor.message", actor, %key, sender, id),
    )
}

/// Begins the span of a commit: of a batch of calls, which is nobody's alone, or of what hooks did.
pub(crate) fn commit(actor: &'static str, key: &Key, calls: Option<u32>) -> Traced {
    Traced::new(Level::DEBUG, || {
        if let Some(calls) = calls {
            return tracing::debug_span!(
                target: ACTOR, parent: None, COMMIT, actor, %key, calls, bytes = Empty
            );
        }
        tracing::debug_span!(target: ACTOR, COMMIT, actor, %key, bytes = Empty)
    })
}

/// Notes how many bytes a commit put into the log, on its span.
#[inline]
pub(crate) fn committed(bytes: usize) {
    #[cold]
    #[inline(never)]
    fn noted(bytes: usize) {
        let span = Span::current();
        if is_named(&span, COMMIT) {
            span.record("bytes", bytes);
        }
    }
    if is_wanted(Level::DEBUG) {
        noted(bytes);
    }
}

/// Tells that replies left the gate, and how long they were held. Nothing runs meanwhile, so that it is no span.
pub(crate) fn left_gate(actor: &'static str, key: &Key, replies: usize, held: Duration) {
    let held_us = u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(name: "actor.gate", target: ACTOR, parent: None, actor, %key, replies, held_us, "replies left the gate");
}

/// Returns the time if anybody wants to know how long something was held.
#[inline]
pub(crate) fn held_since() -> Option<Instant> {
    is_wanted(Level::DEBUG).then(Instant::now)
}

/// Begins the span of a write of the log.
pub(crate) fn log_write(records: usize, bytes: usize, synced: bool) -> Traced {
    Traced::new(
        Level::DEBUG,
        || tracing::debug_span!(target: STORE, parent: None, "store.log.write", records, bytes, synced),
    )
}

/// Begins the span of a checkpoint.
pub(crate) fn checkpoint() -> Traced {
    Traced::new(
        Level::DEBUG,
        || tracing::debug_span!(target: STORE, parent: None, CHECKPOINT, actors = Empty, bytes = Empty),
    )
}

/// Begins the span of a recovery.
pub(crate) fn recovery() -> Traced {
    Traced::new(
        Level::INFO,
        || tracing::info_span!(target: STORE, parent: None, RECOVERY, records = Empty, actors = Empty),
    )
}

/// Notes what a recovery found, on its span.
pub(crate) fn recovered(records: u64, actors: usize) {
    if is_wanted(Level::INFO) {
        let span = Span::current();
        if is_named(&span, RECOVERY) {
            span.record("records", records);
            span.record("actors", actors);
        }
    }
}

/// Notes what a checkpoint has done, on its span.
pub(crate) fn checkpointed(actors: usize, bytes: u64) {
    if is_wanted(Level::DEBUG) {
        let span = Span::current();
        if is_named(&span, CHECKPOINT) {
            span.record("actors", actors);
            span.record("bytes", bytes);
        }
    }
}

/// Returns whether a span is one of the framework's, and has this name: what is current may be the user's.
fn is_named(span: &Span, name: &str) -> bool {
    let ours = [ACTOR, STORE];
    span.metadata()
        .is_some_and(|meta| meta.name() == name && ours.contains(&meta.target()))
}
