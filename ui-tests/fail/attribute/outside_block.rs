//! Without `#[actor]` on the block nobody reads the hooks.

use actor_core::prelude::*;

struct Room;

impl Room {
    #[on_wake]
    fn audit(&mut self) {}
}

fn main() {}
