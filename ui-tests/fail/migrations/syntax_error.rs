//! A word that SQL does not know.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/syntax_error")]
    fn migrate() {}
}

fn main() {}
