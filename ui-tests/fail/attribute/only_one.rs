//! The vars are made by one hook.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_vars]
    fn first(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }

    #[create_vars]
    fn second(cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
