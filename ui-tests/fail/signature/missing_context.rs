//! Everything takes the context.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _body: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
