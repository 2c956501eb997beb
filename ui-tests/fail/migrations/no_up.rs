//! Nothing to apply.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/no_up")]
    fn migrate() {}
}

fn main() {}
