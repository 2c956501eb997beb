//! The framework's transaction holds all pending migrations.

use actor_core::prelude::*;

#[derive(Actor)]
struct Room;

#[actor]
impl Room {
    #[migrate("migrations/broken/transaction_control")]
    fn migrate() {}
}

fn main() {}
