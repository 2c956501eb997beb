//! There are no tables yet, by a detour.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[create_state(before = welcome)]
    fn create(_cx: &mut Context<'_, Self, Migrated>) -> Result<()> {
        Ok(())
    }

    #[on_create(before = migrate)]
    fn welcome(_cx: &mut Context<'_, Self, Stateful>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
