//! Callers pass one input.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state]
    fn create(_cx: &mut Context<'_, Self, Migrated>, _topic: String, _owner: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
