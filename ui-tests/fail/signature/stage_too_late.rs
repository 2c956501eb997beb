//! The state is what this hook makes.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state]
    fn create(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
