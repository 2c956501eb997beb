//! One state, saved as one.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room {
    #[state]
    topic: State<String>,
    #[state]
    owner: State<String>,
}

#[actor]
impl Room {}

fn main() {}
