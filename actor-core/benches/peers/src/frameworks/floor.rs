//! The floor: a task, a bounded channel, a oneshot for each reply.

use tokio::sync::{mpsc, oneshot};

use crate::measure::Framework;

pub(crate) struct Floor;

pub(crate) enum Message {
    Ask(u64, oneshot::Sender<u64>),
    Tell(u64),
    Stop(oneshot::Sender<()>),
}

impl Framework for Floor {
    type Handle = mpsc::Sender<Message>;

    async fn begin() -> Self {
        Self
    }

    async fn spawn(&self, _index: usize) -> Self::Handle {
        // As many as wait in one of our mailboxes.
        let (sender, mut receiver) = mpsc::channel::<Message>(1_024);
        tokio::spawn(async move {
            let mut sum = 0;
            while let Some(message) = receiver.recv().await {
                match message {
                    Message::Ask(number, reply) => {
                        sum += number;
                        let _ = reply.send(sum);
                    }
                    Message::Tell(number) => sum += number,
                    Message::Stop(stopped) => {
                        let _ = stopped.send(());
                        return;
                    }
                }
            }
        });
        sender
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        let (reply, answer) = oneshot::channel();
        let sent = handle.send(Message::Ask(number, reply)).await;
        sent.expect("the task is there");
        answer.await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        let sent = handle.send(Message::Tell(number)).await;
        sent.expect("the task is there");
    }

    async fn stop(handle: Self::Handle) {
        let (stopped, stops) = oneshot::channel();
        let sent = handle.send(Message::Stop(stopped)).await;
        sent.expect("the task is there");
        stops.await.expect("it stops");
    }

    async fn end(self) {}
}
