//! Runs migrations in an in-memory SQLite, one statement after the other.

use std::ops::Range;

use super::directory::Migration;
use super::lexer;
use super::report::{Problem, Script};
use super::{down, foreign_keys, probe, rules};
use crate::sqlite::{Connection, SqlError};
use crate::suggest;

/// What to do about a statement that fails.
const HELP_STATEMENT: &str =
    "fix the statement; migrations apply in order, each to the schema the previous one left";

/// The clock of the first run: the Unix epoch.
pub(crate) const CLOCK_FIRST_MS: i64 = 0;

/// The clock of the second run. Every field of the date differs from the first one's, and so does the time.
pub(crate) const CLOCK_SECOND_MS: i64 = 1_999_888_777_666;

/// The largest database that migrations may make, in pages: it becomes part of the program.
const PAGES_MAX: u32 = 16_384;

/// How much of a script is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The schema is known: statements run.
    Run,
    /// An earlier statement failed. What needs the schema would only fail because of that, so words and grammar alone
    /// are checked.
    Grammar,
}

/// Opens an empty database that is set up as the framework sets up an actor's for migrations.
pub(crate) fn open(clock_ms: i64) -> Result<Connection, SqlError> {
    set_up(Connection::open(clock_ms)?)
}

/// Opens a copy of `original` to try something out.
pub(crate) fn scratch_copy(original: &Connection) -> Result<Connection, SqlError> {
    set_up(Connection::from_image(
        &original.serialize()?,
        CLOCK_FIRST_MS,
    )?)
}

/// Sets up a connection for migrations.
fn set_up(connection: Connection) -> Result<Connection, SqlError> {
    // Foreign keys are off so that a table can be rebuilt while others refer to it; all rows are checked afterwards.
    connection.execute(&format!(
        "PRAGMA foreign_keys = OFF; PRAGMA max_page_count = {PAGES_MAX}"
    ))?;
    connection.set_policy(Some(rules::policy));
    Ok(connection)
}

/// Runs all `migrations` in `connection` and returns all that is wrong with them.
///
/// With `depth` [`Depth::Grammar`] nothing runs. After the first problem the rest is checked in that depth.
pub(crate) fn run_all(
    connection: &Connection,
    migrations: &[Migration],
    mut depth: Depth,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for migration in migrations {
        let known = problems.len();
        let before = match down::schema_rows(connection) {
            Ok(before) => before,
            Err(error) => return vec![internal(&error)],
        };
        let fails_on_rows = match depth {
            Depth::Run => probe::check(connection, migration, &before).unwrap_or_default(),
            Depth::Grammar => Vec::new(),
        };
        run_up(connection, migration, &mut depth, &mut problems);
        let up_succeeded = depth == Depth::Run && problems.len() == known;
        if up_succeeded {
            problems.extend(fails_on_rows);
            problems.extend(foreign_keys::check_rows(connection, migration));
        }
        let before = up_succeeded.then_some(before.as_slice());
        problems.extend(down::check(connection, migration, before));
    }
    problems
}

/// Runs every statement that can be run and leaves out the others.
pub(crate) fn run_tolerantly(migrations: &[Migration]) -> Result<Connection, SqlError> {
    let connection = open(CLOCK_FIRST_MS)?;
    for migration in migrations {
        apply_tolerantly(&connection, migration);
    }
    Ok(connection)
}

/// Runs every statement of one `up.sql` that can be run.
pub(crate) fn apply_tolerantly(connection: &Connection, migration: &Migration) {
    for range in lexer::statements(&migration.up) {
        let statement = migration.up.get(range).unwrap_or_default();
        // What is wrong with it is reported elsewhere.
        if rules::check_words(statement).is_none() {
            let _ = run_statement(connection, statement, Depth::Run);
        }
    }
}

/// Runs one `up.sql` in a transaction.
fn run_up(
    connection: &Connection,
    migration: &Migration,
    depth: &mut Depth,
    problems: &mut Vec<Problem>,
) {
    migration.with_up(|script| {
        let known = problems.len();
        let depth_before = *depth;
        if let Err(error) = connection.execute("BEGIN") {
            problems.push(internal(&error));
            return;
        }
        run_script(connection, script, depth, problems);
        let failed = problems.len() > known || depth_before == Depth::Grammar;
        if let Err(error) = connection.execute(if failed { "ROLLBACK" } else { "COMMIT" }) {
            // Some failures, for instance a full database, end the transaction on their own.
            if !connection.is_autocommit() || !failed {
                problems.push(internal(&error));
            }
        }
    });
}

/// Runs a script; after the first failure it checks the grammar of the rest.
pub(crate) fn run_script(
    connection: &Connection,
    script: Script<'_>,
    depth: &mut Depth,
    problems: &mut Vec<Problem>,
) {
    for range in lexer::statements(script.sql) {
        let Some(statement) = script.sql.get(range.clone()) else {
            continue;
        };
        if let Some(finding) = rules::check_words(statement) {
            let offset = range.start + finding.offset;
            problems.push(Problem::at(
                finding.denial.message,
                script,
                offset,
                finding.denial.help,
            ));
            *depth = Depth::Grammar;
            continue;
        }
        let result = run_statement(connection, statement, *depth);
        let Err(error) = result else { continue };
        if *depth == Depth::Run || is_grammar(&error) {
            problems.push(describe(connection, &error, script, range));
        }
        *depth = Depth::Grammar;
    }
}

