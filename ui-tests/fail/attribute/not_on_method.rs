//! A hook is a method.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[on_wake]
    const LIMIT: usize = 3;
}

fn main() {}
