//! The function is never called.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate(_cx: &mut Context<'_, Self, Migrating>) {}
}

fn main() {}
