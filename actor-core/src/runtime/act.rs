//! Running one action: in its span, and measured.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::context::Context;
use crate::error::CallError;
use crate::hooks::ActionInfo;
use crate::observe::metrics;
use crate::observe::trace::{self, Caller};
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::limited::{limited_later, limited_now};
use crate::runtime::quick::Timed;

impl<A: Handlers> Instance<A> {
    /// Runs an action that does not wait, and makes what it did a part of the batch.
    #[inline]
    pub(super) fn act(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
        caller: Option<&Caller>,
    ) -> (Result<A::Reply, CallError>, Flow) {
        if !metrics::ARE_ON {
            return self.act_in_span(message, info, caller);
        }
        let began = self.turn.cell().metrics().action_begins(info);
        // Looked at where it is: a reply is not moved for it.
        let ended = self.act_in_span(message, info, caller);
        let metrics = self.turn.cell().metrics();
        metrics.action_ended(info, began, ended.0.as_ref().err());
        ended
    }

    #[inline]
    fn act_in_span(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
        caller: Option<&Caller>,
    ) -> (Result<A::Reply, CallError>, Flow) {
        if trace::is_on() {
            return self.act_traced(message, info, caller);
        }
        self.act_now(message, info)
    }

    /// Apart from the usual way, which pays a look at a flag for it.
    #[cold]
    fn act_traced(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
        caller: Option<&Caller>,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let traced = trace::action(A::NAME, self.turn.cell().key(), info, caller);
        let (result, flow) = traced.enter(|| self.act_now(message, info));
        traced.ended(&result);
        (result, flow)
    }

    fn act_now(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let quick = &self.turn.cell().kind().quick;
        let timing = quick.begin(quick.action(info.id));
        let acted = self.act_untimed(message, info);
        let quick = &self.turn.cell().kind().quick;
        quick.action(info.id).end(timing, true);
        acted
    }

    #[inline]
    fn act_untimed(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let limit = info.timeout.unwrap_or(A::OPTIONS.timeouts.action);
        let mut running = self.turn.enter(info.name, info.read_only, limit);
        let mut cx = Context::new(&mut self.turn);
        let outcome = limited_now(&mut running, limit, || self.actor.__act(message, &mut cx));
        self.turn.leave(running);
        let outcome = self.turn.settle_now(outcome, limit);
        self.conclude(outcome, info.name)
    }

    /// Runs an action that may wait.
    pub(super) async fn act_waiting(
        &mut self,
        message: A::Message,
        info: &'static ActionInfo,
        caller: Option<&Caller>,
    ) -> (Result<A::Reply, CallError>, Flow) {
        let began = self.turn.cell().metrics().action_begins(info);
        let traced = trace::action(A::NAME, self.turn.cell().key(), info, caller);
        let cell = Arc::clone(self.turn.cell());
        let quick = &cell.kind().quick;
        let known = quick.action(info.id);
        let limit = info.timeout.unwrap_or(A::OPTIONS.timeouts.action);
        let mut running = self.turn.enter(info.name, info.read_only, limit);
        let mut cx = Context::new(&mut self.turn);
        let code = traced.follow(self.actor.__dispatch(message, &mut cx));
        let code = Timed::new(quick, known, code);
        let outcome = limited_later(&mut running, limit, code).await;
        self.turn.leave(running);
        let outcome = self.turn.settle(outcome, limit).await;
        let conclude = || quick.run(known, || self.conclude(outcome, info.name));
        let (result, flow) = traced.enter(conclude);
        traced.ended(&result);
        let metrics = self.turn.cell().metrics();
        metrics.action_ended(info, began, result.as_ref().err());
        (result, flow)
    }
}
