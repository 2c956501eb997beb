//! When does it run?

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {}

    #[data_migration]
    fn fill(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
