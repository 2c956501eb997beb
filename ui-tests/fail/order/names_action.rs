//! Actions have no place in the order.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake(after = post)]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }

    #[action]
    fn post(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
