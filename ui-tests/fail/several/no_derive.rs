//! A forgotten derive.

use actor_core::prelude::*;

struct Room;

#[actor]
impl Room {}

fn main() {}
