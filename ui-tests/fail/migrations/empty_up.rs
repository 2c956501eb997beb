//! A file that waits for its SQL.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/empty_up")]
    fn migrate() {}
}

fn main() {}
