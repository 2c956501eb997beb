//! A message has fields with types.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, _body: impl Into<String>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
