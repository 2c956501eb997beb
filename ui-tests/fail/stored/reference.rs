//! A reference cannot come back from the disk.

use actor_core::prelude::*;
use std::time::Duration;

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[action]
    fn say(&mut self, _cx: &mut Context<'_, Self>, _text: &'static str) -> Result<()> {
        Ok(())
    }
}

async fn outside(room: &RoomHandle) {
    let _ = room.say("hi").await;
    let _ = room.say("hi").after(Duration::from_secs(1)).await;
}

fn main() {}
