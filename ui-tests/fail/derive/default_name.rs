//! No such directory on every system.

use actor_core::prelude::*;

#[derive(Actor)]
struct Räume;

#[actor]
impl Räume {}

fn main() {}
