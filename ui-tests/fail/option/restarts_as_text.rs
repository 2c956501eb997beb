//! How often is a number.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(restarts = "5")]
struct Room;

#[actor]
impl Room {}

fn main() {}
