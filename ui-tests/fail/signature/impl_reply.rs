//! A reply has a type with a name.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[action]
    fn topics(&self, _cx: &mut Context<'_, Self>) -> Result<impl Iterator<Item = u8>> {
        Ok(0..3)
    }
}

fn main() {}
