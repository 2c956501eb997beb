//! Nobody waits for so many starts.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(restarts = 5_000)]
struct Room;

#[actor]
impl Room {}

fn main() {}
