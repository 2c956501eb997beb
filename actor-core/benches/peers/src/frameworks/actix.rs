//! actix, as its documentation shows it: its actors run in two arbiters, each a thread of its own.

use actix::prelude::*;

use crate::measure::Framework;

pub(crate) struct Sum(u64);

impl Actor for Sum {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(1_024);
    }
}

#[derive(Message)]
#[rtype(result = "u64")]
struct Add(u64);

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

impl Handler<Add> for Sum {
    type Result = u64;

    fn handle(&mut self, Add(number): Add, _: &mut Self::Context) -> u64 {
        self.0 += number;
        self.0
    }
}

impl Handler<Stop> for Sum {
    type Result = ();

    fn handle(&mut self, _: Stop, context: &mut Self::Context) {
        context.stop();
    }
}

pub(crate) struct Actix {
    arbiters: [ArbiterHandle; 2],
    system: System,
    thread: std::thread::JoinHandle<()>,
}

impl Framework for Actix {
    type Handle = Addr<Sum>;

    async fn begin() -> Self {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runner = System::new();
            let arbiters =
                runner.block_on(async { [Arbiter::new().handle(), Arbiter::new().handle()] });
            let _ = sender.send((arbiters, System::current()));
            runner.run().expect("it runs");
        });
        let (arbiters, system) = receiver.await.expect("it starts");
        Self {
            arbiters,
            system,
            thread,
        }
    }

    async fn spawn(&self, index: usize) -> Self::Handle {
        Sum::start_in_arbiter(&self.arbiters[index % 2], |_| Sum(0))
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        handle.send(Add(number)).await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        handle.do_send(Add(number));
    }

    async fn stop(handle: Self::Handle) {
        handle.send(Stop).await.expect("it ends");
    }

    async fn end(self) {
        self.system.stop();
        self.thread.join().expect("it ends well");
    }
}
