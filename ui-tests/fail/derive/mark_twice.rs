//! Once is enough.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[vars]
    #[vars]
    topic: String,
}

#[actor]
impl Room {}

fn main() {}
