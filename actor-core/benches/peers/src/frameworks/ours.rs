//! Our own, with actions that are not `async` and with some that are.

use actor_core::prelude::*;

use crate::measure::Framework;

#[derive(Actor)]
pub(crate) struct Sum {
    #[vars]
    sum: u64,
}

#[actor]
impl Sum {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        self.sum += number;
        Ok(self.sum)
    }

    #[action]
    async fn add_async(&mut self, _cx: &mut Context<'_, Self>, number: u64) -> Result<u64> {
        self.sum += number;
        Ok(self.sum)
    }
}

pub(crate) struct Ours(System);

pub(crate) struct OursAsync(Ours);

impl Framework for Ours {
    type Handle = SumHandle;

    async fn begin() -> Self {
        let directory =
            std::env::temp_dir().join(format!("durable-actors-peers-{}", std::process::id()));
        let system = System::builder()
            .data_dir(directory)
            .register::<Sum>()
            .start();
        Self(system.await.expect("a system starts"))
    }

    async fn spawn(&self, index: usize) -> Self::Handle {
        self.0
            .create::<Sum>(index.to_string(), ())
            .await
            .expect("it starts")
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        handle.add(number).await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        handle.add(number).tell().await.expect("there is room");
    }

    async fn stop(handle: Self::Handle) {
        handle.destroy().await.expect("it ends");
    }

    async fn end(self) {
        self.0.shutdown().await.expect("it shuts down");
        let directory =
            std::env::temp_dir().join(format!("durable-actors-peers-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(directory);
    }
}

impl Framework for OursAsync {
    type Handle = SumHandle;

    async fn begin() -> Self {
        Self(Ours::begin().await)
    }

    async fn spawn(&self, index: usize) -> Self::Handle {
        self.0.spawn(index).await
    }

    async fn ask(handle: &Self::Handle, number: u64) -> u64 {
        handle.add_async(number).await.expect("it answers")
    }

    async fn tell(handle: &Self::Handle, number: u64) {
        handle
            .add_async(number)
            .tell()
            .await
            .expect("there is room");
    }

    async fn stop(handle: Self::Handle) {
        Ours::stop(handle).await;
    }

    async fn end(self) {
        self.0.end().await;
    }
}
