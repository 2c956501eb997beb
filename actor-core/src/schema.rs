//! [`schema!`](crate::schema): Diesel's tables from the migrations.

/// Writes Diesel's `table!`s from the migrations in a directory.
///
/// ```text
/// actor_core::schema! { pub mod schema = "migrations/chat_room"; }
/// ```
///
/// The migrations run while compiling, in an in-memory SQLite; whatever is wrong with them is a compile error. The module
/// has a `table!` for each table and each view, a `joinable!` for each foreign key that Diesel can follow on its own, and
/// one `allow_tables_to_appear_in_same_query!`. Names and types are those of `diesel print-schema`, but for the id of a row: an
/// `INTEGER PRIMARY KEY` has 64 bits in SQLite, so it is `BigInt`, and so is an integer column that refers to one. Comments in
/// the SQL become documentation: above a `CREATE TABLE`, and above a column or behind it.
///
/// A block sets the SQL type of columns, and the columns that tell the rows of a view apart (its `id` or its first column,
/// unless they are given):
///
/// ```text
/// actor_core::schema! {
///     pub mod schema = "migrations/chat_room" {
///         messages.sent_at: TimestamptzSqlite,
///         messages.id: BigInt,
///         recent_messages: (room, id),
///     }
/// }
/// ```
///
/// A type is one of `diesel::sql_types` or a path to another one. A column that can be `NULL` becomes `Nullable` of it on
/// its own; a column of a view has exactly the type that is written, or else that of the column which it shows.
///
/// # Tables at a version
///
/// The newest tables are wrong in a `#[data_migration]`: it sees a database that later migrations have not changed yet. `at` gives
/// the tables as they are right after the `up.sql` of a version:
///
/// ```text
/// actor_core::schema! { mod v2 = "migrations/chat_room" at "2026-01-02-000002"; }
/// ```
///
/// In an `#[actor]` block a step that mentions a table which is another one at its own version, with other columns, types or
/// another key, does not compile.
///
/// # Rebuilds
///
/// An edit, a rename or a removal of a migration builds the crate again. So that a new one does too, the package needs one
/// line in its `build.rs`, because a macro cannot name a directory to the compiler:
///
/// ```text
/// fn main() { println!("cargo::rerun-if-changed=migrations/chat_room"); }
/// ```
///
/// # The lock
///
/// `migrations/chat_room.lock`, beside the directory, has a hash of the statements of each migration that was released.
/// Editing, removing or overtaking one of these is a compile error, because actors that applied it would never see the
/// change. Comments and blanks may change, and so may `down.sql`, which the framework never runs. Commit the lock.
///
/// A release build adds to the lock what it lacks: a build for a program or a library (no check, no test) that is optimised
/// and has no debug assertions. So nothing is locked while it is being written. The environment variable `ACTOR_LOCK`
/// says otherwise:
///
/// - `ACTOR_LOCK=update cargo check` locks everything as it is now.
/// - `ACTOR_LOCK=check cargo check`, for CI, makes each migration that is not in the lock an error, and writes nothing.
///
/// Cargo expands the macros again when the variable or the lock changes. The locks of dependencies are never written.
#[macro_export]
macro_rules! schema {
    ($($written:tt)*) => {
        $crate::__private::schema! { crate = $crate; $($written)* }
    };
}
