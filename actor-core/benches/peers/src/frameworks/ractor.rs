//! ractor, as its documentation shows it.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call};

use crate::measure::Framework;

pub(crate) struct Sum;

pub(crate) enum Add {
    Ask(u64, RpcReplyPort<u64>),
    Tell(u64),
}

impl Actor for Sum {
    type Msg = Add;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Add>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Add>,
        message: Add,
        sum: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Add::Ask(number, reply) => {
                *sum += number;
                let _ = reply.send(*sum);
            }
            Add::Tell(number) => *sum += number,
        }
        Ok(())
    }
}

pub(crate) struct Ractor;

impl Framework for Ractor {
    type Handle = ActorRef<Add>;

    async fn begin() -> Self {
        Self
    }

    async fn spawn(&self, _index: usize) -> Self::Handle {
        let (actor, _task) = Actor::spawn(None, Sum, ()).await.expect("it starts");
        actor
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        call!(handle, Add::Ask, number).expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        handle.cast(Add::Tell(number)).expect("it is there");
    }

    async fn stop(handle: Self::Handle) {
        let stopped = handle.stop_and_wait(None, None).await;
        stopped.expect("it ends");
    }

    async fn end(self) {}
}
