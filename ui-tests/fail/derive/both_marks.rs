//! Saved and not saved.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    #[vars]
    topic: State<String>,
}

#[actor]
impl Room {}

fn main() {}
