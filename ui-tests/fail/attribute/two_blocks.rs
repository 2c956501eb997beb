//! An actor has one block.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {}

#[actor]
impl Room {}

fn main() {}
