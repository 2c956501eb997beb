//! The name belongs to the struct.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor(name = "room")]
impl Room {}

fn main() {}
