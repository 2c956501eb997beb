//! A way back that stops half way.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/down_leaves_something")]
    fn migrate() {}
}

fn main() {}
