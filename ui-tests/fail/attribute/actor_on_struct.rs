//! The options of a struct follow the derive.

use actor_core::prelude::*;

#[actor(name = "room")]
#[derive(Clone)]
struct Room;

fn main() {}
