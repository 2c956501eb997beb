//! A step of nothing.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[data_migration(after = "2026-11-22-000002")]
    fn fill(_cx: &mut Context<'_, Self, Migrating>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
