//! Two branches that were merged.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/duplicate_version")]
    fn migrate() {}
}

fn main() {}
