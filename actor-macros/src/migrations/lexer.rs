//! Cuts SQL text into tokens as SQLite does, so that errors can point at a word and comments can become documentation.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Blanks and line ends.
    Space,
    /// `-- …` up to the line end, or `/* … */`.
    Comment,
    /// A keyword or a bare name.
    Word,
    /// A name in `"…"`, `` `…` `` or `[…]`.
    Quoted,
    /// A text in `'…'`.
    Text,
    /// Any other character, number or parameter.
    Other,
}

/// One token, with its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// The characters as they stand in the file.
    pub(crate) text: &'a str,
    /// Where it starts, in bytes.
    pub(crate) start: usize,
}

impl Token<'_> {
    /// Where it ends, in bytes.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Says whether it is the bare word `keyword`, in any case.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Says whether it carries meaning for SQLite.
    pub(crate) fn is_code(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }

    /// Returns the name that it stands for, without quotes, when it can be a name.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::Quoted | Kind::Text => Some(unquote(self.text)),
            Kind::Space | Kind::Comment | Kind::Other => None,
        }
    }
}

/// Takes the quotes off a quoted name or text.
fn unquote(text: &str) -> String {
    let mut inner = text.chars();
    let quote = inner.next();
    let body = inner.as_str();
    match quote {
        Some('[') => body.strip_suffix(']').unwrap_or(body).to_owned(),
        Some(quote) => body
            .strip_suffix(quote)
            .unwrap_or(body)
            .replace(&format!("{quote}{quote}"), &quote.to_string()),
        None => String::new(),
    }
}

/// Cuts `sql` into tokens; together they are the whole text.
pub(crate) fn tokens(sql: &str) -> impl Iterator<Item = Token<'_>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = sql.get(start..).filter(|rest| !rest.is_empty())?;
        let (kind, length) = first_token(rest);
        let token = Token {
            kind,
            text: rest.get(..length).unwrap_or(rest),
            start,
        };
        start = token.end();
        Some(token)
    })
}

/// Returns kind and length of the first token of `rest`, which is not empty.
fn first_token(rest: &str) -> (Kind, usize) {
    let take = |keep: fn(char) -> bool| rest.find(|c| !keep(c)).unwrap_or(rest.len());
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    match rest.chars().next().unwrap_or(' ') {
        c if is_space(c) => (Kind::Space, take(is_space)),
        '-' if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Kind::Comment, until("*/", 2)),
        '[' => (Kind::Quoted, until("]", 1)),
        quote @ ('"' | '`') => (Kind::Quoted, quoted_length(rest, quote)),
        '\'' => (Kind::Text, quoted_length(rest, '\'')),
        'x' | 'X' if rest[1..].starts_with('\'') => (Kind::Other, until("'", 2)),
        c if c.is_ascii_digit() => (Kind::Other, take(is_word_char)),
        c if is_word_char(c) && c != '$' => (Kind::Word, take(is_word_char)),
        ':' | '@' | '#' | '$' | '?' => {
            let name = rest[1..]
                .find(|c| !is_word_char(c))
                .map_or(rest.len(), |at| at + 1);
            (Kind::Other, name)
        }
        c => (Kind::Other, c.len_utf8()),
    }
}

/// Returns the length of the text in `quote`s at the start of `rest`; a doubled quote inside stands for one.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|&(_, next)| next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    rest.len()
}

/// Says whether SQLite takes `c` for a blank.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Says whether `c` can stand inside a bare name.
fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// Says whether `sql` holds nothing that SQLite would run.
pub(crate) fn is_blank(sql: &str) -> bool {
    tokens(sql).all(|token| !token.is_code() || token.text == ";")
}

/// Returns where the first statement of `sql` ends, behind its semicolon. The body of a trigger may hold semicolons.
pub(crate) fn statement_end(sql: &str) -> usize {
    let mut words = Vec::new();
    let mut in_trigger = false;
    let mut after_semicolon = false;
    let mut end_seen = false;
    for token in tokens(sql).filter(Token::is_code) {
        if token.text == ";" {
            if words.is_empty() {
                continue;
            }
            if !in_trigger || end_seen {
                return token.end();
            }
            after_semicolon = true;
            continue;
        }
        end_seen = after_semicolon && token.is_word("END");
        after_semicolon = false;
        if words.len() < 4 {
            words.push(token);
            in_trigger = starts_trigger(&words);
        }
    }
    sql.len()
}

