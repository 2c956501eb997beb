//! Finds what applies to an empty table and fails on one with rows.
//!
//! While compiling, most tables are empty; in an actor that wakes they are not. SQLite refuses some `ADD COLUMN`s only
//! where there is a row, so each migration that adds a column to an older table is tried on a copy that has one.

use super::directory::Migration;
use super::down::SchemaRow;
use super::lexer::{self, Token};
use super::report::Problem;
use super::run;
use crate::sqlite::{Connection, SqlError};

/// Tries `migration` on a copy of `connection` in which no table is empty; `before` is the schema so far.
pub(crate) fn check(
    connection: &Connection,
    migration: &Migration,
    before: &[SchemaRow],
) -> Result<Vec<Problem>, SqlError> {
    let is_older = |table: &String| before.iter().any(|row| row.is_table(table));
    let statements = lexer::statements(&migration.up);
    let added_to = |range: &std::ops::Range<usize>| {
        added_to(migration.up.get(range.clone()).unwrap_or_default()).filter(is_older)
    };
    if !statements.iter().any(|range| added_to(range).is_some()) {
        return Ok(Vec::new());
    }
    let copy = run::scratch_copy(connection)?;
    // The rows are made up, so neither constraints nor triggers may look at them.
    copy.execute("PRAGMA ignore_check_constraints = ON")?;
    for trigger in before.iter().filter(|row| row.is_trigger()) {
        copy.execute(&format!("DROP TRIGGER {}", trigger.quoted_name()))?;
    }
    let mut problems = Vec::new();
    for range in statements {
        let table = added_to(&range);
        if let Some(table) = &table {
            // A table that takes no made-up row is not tried.
            let _ = fill(&copy, table);
        }
        let statement = migration.up.get(range.clone()).unwrap_or_default();
        if let (Err(error), Some(table)) = (copy.execute(statement), table)
            && error.message.starts_with("Cannot add")
        {
            problems.push(describe(migration, &error, &table, range.start));
        }
    }
    Ok(problems)
}

/// Returns the table to which a statement adds a column.
fn added_to(statement: &str) -> Option<String> {
    let code: Vec<_> = lexer::tokens(statement)
        .filter(|token| token.is_code() && token.text != ";")
        .collect();
    let (table, action) = match code.as_slice() {
        [alter, word, _, dot, table, action, ..] if dot.text == "." && is_alter(alter, word) => {
            (table, action)
        }
        [alter, word, table, action, ..] if is_alter(alter, word) => (table, action),
        _ => return None,
    };
    table.name().filter(|_| action.is_word("ADD"))
}

/// Says whether a statement begins with `ALTER TABLE`.
fn is_alter(first: &Token<'_>, second: &Token<'_>) -> bool {
    first.is_word("ALTER") && second.is_word("TABLE")
}

/// Gives an empty table one row.
fn fill(copy: &Connection, table: &str) -> Result<(), SqlError> {
    let quoted = quote(table);
    if !copy
        .rows(&format!("SELECT 1 FROM {quoted} LIMIT 1"), &[])?
        .is_empty()
    {
        return Ok(());
    }
    let sql = "SELECT name, lower(type) FROM pragma_table_xinfo(?1) WHERE hidden = 0";
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for row in copy.rows(sql, &[table])? {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        names.push(quote(&cells.next().unwrap_or_default()));
        values.push(made_up(&cells.next().unwrap_or_default()));
    }
    copy.execute(&format!(
        "INSERT INTO {quoted} ({}) VALUES ({})",
        names.join(", "),
        values.join(", ")
    ))
}

/// Makes up a value that even a strict column of this type takes.
fn made_up(declared: &str) -> &'static str {
    if declared.contains("int") {
        "1"
    } else if ["char", "clob", "text"]
        .iter()
        .any(|part| declared.contains(part))
    {
        "'x'"
    } else if declared.contains("blob") {
        "x'00'"
    } else {
        "1"
    }
}

/// Writes a name so that SQLite takes it for nothing else.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Writes the problem of a statement that fails where there are rows.
fn describe(migration: &Migration, error: &SqlError, table: &str, start: usize) -> Problem {
    migration.with_up(|script| {
        let statement = script.sql.get(start..).unwrap_or_default();
        let first = lexer::tokens(statement).find(|token| token.is_code() && token.text != ";");
        let headline = format!("{}: this fails in every actor that has rows in `{table}`", error.message);
        let help = "give the column a constant default, or make it nullable; a rebuilt table (create a new one, copy, drop \
                    the old one, rename) takes anything";
        Problem::at(headline, script, start + first.map_or(0, |token| token.start), help)
    })
}
