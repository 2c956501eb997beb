//! A migration without a version.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/bad_name")]
    fn migrate() {}
}

fn main() {}
