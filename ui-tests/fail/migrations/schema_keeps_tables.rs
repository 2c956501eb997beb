//! What stands before the mistake is there all the same, so that the queries on it have no errors of their own.

use diesel::prelude::*;

actor_core::schema! { mod schema = "migrations/broken/clock_in_a_row"; }

fn names() -> impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> {
    schema::rooms::table.select(schema::rooms::name)
}

fn main() {
    let _ = names();
}
