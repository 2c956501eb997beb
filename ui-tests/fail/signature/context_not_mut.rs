//! The database is borrowed mutably.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
