//! There are no tables yet.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state(before = migrate)]
    fn create(_cx: &mut Context<'_, Self, Migrated>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
