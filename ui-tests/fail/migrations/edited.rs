//! Actors may have applied the file as it was.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/edited")]
    fn migrate() {}
}

fn main() {}
