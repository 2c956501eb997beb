//! A message outlives the call.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, _body: &str) -> Result<()> {
        Ok(())
    }
}

fn main() {}
