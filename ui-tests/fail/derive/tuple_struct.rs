//! Fields need names.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room(State<u64>);

#[actor]
impl Room {}

fn main() {}
