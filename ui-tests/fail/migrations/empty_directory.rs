//! A directory without a migration.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/empty_directory")]
    fn migrate() {}
}

fn main() {}
