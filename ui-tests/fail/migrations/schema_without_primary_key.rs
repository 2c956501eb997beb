//! Diesel tells rows apart by their key.

actor_core::schema! { mod schema = "migrations/broken/no_primary_key"; }

fn main() {}
