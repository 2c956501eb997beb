//! Callers pass one input.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state]
    fn create(cx: &mut Context<'_, Self, Migrated>, topic: String, owner: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
