//! An actor has one file.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/attach")]
    fn migrate() {}
}

fn main() {}
