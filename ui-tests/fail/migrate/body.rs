//! Migrations are files.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/room")]
    fn migrate() {
        println!("migrating");
    }
}

fn main() {}
