use actor_core::prelude::*;


actor_core::schema! { mod schema = "migrations/broken/unknown_table"; }
actor_core::schema! { mod first = "migrations/broken/unknown_table" at "2026-11-22-000001"; }

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[migrate("migrations/broken/unknown_table")]
    fn migrate() {}
}

fn main() {}
