//! A message outlives the call.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, cx: &mut Context<'_, Self>, body: &str) -> Result<()> {
        Ok(())
    }
}

fn main() {}
