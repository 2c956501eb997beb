//! The vars are made by one hook.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_vars]
    fn first(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }

    #[create_vars]
    fn second(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
