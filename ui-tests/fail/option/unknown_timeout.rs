//! `run` has no time limit.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(timeouts(on_wakee = "2s"))]
struct Room;

#[actor]
impl Room {}

fn main() {}
