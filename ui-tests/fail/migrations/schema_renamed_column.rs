//! The last migration renamed `body` to `text`; a query and a struct still say `body`.

use diesel::prelude::*;

actor_core::schema! { mod schema = "migrations/renamed_column"; }
use schema::messages;

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Message {
    id: i32,
    body: String,
}

fn main() {
    let _ = messages::table.select(messages::body);
}
