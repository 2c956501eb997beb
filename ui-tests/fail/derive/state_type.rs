//! State knows whether it changed.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: Vec<String>,
}

#[actor]
impl Room {}

fn main() {}
