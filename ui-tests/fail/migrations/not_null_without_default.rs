//! It applies to an empty table alone.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/not_null_without_default")]
    fn migrate() {}
}

fn main() {}
