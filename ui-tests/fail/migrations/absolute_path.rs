//! The path holds on one machine alone.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("/migrations/room")]
    fn migrate() {}
}

fn main() {}
