//! A subscriber that remembers the tree of spans, for the thread that it is the default of.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

/// What was recorded so far, and whether that of the store is, too.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recorded>>, bool);

#[derive(Default)]
struct Recorded {
    nodes: Vec<Node>,
    entered: HashMap<ThreadId, Vec<u64>>,
    /// From where on nothing was taken.
    taken: usize,
}

/// A span or an event; its id is its place, counted from 1.
struct Node {
    meta: &'static Metadata<'static>,
    parent: Option<u64>,
    fields: Fields,
    follows: Vec<u64>,
    handles: usize,
}

#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}"));
    }
}

impl Fields {
    fn set(&mut self, field: &Field, value: String) {
        // How large a record is depends on how SQLite lays out its pages; who sends is known by chance, and time is the disk's.
        let value = if ["bytes", "sender", "held_us"].contains(&field.name()) {
            "_".to_owned()
        } else {
            value
        };
        self.0.retain(|(name, _)| *name != field.name());
        self.0.push((field.name(), value));
    }
}

impl Recorder {
    /// Makes one that records the spans of the store, too.
    pub(crate) fn of_everything() -> Self {
        Self(Arc::default(), true)
    }

    /// Takes what was recorded since the last time: one line for each span and event, indented below the span that it is in. All
    /// spans must have ended.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut recorded = self.0.lock().unwrap();
        let (from, to) = (recorded.taken, recorded.nodes.len());
        recorded.taken = to;
        let mut lines = Vec::new();
        recorded.print(None, from, 0, &mut lines);
        // How long code takes on a busy machine is no matter of these tests.
        lines.retain(|line| !line.contains("held a worker"));
        lines
    }
}

impl Recorder {
    /// Forgets what was recorded, also what has not ended.
    pub(crate) fn forget(&self) {
        let mut recorded = self.0.lock().unwrap();
        recorded.taken = recorded.nodes.len();
    }
}

impl Recorded {
    fn print(&self, parent: Option<u64>, from: usize, depth: usize, lines: &mut Vec<String>) {
        for (index, node) in self.nodes.iter().enumerate().skip(from) {
            if node.parent != parent {
                continue;
            }
            assert_eq!(node.handles, 0, "{} has not ended", node.meta.name());
            let mut line = "  ".repeat(depth);
            let is_event = node.meta.is_event();
            line.push_str(if is_event { "-" } else { node.meta.name() });
            for (name, value) in &node.fields.0 {
                let shown = if *name == "message" {
                    write!(line, " {value}")
                } else {
                    write!(line, " {name}={value}")
                };
                shown.unwrap();
            }
            for id in &node.follows {
                let name = self.node(*id).meta.name();
                write!(line, " (follows {name})").unwrap();
            }
            lines.push(line);
            self.print(Some(index as u64 + 1), from, depth + 1, lines);
        }
    }

    fn node(&self, id: u64) -> &Node {
        &self.nodes[usize::try_from(id).unwrap() - 1]
    }

    fn node_mut(&mut self, id: &Id) -> &mut Node {
        &mut self.nodes[usize::try_from(id.into_u64()).unwrap() - 1]
    }

    fn current(&self) -> Option<u64> {
        self.entered.get(&thread::current().id())?.last().copied()
    }

    fn push(
        &mut self,
        meta: &'static Metadata<'static>,
        parent: Option<u64>,
        fields: Fields,
    ) -> u64 {
        self.nodes.push(Node {
            meta,
            parent,
            fields,
            follows: Vec::new(),
            handles: usize::from(meta.is_span()),
        });
        self.nodes.len() as u64
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, meta: &Metadata<'_>) -> bool {
        let begins = |start| meta.target().starts_with(start);
        begins("observability")
            || begins("actor_core::") && (self.1 || !begins("actor_core::store"))
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut recorded = self.0.lock().unwrap();
        let mut fields = Fields::default();
        span.record(&mut fields);
        let parent = match span.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if span.is_contextual() => recorded.current(),
            None => None,
        };
        Id::from_u64(recorded.push(span.metadata(), parent, fields))
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut self.0.lock().unwrap().node_mut(span).fields);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        let mut recorded = self.0.lock().unwrap();
        recorded.node_mut(span).follows.push(follows.into_u64());
    }

    fn event(&self, event: &Event<'_>) {
        let mut recorded = self.0.lock().unwrap();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let parent = match event.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if event.is_contextual() => recorded.current(),
            None => None,
        };
        recorded.push(event.metadata(), parent, fields);
    }

    fn enter(&self, span: &Id) {
        let mut recorded = self.0.lock().unwrap();
        let entered = recorded.entered.entry(thread::current().id()).or_default();
        entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut recorded = self.0.lock().unwrap();
        let entered = recorded.entered.entry(thread::current().id()).or_default();
        assert_eq!(
            entered.pop(),
            Some(span.into_u64()),
            "spans are left in order"
        );
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.0.lock().unwrap().node_mut(id).handles += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut recorded = self.0.lock().unwrap();
        let node = recorded.node_mut(&id);
        node.handles -= 1;
        node.handles == 0
    }

    fn current_span(&self) -> Current {
        let recorded = self.0.lock().unwrap();
        match recorded.current() {
            Some(id) => Current::new(Id::from_u64(id), recorded.node(id).meta),
            None => Current::none(),
        }
    }
}
