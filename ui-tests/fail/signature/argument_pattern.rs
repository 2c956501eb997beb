//! A message has fields with names.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>, (_x, _y): (i64, i64)) -> Result<()> {
        Ok(())
    }
}

fn main() {}
