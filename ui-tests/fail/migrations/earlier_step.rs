//! The second step took away what the third one reads.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/earlier_step")]
    fn migrate() {}
}

fn main() {}
