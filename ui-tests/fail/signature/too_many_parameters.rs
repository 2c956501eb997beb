//! Nobody passes more.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake]
    fn audit(&mut self, cx: &mut Context<'_, Self>, depth: usize) -> Result<()> {
        Ok(())
    }
}

fn main() {}
