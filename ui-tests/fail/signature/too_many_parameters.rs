//! Nobody passes more.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake]
    fn audit(&mut self, _cx: &mut Context<'_, Self>, _depth: usize) -> Result<()> {
        Ok(())
    }
}

fn main() {}
