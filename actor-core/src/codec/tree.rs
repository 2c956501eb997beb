//! [`Tree`]: the events of a value as a tree, for values whose parts come in another order, and to
//! find where two values differ.

use serde::Serialize;

use super::path::Segment;
use super::trace::{Bytes, Refused, Sink, tag};
use super::{ValueProblem, trace};

/// The events of a value.
#[derive(Default)]
pub(super) struct Tree {
    /// What is open, the outermost first. The first is no value: its only part is.
    open: Vec<Node>,
}

#[derive(Default)]
struct Node {
    tag: u8,
    data: Vec<u8>,
    place: Option<Segment>,
    parts: Vec<Node>,
}

impl Sink for Tree {
    fn leaf(&mut self, tag: u8, data: &[u8]) {
        self.open(tag, data, None);
        self.close();
    }

    fn open(&mut self, tag: u8, data: &[u8], place: Option<&Segment>) {
        if self.open.is_empty() {
            self.open.push(Node::default());
        }
        self.open.push(Node {
            tag,
            data: data.to_vec(),
            place: place.cloned(),
            parts: Vec::new(),
        });
    }

    fn close(&mut self) {
        let closed = self.open.pop().expect("what is closed was opened");
        let around = self.open.last_mut().expect("the first is no value");
        around.parts.push(closed);
    }
}

impl Tree {
    /// Returns where two values differ, if they do.
    pub(super) fn difference(&self, other: &Self) -> Option<Vec<Segment>> {
        let mut path = Vec::new();
        let pair = (self.open.first()?, other.open.first()?);
        differs(pair.0, pair.1, &mut path).then_some(path)
    }
}

impl Node {
    /// Maps and sets come in any order, and a set is a sequence to serde.
    fn is_unordered(&self) -> bool {
        matches!(self.tag, tag::MAP | tag::SEQUENCE)
    }

    /// Returns bytes that are equal exactly for equal values.
    fn canonical(&self) -> Vec<u8> {
        let mut parts: Vec<_> = self.parts.iter().map(Self::canonical).collect();
        if self.is_unordered() {
            parts.sort_unstable();
        }
        let mut bytes = Vec::new();
        Bytes(&mut bytes).leaf(self.tag, &self.data);
        bytes.extend(parts.into_iter().flatten());
        bytes.push(tag::END);
        bytes
    }
}

/// Returns whether two values differ, and leaves the path where they do.
fn differs(one: &Node, other: &Node, path: &mut Vec<Segment>) -> bool {
    if one.canonical() == other.canonical() {
        return false;
    }
    if one.tag != other.tag || one.data != other.data {
        return true;
    }
    for (index, part) in one.parts.iter().enumerate() {
        // The entry of a map is looked for by its key, and what has no key by its place.
        let found = match part.tag {
            tag::ENTRY | tag::FIELD => other.parts.iter().find(|at| at.data == part.data),
            _ => other.parts.get(index),
        };
        let place = match one.tag {
            tag::SEQUENCE | tag::TUPLE => Some(Segment::Index(index)),
            _ => None,
        };
        let length = path.len();
        path.extend(place.or_else(|| part.place.clone()));
        if found.is_none_or(|found| differs(part, found, path)) {
            return true;
        }
        path.truncate(length);
    }
    true
}

/// Returns the events and the text of a key: what serde sees of it, and what JSON writes for it.
pub(super) fn key(key: &(impl Serialize + ?Sized)) -> Result<(Vec<u8>, String), Refused> {
    let mut events = Vec::new();
    let root = super::Root::named("key");
    trace::trace(root, &key, &mut Bytes(&mut events)).map_err(|error| Refused(error.problem))?;
    // JSON writes what is around a key as the key.
    let mut at = 0;
    while matches!(events.get(at), Some(&(tag::SOME | tag::NEWTYPE))) {
        let length = events[at + 1..at + 9].try_into().expect("eight bytes");
        at += 9 + usize::from_le_bytes(length);
    }
    let kind = events.get(at).copied().unwrap_or(tag::UNIT);
    if !matches!(kind, tag::BOOL..=tag::STR | tag::UNIT_VARIANT) {
        return Err(Refused(ValueProblem::Key));
    }
    match serde_json::to_string(&Single(key)) {
        // `{"key":0}`
        Ok(text) => {
            let text = text
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix(":0}"));
            let text = text.and_then(|quoted| serde_json::from_str(quoted).ok());
            text.map(|text| (events, text))
                .ok_or(Refused(ValueProblem::Key))
        }
        Err(_) => Err(Refused(ValueProblem::Key)),
    }
}

/// A map with one key.
struct Single<'k, K: ?Sized>(&'k K);

impl<K: Serialize + ?Sized> Serialize for Single<'_, K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, 0_u8)])
    }
}
