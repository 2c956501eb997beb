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
                Segment::Key(key) if is_word(key) => write!(text, ".{key}"),
                Segment::Key(key) => write!(text, "[{key:?}]"),
            };
            written.expect("a text takes all that is written to it");
        }
        text
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

fn is_word(key: &str) -> bool {
    let begins = key.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns the place in a text of one line up to which `read` bytes of it were read: what was read
/// last, or the value that ended with it.
pub(super) fn place(json: &str, read: usize) -> Vec<Segment> {
    let mut path: Vec<Option<Segment>> = Vec::new();
    let bytes = json.as_bytes();
    let (mut at, end) = (0, read.min(bytes.len()));
    while at < end {
        match bytes[at] {
            b'{' => path.push(None),
            b'[' => path.push(Some(Segment::Index(0))),
            b'}' | b']' => drop(path.pop()),
            b',' => match path.last_mut() {
                Some(Some(Segment::Index(index))) => *index += 1,
                Some(key) => *key = None,
                None => {}
            },
            b'"' => {
                let begin = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                // In an object without a key this is the key.
                if let Some(key @ None) = path.last_mut() {
                    let text = json.get(begin..=at).unwrap_or_default();
                    *key = serde_json::from_str(text).ok().map(Segment::Key);
                }
            }
            _ => {}
        }
        at += 1;
    }
    path.into_iter().flatten().collect()
}
