//! Proves that a `down.sql` leads back to exactly the schema before its `up.sql`.

use super::directory::Migration;
use super::lexer;
use super::probe;
use super::report::{Problem, Script};
use super::run::{self, Depth};
use crate::sqlite::{Connection, SqlError};

/// What to do about a `down.sql` that does not lead back.
const HELP: &str = "undo in `down.sql` all that `up.sql` does, or delete `down.sql`: a migration need not have one";

/// One row of `sqlite_schema`, as far as it is the same in every database with this schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchemaRow {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl SchemaRow {
    /// Says whether it is the table `name`.
    pub(crate) fn is_table(&self, name: &str) -> bool {
        self.kind == "table" && self.name.eq_ignore_ascii_case(name)
    }

    /// Says whether it is a trigger.
    pub(crate) fn is_trigger(&self) -> bool {
        self.kind == "trigger"
    }

    /// Returns the name, quoted for SQL.
    pub(crate) fn quoted_name(&self) -> String {
        probe::quote(&self.name)
    }

    /// Says whether both rows are about the same thing.
    fn is_same_thing(&self, other: &Self) -> bool {
        (&self.kind, self.name.to_lowercase()) == (&other.kind, other.name.to_lowercase())
    }

    /// Says whether both rows mean the same.
    fn is_equal(&self, other: &Self) -> bool {
        self.table.eq_ignore_ascii_case(&other.table)
            && lexer::normalize(&self.sql) == lexer::normalize(&other.sql)
    }
}

/// Reads the schema. What SQLite makes on its own is left out: some of it cannot be dropped, and the rest follows from
/// the tables.
pub(crate) fn schema_rows(connection: &Connection) -> Result<Vec<SchemaRow>, SqlError> {
    let sql = r"SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema
                WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type, name";
    let rows = connection.rows(sql, &[])?;
    let row = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut next = || cells.next().unwrap_or_default();
        SchemaRow {
            kind: next(),
            name: next(),
            table: next(),
            sql: next(),
        }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Checks the `down.sql` of a migration that just ran in `connection`; `before` is the schema before it ran, or `None`
/// when it did not run and only the words and the grammar can be checked.
pub(crate) fn check(
    connection: &Connection,
    migration: &Migration,
    before: Option<&[SchemaRow]>,
) -> Vec<Problem> {
    let Some(down) = &migration.down else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let shown = format!("{}/down.sql", migration.shown);
    let mut depth = if before.is_some() {
        Depth::Run
    } else {
        Depth::Grammar
    };
    let result = run::scratch_copy(connection).and_then(|copy| {
        run::run_script(
            &copy,
            Script {
                shown: &shown,
                sql: down,
            },
            &mut depth,
            &mut problems,
        );
        schema_rows(&copy)
    });
    match (result, before) {
        (Err(error), _) => problems.push(run::internal(&error)),
        (Ok(after), Some(before)) if problems.is_empty() => {
            let differences = compare(before, &after);
            if !differences.is_empty() {
                let headline = format!(
                    "`down.sql` does not lead back to the schema before `{}`:{differences}",
                    migration.name
                );
                problems.push(Problem::in_path(headline, &shown, HELP));
            }
        }
        _ => {}
    }
    problems
}

/// Lists what differs between two schemas, one line each.
fn compare(before: &[SchemaRow], after: &[SchemaRow]) -> String {
    let line = |what: &str, row: &SchemaRow| format!("\n    {what}: {} `{}`", row.kind, row.name);
    let mut lines = String::new();
    for old in before {
        match after.iter().find(|new| new.is_same_thing(old)) {
            None => lines += &line("missing", old),
            Some(new) if !new.is_equal(old) => {
                lines += &line("different", old);
                lines.extend([
                    "\n      before: ",
                    one_line(&old.sql).as_str(),
                    "\n      after:  ",
                    one_line(&new.sql).as_str(),
                ]);
            }
            Some(_) => {}
        }
    }
    for new in after
        .iter()
        .filter(|new| !before.iter().any(|old| old.is_same_thing(new)))
    {
        lines += &line("left over", new);
    }
    lines
}

/// Brings a statement onto one line.
fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
