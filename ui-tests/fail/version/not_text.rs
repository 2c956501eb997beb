actor_core::schema! { mod v2 = "migrations/notes" at 2; }

fn main() {}
