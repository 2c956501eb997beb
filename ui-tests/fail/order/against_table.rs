//! The vars come before the first wake.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_vars(after = audit)]
    fn vars(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }

    #[on_wake]
    fn audit(&mut self, _cx: &mut Context<'_, Self>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
