//! Actors may have applied it.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/removed")]
    fn migrate() {}
}

fn main() {}
