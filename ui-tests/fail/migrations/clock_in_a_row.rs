//! The time of the build would be in every new actor.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/clock_in_a_row")]
    fn migrate() {}
}

fn main() {}
