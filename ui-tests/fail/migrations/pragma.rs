//! The store has its reasons for its settings.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/pragma")]
    fn migrate() {}
}

fn main() {}
