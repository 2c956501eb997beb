//! It cannot run in a transaction.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/vacuum")]
    fn migrate() {}
}

fn main() {}
