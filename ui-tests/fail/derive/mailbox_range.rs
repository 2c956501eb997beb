//! A mailbox without room.

use actor_core::prelude::*;

#[derive(Actor)]
#[actor(mailbox = 0)]
struct Room;

#[actor]
impl Room {}

fn main() {}
