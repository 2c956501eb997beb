//! What a queue can be told, and what not.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[queue(max = 0)]
    fn none(message: u64) {}

    #[queue(visible = "10s")]
    fn misspelt(message: u64) {}

    #[queue(timeout = "10s")]
    fn late(message: u64) {}

    #[action(max = 10)]
    fn act(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
