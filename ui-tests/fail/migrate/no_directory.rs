//! The macro does not guess.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate]
    fn migrate() {}
}

fn main() {}