/// Says whether a statement that starts with `words` creates a trigger.
fn starts_trigger(words: &[Token<'_>]) -> bool {
    let mut words = words.iter().skip_while(|word| word.is_word("EXPLAIN"));
    words.next().is_some_and(|word| word.is_word("CREATE"))
        && words
            .find(|word| !word.is_word("TEMP") && !word.is_word("TEMPORARY"))
            .is_some_and(|word| word.is_word("TRIGGER"))
}

/// Returns the places of all statements of `sql`, without the ones that hold nothing.
pub(crate) fn statements(sql: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < sql.len() {
        let end = start + statement_end(&sql[start..]);
        if !is_blank(&sql[start..end]) {
            found.push(start..end);
        }
        start = end;
    }
    found
}

/// Writes `sql` so that two texts that mean the same to SQLite are equal: no comments, one blank between tokens, names
/// without quotes and in lower case. `ALTER TABLE` rewrites the stored text in just these ways.
pub(crate) fn normalize(sql: &str) -> String {
    let mut normal = String::new();
    for token in tokens(sql).filter(Token::is_code) {
        if !normal.is_empty() {
            normal.push(' ');
        }
        match token.kind {
            Kind::Word | Kind::Quoted => {
                normal.push_str(&token.name().unwrap_or_default().to_lowercase());
            }
            _ => normal.push_str(token.text),
        }
    }
    normal
}

/// Writes `sql` without its comments and blanks: two texts have the same result when SQLite reads the same tokens in them.
///
/// Nothing else is changed: not the case of a word, and nothing between quotes. One blank is between tokens. The parts of a
/// number, which are tokens of their own here, have none if there was none: `1.e5` is a number, and `1. e5` is one with a name.
pub(crate) fn statements_only(sql: &str) -> String {
    let mut written = String::new();
    let mut end = 0;
    // Whether the last token belongs to a number, and whether that ends in the `e` of an exponent.
    let (mut in_number, mut in_exponent) = (false, false);
    for token in tokens(sql).filter(Token::is_code) {
        let is_adjacent = token.start == end;
        let digits =
            token.kind == Kind::Other && token.text.starts_with(|c: char| c.is_ascii_digit());
        let continues = in_number
            && is_adjacent
            && (digits
                || token.text == "."
                || token.kind == Kind::Word
                || in_exponent && matches!(token.text, "+" | "-"));
        if !continues && !written.is_empty() {
            written.push(' ');
        }
        written.push_str(token.text);
        in_number = continues || digits;
        let is_hexadecimal = token.text.starts_with("0x") || token.text.starts_with("0X");
        in_exponent = in_number && !is_hexadecimal && token.text.ends_with(['e', 'E']);
        end = token.end();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_the_whole_text() {
        let sql = "SELECT 'a;''b', \"c\"\"d\", [e f], `g`, x'00', 1.5e3, ?1, :n, $v -- end ;\n/* ; */ FROM tä;";
        assert_eq!(tokens(sql).map(|token| token.text).collect::<String>(), sql);
        let names: Vec<_> = tokens(sql).filter_map(|token| token.name()).collect();
        assert_eq!(names, ["SELECT", "a;'b", "c\"d", "e f", "g", "FROM", "tä"]);
    }

    #[test]
    fn unfinished_tokens_reach_to_the_end() {
        for sql in ["'a", "\"a", "[a", "/* a", "-- a", "x'0", "`", "'"] {
            assert_eq!(tokens(sql).count(), 1, "{sql}");
        }
    }

    #[test]
    fn statements_end_at_semicolons_that_stand_outside() {
        let sql = "CREATE TABLE a (b TEXT DEFAULT ';'); -- x;\nSELECT 1;;\n ; SELECT 2";
        let found: Vec<_> = statements(sql)
            .into_iter()
            .map(|range| sql[range].trim())
            .collect();
        assert_eq!(
            found,
            [
                "CREATE TABLE a (b TEXT DEFAULT ';');",
                "-- x;\nSELECT 1;",
                ";\n ; SELECT 2"
            ]
        );
    }

    #[test]
    fn the_body_of_a_trigger_is_one_statement() {
        let sql = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END; SELECT 4;";
        assert_eq!(statements(sql).len(), 2);
        let temporary = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 4;";
        assert_eq!(statements(temporary).len(), 2);
    }

    #[test]
    fn normal_form_ignores_layout_quotes_and_comments() {
        assert_eq!(
            normalize("CREATE TABLE \"Users\" (\n a, -- x\n b)"),
            normalize("create table users(a,b)")
        );
        assert_ne!(normalize("a DEFAULT 'X'"), normalize("a DEFAULT 'x'"));
    }

    #[test]
    fn comments_and_blanks_are_no_part_of_the_statements() {
        let sql = "CREATE TABLE a(b TEXT DEFAULT '-- x',c);INSERT INTO a VALUES(1.5e-3,x'00')";
        for same in [
            "CREATE TABLE a (\n  b TEXT DEFAULT '-- x', -- the b\n  c\n) ;\n\nINSERT INTO a\tVALUES ( 1.5e-3 , x'00' )",
            "/* 'first' */CREATE/**/TABLE a(b TEXT DEFAULT '-- x',c);INSERT INTO a VALUES(1.5e-3,x'00')-- end",
            "CREATE TABLE a(b TEXT DEFAULT '-- x',c);INSERT INTO a VALUES(1.5e-3,x'00') /* unfinished",
        ] {
            assert_eq!(statements_only(same), statements_only(sql), "{same}");
        }
        let pairs = [
            ("SELECT '-- a'", "SELECT '-- b'"),
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("SELECT \"a--b\"", "SELECT \"a\""),
            ("SELECT [a /* x */]", "SELECT [a ]"),
            ("SELECT `a -- b`", "SELECT `a -- c`"),
            ("SELECT x'00'", "SELECT x '00'"),
            ("SELECT 1.e5", "SELECT 1. e5"),
            ("SELECT 1.5", "SELECT 1 .5"),
            ("SELECT - -1", "SELECT --1\n"),
            ("SELECT a b", "SELECT ab"),
            ("SELECT a", "SELECT A"),
            ("SELECT 1; SELECT 2", "SELECT 1 SELECT 2"),
            ("SELECT 1 /* /* */ + 2 -- */", "SELECT 1 + 2 /* */ */"),
        ];
        for (one, other) in pairs {
            assert_ne!(statements_only(one), statements_only(other), "{one}");
        }
        assert_eq!(statements_only("a.b<=c"), statements_only("a . b<=  c"));
        assert_eq!(statements_only("0xe-5"), statements_only("0xe - 5"));
        assert_eq!(statements_only("1-5"), statements_only("1 - 5"));
    }
}
