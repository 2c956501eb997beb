//! A forgotten block is one error.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

fn main() {}
