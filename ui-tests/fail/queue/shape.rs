//! A queue holds one type of message.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue]
    fn nothing() {}

    #[queue]
    fn two(first: u64, second: u64) {}

    #[queue]
    fn with_self(&self) {}

    #[queue]
    async fn waits(message: u64) {}

    #[queue]
    fn with_context(cx: &mut Context<'_, Self>) {}
}

fn main() {}
