//! A way back that fails.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/down_does_not_apply")]
    fn migrate() {}
}

fn main() {}
