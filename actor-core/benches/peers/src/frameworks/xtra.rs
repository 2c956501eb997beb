//! xtra, as its documentation shows it. Its mailbox is bounded as ours.

use xtra::prelude::*;

use crate::measure::Framework;

pub(crate) struct Sum(u64);

impl xtra::Actor for Sum {
    type Stop = ();

    async fn stopped(self) {}
}

pub(crate) struct Add(u64);

impl Handler<Add> for Sum {
    type Return = u64;

    async fn handle(&mut self, Add(number): Add, _: &mut Context<Self>) -> u64 {
        self.0 += number;
        self.0
    }
}

struct Stop;

impl Handler<Stop> for Sum {
    type Return = ();

    async fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop_self();
    }
}

pub(crate) struct Xtra;

impl Framework for Xtra {
    /// Its mailbox is a heap by priority, in which an ask overtakes tells.
    const KEEPS_ORDER: bool = false;
    type Handle = Address<Sum>;

    async fn begin() -> Self {
        Self
    }

    async fn spawn(&self, _index: usize) -> Self::Handle {
        xtra::spawn_tokio(Sum(0), Mailbox::bounded(1_024))
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        handle.send(Add(number)).await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        let sent = handle.send(Add(number)).detach().await;
        drop(sent.expect("it is there"));
    }

    async fn stop(handle: Self::Handle) {
        handle.send(Stop).await.expect("it is there");
        handle.join().await;
    }

    async fn end(self) {}
}
