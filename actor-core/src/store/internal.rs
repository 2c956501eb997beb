//! The framework's own tables in an actor's database.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sqlite::SqliteConnection;

/// The statements that make the tables below.
pub(super) const SQL: &str = actor_macros::__internal_sql!();

/// The format of the tables that this program writes. A file with a newer one is refused, and one with an older one gets
/// what it lacks with the pending migrations of its actor.
///
/// 2: `_actor_calls` and `_actor_sequences`.
pub(crate) const FORMAT: i32 = 2;

/// Where in [`SQL`] the tables begin that came with the second format.
const SECOND: &str = "-- Calls that are stored";

/// Makes the tables that an older format lacks.
pub(super) fn upgrade(connection: &mut SqliteConnection, from: i32) -> QueryResult<()> {
    if from < 2 {
        let begin = SQL
            .find(SECOND)
            .expect("the tables of the second format are in the text");
        connection.batch_execute(&SQL[begin..])?;
    }
    Ok(())
}

diesel::table! {
    _actor_meta (id) {
        id -> Integer,
        format -> Integer,
        actor -> Text,
        key -> Text,
        instance -> Text,
        schema -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    _actor_migrations (version) {
        version -> Text,
        checksum -> Text,
    }
}

diesel::table! {
    _actor_state (id) {
        id -> Integer,
        version -> Integer,
        value -> Text,
    }
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

/// The mark that an actor exists.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = _actor_meta)]
pub(crate) struct Meta {
    /// Always 1.
    pub(super) id: i32,
    /// The format of the framework's tables.
    pub(crate) format: i32,
    /// The name of the actor's type.
    pub(super) actor: String,
    /// The printed form of its key.
    pub(super) key: String,
    /// What tells this actor from an earlier one with the same key.
    pub(crate) instance: String,
    /// The fingerprint of the migrations that made the schema.
    pub(crate) schema: String,
    /// When it was created, in seconds since 1970.
    pub(super) created_at: i64,
}

/// Returns whether the framework's tables are there.
pub(super) fn has_tables(connection: &mut SqliteConnection) -> QueryResult<bool> {
    let count: i64 = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT count(*) FROM sqlite_schema WHERE name = '_actor_meta')",
    ))
    .get_result(connection)?;
    Ok(count == 1)
}

/// Reads the mark, if the actor exists.
pub(super) fn read_meta(connection: &mut SqliteConnection) -> QueryResult<Option<Meta>> {
    _actor_meta::table
        .select(Meta::as_select())
        .first(connection)
        .optional()
}

/// Writes the mark.
pub(super) fn write_meta(connection: &mut SqliteConnection, meta: &Meta) -> QueryResult<()> {
    diesel::replace_into(_actor_meta::table)
        .values(meta)
        .execute(connection)
        .map(drop)
}

/// Removes the mark: the file does not count any more.
pub(super) fn remove_meta(connection: &mut SqliteConnection) -> QueryResult<()> {
    diesel::delete(_actor_meta::table)
        .execute(connection)
        .map(drop)
}

/// The state as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = _actor_state)]
pub(crate) struct SavedState {
    /// The version of its type; 0 for that of an actor without a state.
    pub(crate) version: i32,
    /// Its text.
    #[diesel(column_name = value)]
    pub(crate) json: String,
}

/// Reads the state.
pub(super) fn read_state(connection: &mut SqliteConnection) -> QueryResult<Option<SavedState>> {
    _actor_state::table
        .select(SavedState::as_select())
        .first(connection)
        .optional()
}

/// Writes the state.
pub(super) fn write_state(
    connection: &mut SqliteConnection,
    version: i32,
    json: &str,
) -> QueryResult<()> {
    diesel::replace_into(_actor_state::table)
        .values((
            _actor_state::id.eq(1),
            _actor_state::version.eq(version),
            _actor_state::value.eq(json),
        ))
        .execute(connection)
        .map(drop)
}

/// Reads how many migrations are applied, and the newest.
pub(super) fn applied_summary(
    connection: &mut SqliteConnection,
) -> QueryResult<(i64, Option<String>)> {
    __diesel_schema_migrations::table
        .select((
            diesel::dsl::count_star(),
            diesel::dsl::max(__diesel_schema_migrations::version),
        ))
        .first(connection)
}

/// Reads the applied versions, oldest first, with the checksums that we wrote for them.
pub(super) fn applied_versions(
    connection: &mut SqliteConnection,
) -> QueryResult<Vec<(String, Option<String>)>> {
    __diesel_schema_migrations::table
        .left_join(
            _actor_migrations::table
                .on(_actor_migrations::version.eq(__diesel_schema_migrations::version)),
        )
        .select((
            __diesel_schema_migrations::version,
            _actor_migrations::checksum.nullable(),
        ))
        .order(__diesel_schema_migrations::version)
        .load(connection)
}

/// Writes the checksum of a migration that was applied.
pub(super) fn write_checksum(
    connection: &mut SqliteConnection,
    version: &str,
    checksum: &str,
) -> QueryResult<()> {
    diesel::replace_into(_actor_migrations::table)
        .values((
            _actor_migrations::version.eq(version),
            _actor_migrations::checksum.eq(checksum),
        ))
        .execute(connection)
        .map(drop)
}

diesel::allow_tables_to_appear_in_same_query!(_actor_migrations, __diesel_schema_migrations);

/// A row that refers to one that does not exist.
#[derive(QueryableByName)]
struct Orphan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table: String,
}

/// Returns the table of each row that refers to one that does not exist.
pub(super) fn orphans(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    let rows: Vec<Orphan> = diesel::sql_query("PRAGMA foreign_key_check").load(connection)?;
    Ok(rows.into_iter().map(|orphan| orphan.table).collect())
}
