//! kameo, as its documentation shows it.

use kameo::prelude::*;

use crate::measure::Framework;

#[derive(Actor)]
pub(crate) struct Sum(u64);

pub(crate) struct Add(u64);

impl Message<Add> for Sum {
    type Reply = u64;

    async fn handle(&mut self, Add(number): Add, _: &mut Context<Self, Self::Reply>) -> u64 {
        self.0 += number;
        self.0
    }
}

pub(crate) struct Kameo;

impl Framework for Kameo {
    type Handle = ActorRef<Sum>;

    async fn begin() -> Self {
        Self
    }

    async fn spawn(&self, _index: usize) -> Self::Handle {
        Sum::spawn(Sum(0))
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        handle.ask(Add(number)).await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        handle.tell(Add(number)).await.expect("it is there");
    }

    async fn stop(handle: Self::Handle) {
        handle.stop_gracefully().await.expect("it is there");
        handle.wait_for_shutdown().await;
    }

    async fn end(self) {}
}
