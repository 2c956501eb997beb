//! Marks take nothing.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[vars(skip)]
    topic: String,
}

#[actor]
impl Room {}

fn main() {}
