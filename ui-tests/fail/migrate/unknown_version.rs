//! A version with a slip.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {}

    #[data_migration(after = "2026-11-22-000020")]
    fn fill(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
