//! Calls that are handled where they are made.

use std::sync::Arc;

use crate::actor::Handlers;
use crate::error::CallError;
use crate::runtime::batch::Batch;
use crate::runtime::chain::Chain;
use crate::runtime::instance::{Flow, Instance};
use crate::runtime::slots::ReplySlot;
use crate::store::Durability;

/// What became of a call that was handled where it was made.
pub(in crate::runtime) enum Direct<A: Handlers> {
    /// Its reply.
    Reply(Result<A::Reply, CallError>),
    /// Its reply comes into this place, or is there.
    Later(ReplySlot<A>),
}

impl<A: Handlers> Instance<A> {
    /// Handles one call of an actor that does nothing else. The reply comes back, unless it has to wait for what it saw to be
    /// durable.
    pub(in crate::runtime) fn handle_direct(
        &mut self,
        message: A::Message,
        chain: Option<Arc<Chain>>,
    ) -> (Direct<A>, Flow) {
        let info = A::__action(&message);
        let asked = chain.is_some();
        if asked {
            self.turn.cell().set_waiting(chain);
        }
        let (result, flow) = self.act(message, info, None);
        if asked {
            self.turn.cell().set_waiting(None);
        }
        if !A::__STORED {
            return (Direct::Reply(result), flow);
        }
        let durability = info.durability;
        self.answer_direct(result, flow, durability)
    }

    /// Commits what one call did, and lets its reply out.
    fn answer_direct(
        &mut self,
        result: Result<A::Reply, CallError>,
        flow: Flow,
        durability: Option<Durability>,
    ) -> (Direct<A>, Flow) {
        let cell = Arc::clone(self.turn.cell());
        let durability = durability.unwrap_or_else(|| cell.durability());
        // Such a call only reads, but what is told of its error may change the state.
        if self.batch.is_broken() || self.batch.state.is_some() {
            let slot = cell.mailbox().add_slot();
            self.batch.push(Some(slot.clone()), result, durability);
            return (Direct::Later(slot), self.flush());
        }
        let committed = self.turn.commit(durability);
        cell.metrics().commit_shared(1);
        cell.metrics().committed(committed.is_ok());
        let events = self.turn.take_events();
        let volume = self.turn.database().volume();
        match committed {
            // DURABILITY: it leaves at once only if all that it saw is durable.
            Ok(ticket) if events.is_none() && cell.is_out(volume, ticket) => {
                (Direct::Reply(result), flow)
            }
            Ok(ticket) => {
                let slot = cell.mailbox().add_slot();
                cell.answer_after(volume, ticket, vec![(slot.clone(), result)], events);
                (Direct::Later(slot), flow)
            }
            Err(error) => {
                let slot = cell.mailbox().add_slot();
                self.batch.push(Some(slot.clone()), result, durability);
                let batch = std::mem::replace(&mut self.batch, Batch::new());
                self.commit_failed(batch, error);
                (Direct::Later(slot), Flow::Crash)
            }
        }
    }
}
