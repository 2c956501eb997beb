//! Behind a name of the user's only the compiler sees that this is no result.

use actor_core::prelude::*;

struct Posted;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>) -> Posted {
        Posted
    }
}

fn main() {}
