//! A deprecated action warns its callers, and not the generated code.

#![deny(deprecated)]

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[deprecated = "say something new"]
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {
    let _ = |room: &RoomHandle| drop(room.post());
}
