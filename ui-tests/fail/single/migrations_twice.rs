use actor_core::prelude::*;


actor_core::schema! { mod schema = "migrations/broken/syntax_error"; }
actor_core::schema! { mod first = "migrations/broken/syntax_error" at "2026-11-22-000001"; }

#[derive(Actor)]
struct Room {}

#[actor]
impl Room {
    #[migrate("migrations/broken/syntax_error")]
    fn migrate() {}
}

fn main() {}
