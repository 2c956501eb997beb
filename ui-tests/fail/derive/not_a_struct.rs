//! An enum has no fields of its own.

use actor_core::prelude::*;

#[derive(Actor)]
enum Room {
    Open,
}

#[actor]
impl Room {}

fn main() {}
