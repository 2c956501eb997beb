//! `schema!` with the real Diesel: the tables are there, typed, and can be queried.
#![deny(missing_docs, warnings)]

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

actor_macros::schema! {
    mod schema = "tests/fixtures/chat_room" {
        messages.sent_at: TimestamptzSqlite,
        messages.id: BigInt,
        activity.total: BigInt,
        activity.name: Text,
        activity: (name),
    }
}

use schema::{activity, members, messages, search, tag_set};

/// Opens a database that was migrated step by step.
fn database() -> SqliteConnection {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    for name in ["2025-01-01-000000_create", "2025-02-01-000000_search"] {
        let path = format!(
            "{}/tests/fixtures/chat_room/{name}/up.sql",
            env!("CARGO_MANIFEST_DIR")
        );
        connection
            .batch_execute(&std::fs::read_to_string(path).unwrap())
            .unwrap();
    }
    connection
}

#[test]
fn tables_joins_views_and_searches_can_be_queried() {
    let connection = &mut database();
    diesel::insert_into(members::table)
        .values((
            members::id.eq(1),
            members::name.eq("ann"),
            members::type_.eq("human"),
        ))
        .execute(connection)
        .unwrap();
    diesel::insert_into(messages::table)
        .values((messages::author.eq(1), messages::body.eq("hello world")))
        .execute(connection)
        .unwrap();
    diesel::insert_into(tag_set::table)
        .values((tag_set::key.eq("a"), tag_set::star_.eq(true)))
        .execute(connection)
        .unwrap();

    let said: Vec<(i64, String, Option<i32>)> = messages::table
        .inner_join(members::table)
        .select((messages::id, members::name, messages::length))
        .load(connection)
        .unwrap();
    assert_eq!(said, [(1, "ann".to_owned(), Some(11))]);

    let active: Vec<(String, i64)> = activity::table.load(connection).unwrap();
    assert_eq!(active, [("ann".to_owned(), 1)]);

    let found: Vec<(i64, Option<String>)> = search::table
        .filter(search::search_.eq("hello"))
        .select((search::rowid, search::body))
        .load(connection)
        .unwrap();
    assert_eq!(found, [(1, Some("hello world".to_owned()))]);

    let tags: i64 = tag_set::table
        .find(("a", true))
        .count()
        .get_result(connection)
        .unwrap();
    assert_eq!(tags, 1);
}
