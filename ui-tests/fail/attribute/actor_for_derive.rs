//! `#[actor]` on the struct instead of the derive is one error.

use actor_core::prelude::*;

#[actor(sleep_after = "1s")]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn add(&mut self, _cx: &mut Context<'_, Self>, more: u64) -> Result<u64> {
        Ok(more)
    }
}

async fn outside(room: &RoomHandle) -> u64 {
    room.add(1).await.unwrap()
}

fn main() {}
