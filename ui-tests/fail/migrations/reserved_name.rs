//! A table of the framework.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/reserved_name")]
    fn migrate() {}
}

fn main() {}
