//! The function is never called.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/room")]
    async fn migrate(cx: &mut Context<'_, Self, Migrating>) -> Result<()> {}
}

fn main() {}
