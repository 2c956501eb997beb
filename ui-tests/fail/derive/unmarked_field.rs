//! Is it saved or not?

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    topic: String,
}

#[actor]
impl Room {}

fn main() {}
