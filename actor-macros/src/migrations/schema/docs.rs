//! Documentation from the comments in migrations.
//!
//! A comment documents a table when it stands directly before its `CREATE`, or behind the opening parenthesis on the same
//! line. It documents a column when it stands above it, or behind it on the same line.

use std::collections::HashMap;

use super::super::directory::Migration;
use super::super::lexer::{self, Kind, Token};

/// The documentation of tables and views: lines by the name in SQL, in lower case.
pub(crate) type TableDocs = HashMap<String, Vec<String>>;

/// Collects the comments before each `CREATE TABLE` and `CREATE VIEW`, and follows renames.
pub(crate) fn table_docs(migrations: &[Migration]) -> TableDocs {
    let mut docs = TableDocs::new();
    for migration in migrations {
        for range in lexer::statements(&migration.up) {
            let starts_line = range.start == 0;
            let statement = migration.up.get(range).unwrap_or_default();
            let code: Vec<_> = lexer::tokens(statement)
                .filter(|token| token.is_code() && token.text != ";")
                .collect();
            if let Some(name) = created(&code) {
                docs.insert(name, leading_comment(statement, starts_line));
            } else if let Some((old, new)) = renamed(&code)
                && let Some(lines) = docs.remove(&old)
            {
                docs.insert(new, lines);
            }
        }
    }
    docs
}

