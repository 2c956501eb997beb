//! A slip in an option.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake(tiemout = "2s")]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
