//! What is wrong with a directory of migrations, told so that it can be mended.

use std::fmt::{Display, Write as _};

/// How much of a long line is quoted, in characters: about what fits beside the line number in a terminal.
const QUOTE_CHARS_MAX: usize = 110;

/// How much of a long line is quoted before the place that the caret points at.
const QUOTE_CHARS_BEFORE_MAX: usize = 60;

/// One thing that is wrong; the macro turns it into one compile error at the directory's literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The finished text, which may have several lines.
    pub(crate) message: String,
}

/// A SQL file: its text and the path that errors show, relative to the package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script<'a> {
    /// The path that errors show.
    pub(crate) shown: &'a str,
    /// The text, with `\n` as line end.
    pub(crate) sql: &'a str,
}

impl Problem {
    /// A problem of the directory as a whole.
    pub(crate) fn new(headline: impl Display, help: impl Display) -> Self {
        Self {
            message: format!("{headline}\nhelp: {help}"),
        }
    }

    /// A problem of one file or of one migration's directory.
    pub(crate) fn in_path(headline: impl Display, shown: &str, help: impl Display) -> Self {
        Self {
            message: format!("{headline}\n  --> {shown}\nhelp: {help}"),
        }
    }

    /// A problem at the byte `offset` of a SQL file: quotes the line and points at the place.
    pub(crate) fn at(
        headline: impl Display,
        script: Script<'_>,
        offset: usize,
        help: impl Display,
    ) -> Self {
        let place = Place::of(script.sql, offset);
        let (quote, indent) = place.quote();
        let gutter = " ".repeat(place.line.to_string().len() + 3);
        let mut message = format!(
            "{headline}\n  --> {}:{}:{}\n",
            script.shown, place.line, place.column
        );
        // Writing to a `String` cannot fail.
        let _ = writeln!(message, "   {} | {quote}", place.line);
        let _ = writeln!(message, "{gutter} | {indent}^");
        let _ = write!(message, "help: {help}");
        Self { message }
    }
}

/// A place in a text, as editors count: from 1, in characters.
struct Place<'a> {
    line: usize,
    column: usize,
    text: &'a str,
}

impl<'a> Place<'a> {
    /// Finds the byte `offset` of `sql`.
    fn of(sql: &'a str, offset: usize) -> Self {
        let mut offset = offset.min(sql.len());
        while !sql.is_char_boundary(offset) {
            offset -= 1;
        }
        let (before, after) = sql.split_at(offset);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = after.find('\n').map_or(sql.len(), |at| offset + at);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            text: &sql[line_start..line_end],
        }
    }

    /// Returns the part of the line that is worth quoting, and the blanks that bring the caret under its place.
    fn quote(&self) -> (String, String) {
        let skipped = if self.text.chars().count() > QUOTE_CHARS_MAX {
            (self.column - 1).saturating_sub(QUOTE_CHARS_BEFORE_MAX)
        } else {
            0
        };
        let quote: String = self
            .text
            .chars()
            .skip(skipped)
            .take(QUOTE_CHARS_MAX)
            .collect();
        // A tab is as wide as the terminal likes, so the indent repeats it.
        let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
        let indent = self
            .text
            .chars()
            .skip(skipped)
            .take(self.column - 1 - skipped)
            .map(blank)
            .collect();
        (quote, indent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_quoted_with_a_caret() {
        let sql = "CREATE TABLE a (\n\tname TXT NOT NULL DEFALT 3\n);";
        let script = Script {
            shown: "migrations/room/1_a/up.sql",
            sql,
        };
        let offset = sql.find("DEFALT").unwrap();
        assert_eq!(
            Problem::at("near \"DEFALT\": syntax error", script, offset, "fix it").message,
            "near \"DEFALT\": syntax error\n  --> migrations/room/1_a/up.sql:2:20\n   \
             2 | \tname TXT NOT NULL DEFALT 3\n     | \t                  ^\nhelp: fix it"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let sql = format!("{}here{}", "ä".repeat(500), "b".repeat(500));
        let message = Problem::at(
            "x",
            Script {
                shown: "f",
                sql: &sql,
            },
            1000,
            "h",
        )
        .message;
        let quoted = format!("   1 | {}here{}", "ä".repeat(60), "b".repeat(46));
        assert_eq!(message.lines().nth(2), Some(quoted.as_str()));
        assert_eq!(message.lines().nth(1), Some("  --> f:1:501"));
    }

    #[test]
    fn a_place_behind_the_end_is_the_end() {
        let message = Problem::at(
            "x",
            Script {
                shown: "f",
                sql: "ab",
            },
            99,
            "h",
        )
        .message;
        assert_eq!(message.lines().nth(1), Some("  --> f:1:3"));
    }
}
