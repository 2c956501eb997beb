//! A number has no unit.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(restart_window = 30)]
struct Room;

#[actor]
impl Room {}

fn main() {}
