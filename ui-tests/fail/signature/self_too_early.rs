//! There is no actor yet.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_create]
    fn welcome(&mut self, _cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
