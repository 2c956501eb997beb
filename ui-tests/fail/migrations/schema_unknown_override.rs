//! Types for a table and for a column that are not there.

actor_core::schema! {
    mod schema = "migrations/room" {
        mesages.id: BigInt,
        messages.idd: BigInt,
    }
}

fn main() {}
