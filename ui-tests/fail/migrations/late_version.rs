//! Actors may have gone past it.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/late_version")]
    fn migrate() {}
}

fn main() {}
