//! After a migration: the same schema at the same places as a new actor has it.
//!
//! Actors share a connection when their schemas are the same to the letter, with the same root pages. A migration puts new tables
//! behind the rows that are there, so each actor gets other root pages. SQLite's `VACUUM` writes a database anew in the order in which its
//! tables were made, which is that of the image.

use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::db::Db;
use super::schema::Schema;
use super::template::Template;
use crate::limits;

/// Gives a migrated database the form of its type's image where that is cheap and changes nothing that can be seen.
///
/// Where it does not, the actor has a connection of its own while it works: slower, and as sound.
pub(super) fn settle(db: &mut Db, template: &Template) -> QueryResult<()> {
    let wanted = template.schema();
    let small = db.pages().size() <= limits::CANONICAL_BYTES;
    if !small || wanted.has_virtual_tables || !db.outside(keeps_row_ids)? {
        return Ok(());
    }
    if Schema::of(&**db.pages()).is_ok_and(|schema| schema == wanted) {
        return Ok(());
    }
    db.outside(|connection| {
        connection.batch_execute("VACUUM")?;
        connection.batch_execute(&format!("PRAGMA schema_version = {}", wanted.cookie))
    })
}

/// Returns whether `VACUUM` keeps the row ids of all tables: those that have a column for them.
fn keeps_row_ids(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let loose: i64 = diesel::select(diesel::dsl::sql::<BigInt>(
        "(SELECT count(*) FROM pragma_table_list AS t
          WHERE t.schema = 'main' AND t.type = 'table' AND NOT t.wr
            AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            AND t.name NOT IN ('_actor_migrations', '__diesel_schema_migrations')
            AND NOT EXISTS (
              SELECT 1 FROM pragma_table_info(t.name) AS c
              WHERE c.pk = 1 AND upper(c.type) = 'INTEGER'
                AND (SELECT max(pk) FROM pragma_table_info(t.name)) = 1))",
    ))
    .get_result(connection)?;
    Ok(loose == 0)
}
