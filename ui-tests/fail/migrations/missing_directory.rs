//! A directory that is not there.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/rooom")]
    fn migrate() {}
}

fn main() {}
