//! The budget belongs to the struct.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor(restarts = 5)]
impl Room {}

fn main() {}
