//! A file that looks like a migration.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/stray_file")]
    fn migrate() {}
}

fn main() {}
