//! The place in a value, as it is named in an error.

use std::fmt::Write as _;

/// What a value is called in errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root<'r> {
    name: &'r str,
    /// The names of the parts of a tuple, instead of its own.
    parts: &'r [&'r str],
}

impl<'r> Root<'r> {
    /// A value with a name of its own.
    pub(crate) fn named(name: &'r str) -> Self {
        Self { name, parts: &[] }
    }

    /// The arguments of a call, each with its own name.
    pub(crate) fn arguments(parts: &'r [&'r str]) -> Self {
        let name = "arguments";
        Self { name, parts }
    }

    /// Names a place.
    pub(super) fn render(self, path: &[Segment]) -> String {
        let (mut text, rest) = match path {
            [Segment::Index(index), rest @ ..] if *index < self.parts.len() => {
                (self.parts[*index].to_owned(), rest)
            }
            path => (self.name.to_owned(), path),
        };
        for segment in rest {
            let written = match segment {
                Segment::Field(name) | Segment::Variant(name) => write!(text, ".{name}"),
                Segment::Index(index) => write!(text, "[{index}]"),
                Segment::Key(key) => write!(text, "[{key:?}]"),
            };
            written.expect("a text takes all that is written to it");
        }
        text
    }

    /// Puts the name before a place that the reader names: `a.b[3]`, or `.` for all of it.
    pub(super) fn with(self, path: &str) -> String {
        if path == "." {
            return self.name.to_owned();
        }
        if let Some(inner) = path.strip_prefix('[')
            && let Some((index, rest)) = inner.split_once(']')
            && let Some(part) = index.parse().ok().and_then(|i: usize| self.parts.get(i))
        {
            return format!("{part}{rest}");
        }
        let dot = if path.starts_with('[') { "" } else { "." };
        format!("{}{dot}{path}", self.name)
    }
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Field(&'static str),
    Index(usize),
    Key(String),
    Variant(&'static str),
}
