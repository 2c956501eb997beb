//! What a statement of a migration may not do.
//!
//! The words of a statement are checked first, because they know their place in the file. SQLite's authorizer is the
//! second line: it sees what the words hide, for instance a reserved table behind a view.

use libsqlite3_sys as ffi;

use super::lexer::{self, Kind, Token};
use crate::sqlite::{Action, Denial};

/// PRAGMAs that a migration may use. They only read: any other one changes the connection, which serves other actors
/// afterwards, or the file's header, which is the framework's.
const PRAGMAS_ALLOWED: [&str; 10] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// PRAGMAs that SQLite's own modules (FTS3, FTS5, R-tree) read while they create their tables.
const PRAGMAS_OF_MODULES: [&str; 2] = ["data_version", "page_size"];

/// The table in which Diesel keeps the applied versions.
pub(crate) const DIESEL_TABLE: &str = "__diesel_schema_migrations";

/// What the names of the framework's own tables begin with.
const RESERVED_PREFIX: &str = "_actor_";

/// A refusal and the place of the word that it is about, in bytes from the start of the statement.
pub(crate) struct Finding {
    pub(crate) offset: usize,
    pub(crate) denial: Denial,
}

/// Says whether `name` belongs to the framework or to Diesel.
pub(crate) fn is_reserved(name: &str) -> bool {
    let starts = name
        .get(..RESERVED_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX));
    starts || name.eq_ignore_ascii_case(DIESEL_TABLE)
}

/// Checks the words of one statement.
pub(crate) fn check_words(statement: &str) -> Option<Finding> {
    let mut code = lexer::tokens(statement).filter(|token| token.is_code() && token.text != ";");
    let first = code.by_ref().find(|token| !is_explain(token))?;
    let rest: Vec<_> = code.collect();
    let found = |token: &Token<'_>, denial| {
        Some(Finding {
            offset: token.start,
            denial,
        })
    };
    if first.is_word("PRAGMA") {
        let name = match rest.as_slice() {
            [_, dot, name, ..] if dot.text == "." => name,
            [name, ..] => name,
            [] => return None,
        };
        return check_pragma(&name.name()?).and_then(|denial| found(name, denial));
    }
    if first.kind == Kind::Word
        && let Some(denial) = check_verb(first.text)
    {
        return found(&first, denial);
    }
    if first.is_word("CREATE")
        && let Some(word) = rest
            .first()
            .filter(|word| word.is_word("TEMP") || word.is_word("TEMPORARY"))
    {
        return found(word, deny_temporary());
    }
    let named = |token: &&Token<'_>| matches!(token.kind, Kind::Word | Kind::Quoted);
    rest.iter().filter(named).find_map(|token| {
        let name = token.name().filter(|name| is_reserved(name))?;
        found(token, deny_reserved(&name))
    })
}

/// Says whether `token` belongs to `EXPLAIN QUERY PLAN`.
fn is_explain(token: &Token<'_>) -> bool {
    ["EXPLAIN", "QUERY", "PLAN"]
        .iter()
        .any(|word| token.is_word(word))
}

/// Checks the word that a statement begins with.
fn check_verb(verb: &str) -> Option<Denial> {
    let verb = verb.to_ascii_uppercase();
    let help = match verb.as_str() {
        "BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => {
            "remove it: all pending migrations of an actor apply in one transaction, which the framework begins and commits"
        }
        "ATTACH" | "DETACH" => {
            "remove it: an actor has one database, and a migration sees no other"
        }
        "VACUUM" => "remove it: it cannot run in the transaction in which migrations apply",
        _ => return None,
    };
    Some(Denial {
        message: format!("`{verb}` does not belong in a migration"),
        help: help.to_owned(),
        name: Some(verb),
    })
}

/// Checks the name of a PRAGMA.
fn check_pragma(name: &str) -> Option<Denial> {
    if PRAGMAS_ALLOWED
        .iter()
        .any(|allowed| name.eq_ignore_ascii_case(allowed))
    {
        return None;
    }
    let help = match name.to_ascii_lowercase().as_str() {
        "foreign_keys" | "defer_foreign_keys" => {
            "remove it: foreign keys are off while migrations apply, and all rows are checked afterwards".to_owned()
        }
        _ => format!("remove it: the framework sets up the connection; a migration may only read, with {}", allowed_pragmas()),
    };
    let message = format!("`PRAGMA {name}` does not belong in a migration");
    Some(Denial {
        message,
        help,
        name: Some(name.to_owned()),
    })
}

