//! An action is a method of an actor.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(_cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
