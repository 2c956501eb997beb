//! All of it in one build.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/several_files")]
    fn migrate() {}
}

fn main() {}
