//! A name is a directory everywhere.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(name = "Chat Room")]
struct Room;

#[actor]
impl Room {}

fn main() {}