/// Runs one statement, or only compiles it.
fn run_statement(connection: &Connection, statement: &str, depth: Depth) -> Result<(), SqlError> {
    let mut rest = statement;
    // Where SQLite sees two statements in what the lexer took for one, both run.
    while !lexer::is_blank(rest) {
        let (prepared, taken) = connection.prepare(rest)?;
        if let Some(mut prepared) = prepared {
            if prepared.parameter_count() > 0 {
                let message =
                    "a migration cannot have parameters; nothing binds a value to them".to_owned();
                let offset = lexer::tokens(rest)
                    .find(|token| token.text.starts_with(['?', ':', '@', '#', '$']));
                let offset = offset.map(|token| token.start + statement.len() - rest.len());
                return Err(SqlError {
                    message,
                    offset,
                    denied: None,
                });
            }
            while depth == Depth::Run && prepared.step()? {}
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(())
}

/// Says whether SQLite's grammar refused a statement, whatever the schema is.
fn is_grammar(error: &SqlError) -> bool {
    error.message.ends_with("syntax error")
        || error.message.starts_with("unrecognized token")
        || error.message == "incomplete input"
        || error.denied.is_some()
}

/// Writes the problem of the statement at `range`.
fn describe(
    connection: &Connection,
    error: &SqlError,
    script: Script<'_>,
    range: Range<usize>,
) -> Problem {
    let statement = script.sql.get(range.clone()).unwrap_or_default();
    let first = lexer::tokens(statement).find(|token| token.is_code() && token.text != ";");
    let start = range.start + first.map_or(0, |token| token.start);
    if let Some(denial) = &error.denied {
        let is_named = |token: &lexer::Token<'_>| {
            let name = token.name();
            name.is_some_and(|name| {
                denial
                    .name
                    .as_ref()
                    .is_some_and(|denied| denied.eq_ignore_ascii_case(&name))
            })
        };
        let place = lexer::tokens(statement)
            .find(is_named)
            .map_or(start, |token| range.start + token.start);
        return Problem::at(&denial.message, script, place, &denial.help);
    }
    let place = error.offset.map_or(start, |offset| range.start + offset);
    let help =
        nearest_table(connection, &error.message).unwrap_or_else(|| help_for(&error.message));
    Problem::at(&error.message, script, place, help)
}

/// Suggests the table that was meant by a name that does not exist.
fn nearest_table(connection: &Connection, message: &str) -> Option<String> {
    let written = message.strip_prefix("no such table: ")?;
    let written = written.strip_prefix("main.").unwrap_or(written);
    let sql = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')";
    let rows = connection.rows(sql, &[]).ok()?;
    let known: Vec<String> = rows.into_iter().flatten().flatten().collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let nearest = suggest::nearest(written, &known)?;
    Some(format!("did you mean `{nearest}`?"))
}

/// Says what to do about SQLite's `message`.
fn help_for(message: &str) -> String {
    if message == "the statement takes too long" {
        return "make it end sooner: it runs in the compiler, and again in each actor that migrates".to_owned();
    }
    if message.starts_with("database or disk is full") {
        return format!(
            "insert less: what migrations leave becomes part of the program, at most {PAGES_MAX} pages"
        );
    }
    if message.starts_with("a migration cannot have parameters") {
        return "write the value into the statement".to_owned();
    }
    HELP_STATEMENT.to_owned()
}

/// Writes a problem that is SQLite's or ours, not the user's.
pub(crate) fn internal(error: &SqlError) -> Problem {
    Problem::new(
        format!(
            "SQLite failed while checking the migrations: {}",
            error.message
        ),
        "build again",
    )
}

/// Finds the statement that makes the database depend on when it runs or on chance, if there is one.
///
/// A new actor starts from an image that was made by the compiler, so such a value would be the compiler's, the same in
/// every actor, and differ from build to build.
pub(crate) fn check_steady(
    first: &Connection,
    migrations: &[Migration],
) -> Result<Option<Problem>, SqlError> {
    let second = open(CLOCK_SECOND_MS)?;
    for migration in migrations {
        second.execute("BEGIN")?;
        second.execute(&migration.up)?;
        second.execute("COMMIT")?;
    }
    if first.serialize()? == second.serialize()? {
        return Ok(None);
    }
    let (first, second) = (open(CLOCK_FIRST_MS)?, open(CLOCK_SECOND_MS)?);
    for migration in migrations {
        for range in lexer::statements(&migration.up) {
            let statement = migration.up.get(range.clone()).unwrap_or_default();
            first.execute(statement)?;
            second.execute(statement)?;
            if first.serialize()? != second.serialize()? {
                return Ok(Some(unsteady(migration, range)));
            }
        }
    }
    Ok(None)
}

/// Writes the problem of a statement that gives other rows in another run.
fn unsteady(migration: &Migration, range: Range<usize>) -> Problem {
    migration.with_up(|script| {
        let statement = script.sql.get(range.clone()).unwrap_or_default();
        let code = |token: &lexer::Token<'_>| token.is_code() && token.text != ";";
        let start = lexer::tokens(statement).find(code).map_or(0, |token| token.start);
        let headline = "this statement writes other rows in each run (the time, or a random value)";
        let help = "new actors start from a database that is made while compiling: write a fixed value here, and \
                    what depends on the moment in `#[create_state]`, `#[on_create]` or a `#[data_migration]`";
        Problem::at(headline, script, range.start + start, help)
    })
}
