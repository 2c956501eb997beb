//! A block of hooks and actions is the actor's own.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {}

#[actor]
impl Clone for Room {
    fn clone(&self) -> Self {
        Self
    }
}

fn main() {}
