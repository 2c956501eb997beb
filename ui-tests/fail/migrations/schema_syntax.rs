//! Neither a `;` nor a block.

actor_core::schema! { pub mod schema: "migrations/room" }

fn main() {}
