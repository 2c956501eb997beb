//! A table of Diesel's.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/diesel_table")]
    fn migrate() {}
}

fn main() {}