/// Lists the PRAGMAs that a migration may use.
fn allowed_pragmas() -> String {
    PRAGMAS_ALLOWED.map(|name| format!("`{name}`")).join(", ")
}

/// Refuses what would not outlive the connection.
fn deny_temporary() -> Denial {
    Denial {
        message: "temporary tables, indexes, views and triggers do not belong in a migration"
            .to_owned(),
        help: "create it without `TEMP` and drop it at the end of the migration".to_owned(),
        name: Some("temp".to_owned()),
    }
}

/// Refuses a name of the framework or of Diesel.
fn deny_reserved(name: &str) -> Denial {
    let (message, help) = if name.eq_ignore_ascii_case(DIESEL_TABLE) {
        let help = "leave it to the framework, which records each version that it applies";
        (format!("`{name}` is Diesel's own table"), help.to_owned())
    } else {
        let help = format!(
            "choose another name: names that begin with `{RESERVED_PREFIX}` belong to the framework"
        );
        (format!("`{name}` is a reserved name"), help)
    };
    Denial {
        message,
        help,
        name: Some(name.to_owned()),
    }
}

/// The policy of SQLite's authorizer while a migration runs.
pub(crate) fn policy(action: &Action<'_>) -> Result<(), Denial> {
    let first = action.first.unwrap_or_default();
    let denial = match action.code {
        ffi::SQLITE_TRANSACTION => check_verb(first),
        ffi::SQLITE_SAVEPOINT => check_verb("SAVEPOINT"),
        ffi::SQLITE_ATTACH => check_verb("ATTACH"),
        ffi::SQLITE_DETACH => check_verb("DETACH"),
        ffi::SQLITE_PRAGMA if PRAGMAS_OF_MODULES.contains(&first) && action.second.is_none() => {
            None
        }
        ffi::SQLITE_PRAGMA => check_pragma(first),
        ffi::SQLITE_CREATE_TEMP_TABLE
        | ffi::SQLITE_CREATE_TEMP_INDEX
        | ffi::SQLITE_CREATE_TEMP_TRIGGER
        | ffi::SQLITE_CREATE_TEMP_VIEW => Some(deny_temporary()),
        ffi::SQLITE_CREATE_TABLE
        | ffi::SQLITE_CREATE_INDEX
        | ffi::SQLITE_CREATE_TRIGGER
        | ffi::SQLITE_CREATE_VIEW
        | ffi::SQLITE_CREATE_VTABLE
            if action.database == Some("temp") =>
        {
            Some(deny_temporary())
        }
        // The argument of a function is its name, which is no name of the schema.
        ffi::SQLITE_FUNCTION => None,
        _ => [action.first, action.second]
            .into_iter()
            .flatten()
            .find(|name| is_reserved(name))
            .map(deny_reserved),
    };
    denial.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(statement: &str) -> Option<(usize, String)> {
        check_words(statement).map(|finding| (finding.offset, finding.denial.message))
    }

    #[test]
    fn words_that_do_not_belong_are_found() {
        let cases = [
            (
                "/* x */ begin immediate",
                8,
                "`BEGIN` does not belong in a migration",
            ),
            ("END", 0, "`END` does not belong in a migration"),
            (
                "EXPLAIN QUERY PLAN VACUUM",
                19,
                "`VACUUM` does not belong in a migration",
            ),
            (
                "PRAGMA main.journal_mode = WAL",
                12,
                "`PRAGMA journal_mode` does not belong in a migration",
            ),
            (
                "PRAGMA \"user_version\" = 1",
                7,
                "`PRAGMA user_version` does not belong in a migration",
            ),
            (
                "CREATE TEMP TABLE a (b)",
                7,
                "temporary tables, indexes, views and triggers do not belong in a migration",
            ),
            (
                "CREATE TABLE [_Actor_x] (b)",
                13,
                "`_Actor_x` is a reserved name",
            ),
            (
                "DELETE FROM __diesel_schema_migrations",
                12,
                "`__diesel_schema_migrations` is Diesel's own table",
            ),
        ];
        for (statement, offset, expected) in cases {
            assert_eq!(
                message(statement),
                Some((offset, expected.to_owned())),
                "{statement}"
            );
        }
    }

    #[test]
    fn words_that_belong_are_left_alone() {
        for statement in [
            "PRAGMA foreign_key_check",
            "PRAGMA main.table_info('a')",
            "INSERT INTO a VALUES ('_actor_x', 'BEGIN')",
            "CREATE TABLE \"begin\" (actor_id)",
            "ANALYZE",
            "REINDEX",
            "",
        ] {
            assert_eq!(message(statement), None, "{statement}");
        }
    }
}
