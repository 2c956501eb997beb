//! A reply leaves the actor.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn topic(&self, _cx: &mut Context<'_, Self>) -> Result<&str> {
        Ok("rust")
    }
}

fn main() {}
