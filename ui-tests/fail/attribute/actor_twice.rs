//! One `#[actor]` is enough.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
#[actor]
impl Room {}

fn main() {}
