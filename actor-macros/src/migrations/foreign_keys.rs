//! Checks foreign keys, which are off while migrations apply.

use super::directory::Migration;
use super::report::Problem;
use crate::sqlite::{Connection, SqlError};

/// How many rows of one migration are named; more would hide what else is wrong.
const ROWS_NAMED_MAX: usize = 3;

/// Looks for rows that refer to nothing, after `migration` ran.
pub(crate) fn check_rows(connection: &Connection, migration: &Migration) -> Vec<Problem> {
    let shown = format!("{}/up.sql", migration.shown);
    let rows = match connection.rows("PRAGMA foreign_key_check", &[]) {
        Ok(rows) => rows,
        Err(error) => {
            let help =
                "let the foreign key refer to the primary key or to columns with a unique index";
            return vec![Problem::in_path(error.message, &shown, help)];
        }
    };
    rows.iter()
        .take(ROWS_NAMED_MAX)
        .map(|row| describe(row, &shown))
        .collect()
}

/// Writes the problem of one row of `PRAGMA foreign_key_check`: table, row id, table that it refers to.
fn describe(row: &[Option<String>], shown: &str) -> Problem {
    let cell = |index: usize| row.get(index).and_then(Option::as_deref).unwrap_or("?");
    let headline = match row.get(1).and_then(Option::as_deref) {
        Some(rowid) => format!(
            "row {rowid} of `{}` refers to a row of `{}` that does not exist",
            cell(0),
            cell(2)
        ),
        None => format!(
            "a row of `{}` refers to a row of `{}` that does not exist",
            cell(0),
            cell(2)
        ),
    };
    let help = "insert the row that it refers to, or delete this one; foreign keys are checked after each migration";
    Problem::in_path(headline, shown, help)
}

/// Looks for foreign keys to tables that do not exist, after all migrations ran. SQLite accepts them, and refuses each row
/// later.
pub(crate) fn check_parents(connection: &Connection) -> Result<Vec<Problem>, SqlError> {
    let sql = "SELECT DISTINCT child.name, key.\"table\"
               FROM sqlite_schema child, pragma_foreign_key_list(child.name) key
               WHERE child.type = 'table' AND NOT EXISTS (
                 SELECT 1 FROM sqlite_schema parent
                 WHERE parent.type = 'table' AND parent.name = key.\"table\" COLLATE NOCASE)
               ORDER BY 1, 2";
    let problem = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let (child, parent) = (
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
        );
        let headline = format!(
            "the table `{child}` refers to a table `{parent}`, which the migrations do not create"
        );
        Problem::new(
            headline,
            "create it, or correct the name behind `REFERENCES`",
        )
    };
    Ok(connection
        .rows(sql, &[])?
        .into_iter()
        .map(problem)
        .collect())
}
