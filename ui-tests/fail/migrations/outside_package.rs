//! Migrations are a part of the package.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("../migrations/room")]
    fn migrate() {}
}

fn main() {}