/// Returns the table or view that a statement creates.
fn created(code: &[Token<'_>]) -> Option<String> {
    let (first, rest) = code.split_first()?;
    let at = rest
        .iter()
        .take(2)
        .position(|token| token.is_word("TABLE") || token.is_word("VIEW"))?;
    let mut names = rest.get(at + 1..)?.iter().skip_while(|token| {
        ["IF", "NOT", "EXISTS"]
            .iter()
            .any(|word| token.is_word(word))
    });
    let name = names.next()?;
    let qualified = names
        .next()
        .filter(|dot| dot.text == ".")
        .and_then(|_| names.next());
    first
        .is_word("CREATE")
        .then(|| qualified.unwrap_or(name).name())
        .flatten()
        .map(|name| name.to_lowercase())
}

/// Returns the old and the new name of the table that a statement renames.
fn renamed(code: &[Token<'_>]) -> Option<(String, String)> {
    let [alter, table, old, rename, to, new, ..] = code else {
        return None;
    };
    let words = [
        (alter, "ALTER"),
        (table, "TABLE"),
        (rename, "RENAME"),
        (to, "TO"),
    ];
    let is_rename = words.iter().all(|(token, word)| token.is_word(word));
    is_rename.then_some(())?;
    Some((old.name()?.to_lowercase(), new.name()?.to_lowercase()))
}

/// Returns the lines of the comment that ends directly before a statement's first word.
///
/// What stands behind the statement before, on the same line, is about that one; `starts_line` says that there is none.
fn leading_comment(statement: &str, starts_line: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut on_own_line = starts_line;
    for token in lexer::tokens(statement).take_while(|token| !token.is_code()) {
        let line_ends = token.text.matches('\n').count();
        match token.kind {
            Kind::Comment if on_own_line => lines.extend(comment_lines(token.text)),
            Kind::Space if line_ends > 0 => {
                on_own_line = true;
                if line_ends > 1 {
                    lines.clear();
                }
            }
            _ => {}
        }
    }
    lines
}

/// Reads the comments inside a `CREATE TABLE`: those of the table itself, and those of each column by its name in SQL, in
/// lower case.
pub(crate) fn column_docs(create: &str) -> (Vec<String>, HashMap<String, Vec<String>>) {
    let mut reader = Reader::default();
    for token in lexer::tokens(create) {
        reader.read(&token);
    }
    (reader.table, reader.columns)
}

/// Reads the body of a `CREATE TABLE`, token by token.
#[derive(Default)]
struct Reader {
    depth: usize,
    /// The column whose definition is being read; `None` before its first word, and in a constraint of the table.
    column: Option<String>,
    /// Says whether the next word begins a definition.
    at_start: bool,
    /// The column that has a word on this line.
    on_line: Option<String>,
    /// Says whether the body was opened on this line.
    opened_on_line: bool,
    /// Comments that wait for the definition below them.
    pending: Vec<String>,
    table: Vec<String>,
    columns: HashMap<String, Vec<String>>,
}

impl Reader {
    /// Reads the next token.
    fn read(&mut self, token: &Token<'_>) {
        match token.kind {
            Kind::Space => self.read_space(token.text),
            Kind::Comment => self.read_comment(token.text),
            _ => self.read_code(token),
        }
    }

    /// Notes the end of a line; an empty line parts a comment from what is below it.
    fn read_space(&mut self, space: &str) {
        let line_ends = space.matches('\n').count();
        if line_ends > 0 {
            self.on_line = None;
            self.opened_on_line = false;
        }
        if line_ends > 1 {
            self.pending.clear();
        }
    }

    /// Gives a comment to what it stands beside.
    fn read_comment(&mut self, text: &str) {
        let lines = comment_lines(text);
        if self.depth == 0 {
            return;
        }
        if let Some(column) = &self.on_line {
            self.columns
                .entry(column.clone())
                .or_default()
                .extend(lines);
        } else if self.opened_on_line && self.at_start {
            self.table.extend(lines);
        } else if self.depth == 1 {
            self.pending.extend(lines);
        }
    }

    /// Follows parentheses, commas and the words that begin a definition.
    fn read_code(&mut self, token: &Token<'_>) {
        match token.text {
            "(" => {
                self.depth += 1;
                if self.depth == 1 {
                    self.at_start = true;
                    self.opened_on_line = true;
                }
            }
            ")" => self.depth = self.depth.saturating_sub(1),
            "," if self.depth == 1 => {
                self.at_start = true;
                self.column = None;
            }
            _ if self.depth == 1 && self.at_start => {
                self.at_start = false;
                self.column = token
                    .name()
                    .filter(|_| !is_constraint(token))
                    .map(|name| name.to_lowercase());
                let pending = std::mem::take(&mut self.pending);
                if let Some(column) = &self.column {
                    self.columns
                        .entry(column.clone())
                        .or_default()
                        .extend(pending);
                }
            }
            _ => {}
        }
        if self.column.is_some() {
            self.on_line.clone_from(&self.column);
        }
    }
}

/// Says whether `token` begins a constraint of the table instead of a column.
fn is_constraint(token: &Token<'_>) -> bool {
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"]
        .iter()
        .any(|word| token.is_word(word))
}

/// Returns the text of a comment, line by line, without what makes it a comment.
fn comment_lines(comment: &str) -> Vec<String> {
    let text = match comment.strip_prefix("--") {
        Some(text) => text.trim_start_matches('-'),
        None => comment.trim_start_matches("/*").trim_end_matches("*/"),
    };
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| escape(line.trim().trim_start_matches('*').trim()))
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.is_empty()).count();
    lines.drain(..blank);
    lines
}

/// Keeps a line from being read as Markdown that the author did not mean: a link, an HTML tag, a code example.
fn escape(line: &str) -> String {
    line.replace('[', "\\[")
        .replace('<', "\\<")
        .replace("```", "'''")
        .replace("~~~", "---")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn comments_document_the_column_above_or_beside_which_they_stand() {
        let create = "CREATE TABLE t ( -- All of it.
            -- The key.
            id INTEGER PRIMARY KEY, -- Never reused.
            /* Who
             * wrote it. */
            \"Author\" TEXT NOT NULL DEFAULT (lower('x' /* not this */)),
            -- parted

            n INT -- last
            , UNIQUE (n) -- of no column
            )";
        let (table, columns) = column_docs(create);
        assert_eq!(table, lines(&["All of it."]));
        assert_eq!(columns["id"], lines(&["The key.", "Never reused."]));
        assert_eq!(columns["author"], lines(&["Who", "wrote it.", "not this"]));
        assert_eq!(columns["n"], lines(&["last"]));
    }

    #[test]
    fn markdown_is_taken_literally() {
        assert_eq!(
            comment_lines("-- see [1], Vec<u8>, ```"),
            lines(&["see \\[1], Vec\\<u8>, '''"])
        );
    }
}
