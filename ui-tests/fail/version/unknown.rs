actor_core::schema! { mod v2 = "migrations/notes" at "2026-01-02-000009"; }

fn main() {}
