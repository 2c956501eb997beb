//! The order of hooks: the marks `before` and `after` as a graph, and the order in which the hooks of a step run.

use std::collections::VecDeque;

use proc_macro2::Ident;
use syn::ext::IdentExt as _;

use crate::model::{Block, Hook, Kind, Mark, Step};

/// What a mark can name: one hook, or all hooks of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The hook with this index in the block.
    Hook(usize),
    /// A step of the preamble.
    Step(Step),
}

/// Says that one node runs before another, because a mark says so.
pub(crate) struct Edge<'a> {
    /// What runs first.
    pub(crate) from: Node,
    /// What runs later.
    pub(crate) to: Node,
    /// The index of the hook that has the mark.
    pub(crate) owner: usize,
    /// The mark.
    pub(crate) mark: &'a Mark,
}

/// The marks of a block that name something.
pub(crate) struct Order<'a> {
    hooks: &'a [Hook],
    /// One for each mark, in source order.
    pub(crate) edges: Vec<Edge<'a>>,
}

/// Finds what a name in a mark stands for. A hook of the block goes before a step of the same name.
pub(crate) fn resolve(hooks: &[Hook], name: &Ident) -> Option<Node> {
    let name = name.unraw().to_string();
    let named = |hook: &Hook| hook.kind.step().is_some() && hook.name.unraw() == name;
    let hook = hooks.iter().position(named).map(Node::Hook);
    hook.or_else(|| Step::named(&name).map(Node::Step))
}

impl<'a> Order<'a> {
    /// Reads the marks of a block's hooks. Names that stand for nothing are left out.
    pub(crate) fn new(hooks: &'a [Hook]) -> Self {
        let mut edges = Vec::new();
        for (owner, hook) in hooks
            .iter()
            .enumerate()
            .filter(|(_, hook)| hook.kind.step().is_some())
        {
            for mark in &hook.options.marks {
                let Some(named) = resolve(hooks, &mark.name) else {
                    continue;
                };
                let marked = Node::Hook(owner);
                let (from, to) = if mark.before {
                    (marked, named)
                } else {
                    (named, marked)
                };
                edges.push(Edge {
                    from,
                    to,
                    owner,
                    mark,
                });
            }
        }
        Self { hooks, edges }
    }

    /// The step that a node is in.
    pub(crate) fn step(&self, node: Node) -> Option<Step> {
        match node {
            Node::Hook(index) => self.hooks[index].kind.step(),
            Node::Step(step) => Some(step),
        }
    }

    /// The name of a node, for messages.
    pub(crate) fn name(&self, node: Node) -> String {
        match node {
            Node::Hook(index) => self.hooks[index].name.unraw().to_string(),
            Node::Step(step) => step.name().to_owned(),
        }
    }

    /// Whether a node is the step of the migrations, or the method that stands for it.
    pub(crate) fn is_migrate(&self, node: Node) -> bool {
        match node {
            Node::Hook(index) => self.hooks[index].kind == Kind::Migrate,
            Node::Step(step) => step == Step::MIGRATE,
        }
    }

    /// What runs after a node because of a mark. A mark that names a step holds for each hook of the step.
    fn later(&self, node: Node) -> Vec<Node> {
        let step = self.step(node).map(Node::Step);
        let from_here = |edge: &&Edge<'_>| edge.from == node || Some(edge.from) == step;
        let mut later: Vec<Node> = self
            .edges
            .iter()
            .filter(from_here)
            .map(|edge| edge.to)
            .collect();
        if let Node::Step(step) = node {
            let of_step = |(index, hook): (usize, &Hook)| {
                (hook.kind.step() == Some(step)).then_some(Node::Hook(index))
            };
            later.extend(self.hooks.iter().enumerate().filter_map(of_step));
        }
        later
    }

    /// Finds the shortest way along the marks, from what follows `start` to the first node that `is_end` accepts.
    fn way(
        &self,
        start: Node,
        is_end: impl Fn(Node) -> bool,
        may_pass: impl Fn(Node) -> bool,
    ) -> Option<Vec<Node>> {
        let mut waiting = VecDeque::from([vec![start]]);
        let mut seen = Vec::new();
        while let Some(way) = waiting.pop_front() {
            let here = *way.last()?;
            for next in self.later(here) {
                let mut longer = way.clone();
                longer.push(next);
                if is_end(next) {
                    return Some(longer);
                }
                if !seen.contains(&next) && may_pass(next) {
                    seen.push(next);
                    waiting.push_back(longer);
                }
            }
        }
        None
    }

    /// Finds the chain of marks by which a node would run before the migrations: the node, and what lies between.
    pub(crate) fn chain_to_migrate(&self, node: Node) -> Option<Vec<Node>> {
        let mut chain = self.way(node, |node| self.is_migrate(node), |_| true)?;
        chain.pop();
        Some(chain)
    }

    /// Finds a cycle of hooks of one step: the hooks, ending with the first one again.
    pub(crate) fn cycle(&self, start: usize) -> Option<Vec<Node>> {
        let step = self.hooks[start].kind.step();
        let start = Node::Hook(start);
        let same = |node: Node| matches!(node, Node::Hook(_)) && self.step(node) == step;
        self.way(start, |node| node == start, same)
    }

    /// Sorts the hooks of one kind: as the marks say, and in source order where they say nothing.
    pub(crate) fn sorted(&self, kind: Kind) -> Vec<&'a Hook> {
        let indices = self
            .hooks
            .iter()
            .enumerate()
            .filter(|(_, hook)| hook.kind == kind);
        let mut waiting: Vec<usize> = indices.map(|(index, _)| index).collect();
        let mut sorted = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let must_wait = |hook: usize| {
                let first = |edge: &Edge<'_>| match (edge.from, edge.to) {
                    (Node::Hook(from), Node::Hook(to)) => to == hook && waiting.contains(&from),
                    _ => false,
                };
                self.edges.iter().any(first)
            };
            // A cycle is an error by now; taking the first keeps this total.
            let next = waiting
                .iter()
                .position(|&hook| !must_wait(hook))
                .unwrap_or(0);
            sorted.push(&self.hooks[waiting.remove(next)]);
        }
        sorted
    }
}

/// Sorts the data migrations: by version, and in source order for one version.
pub(crate) fn data_migrations(block: &Block) -> Vec<&Hook> {
    let mut sorted: Vec<&Hook> = block.hooks_of(Kind::DataMigration).collect();
    sorted.sort_by_key(|hook| {
        hook.options
            .version
            .as_ref()
            .map(|version| crate::migrations::version(&version.value()))
    });
    sorted
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;
    use crate::diagnostics::Diagnostics;

    /// Reads a block with the given methods.
    fn block(methods: &proc_macro2::TokenStream) -> Block {
        let mut diagnostics = Diagnostics::new();
        let block = crate::parse::block::parse(
            quote!(),
            parse_quote!(impl Room { #methods }),
            &mut diagnostics,
        );
        assert!(diagnostics.finish().is_none());
        block
    }

    /// The names of the hooks of one kind, in their order.
    fn names(block: &Block, kind: Kind) -> Vec<String> {
        let order = Order::new(&block.hooks);
        order
            .sorted(kind)
            .iter()
            .map(|hook| hook.name.to_string())
            .collect()
    }

    #[test]
    fn hooks_without_marks_run_in_source_order() {
        let block = block(&quote! {
            #[on_wake] fn c() {}
            #[on_sleep] fn x() {}
            #[on_wake] fn a() {}
            #[on_wake] fn b() {}
        });
        assert_eq!(names(&block, Kind::OnWake), ["c", "a", "b"]);
        assert_eq!(names(&block, Kind::OnSleep), ["x"]);
    }

    #[test]
    fn marks_change_the_order_and_nothing_more() {
        let block = block(&quote! {
            #[on_wake(after = d)] fn a() {}
            #[on_wake] fn b() {}
            #[on_wake(before = b)] fn c() {}
            #[on_wake(after = (c, b))] fn d() {}
            #[on_wake] fn e() {}
        });
        assert_eq!(names(&block, Kind::OnWake), ["c", "b", "d", "a", "e"]);
    }

    #[test]
    fn a_cycle_is_found_once_around() {
        let block = block(&quote! {
            #[on_wake(before = b)] fn a() {}
            #[on_wake(before = c)] fn b() {}
            #[on_wake(before = a)] fn c() {}
        });
        let order = Order::new(&block.hooks);
        let cycle: Vec<String> = order
            .cycle(0)
            .into_iter()
            .flatten()
            .map(|node| order.name(node))
            .collect();
        assert_eq!(cycle, ["a", "b", "c", "a"]);
    }

    #[test]
    fn a_chain_to_the_migrations_is_found_through_steps() {
        let block = block(&quote! {
            #[on_wake(before = on_create)] fn first() {}
            #[on_create(before = migrate)] fn second() {}
        });
        let order = Order::new(&block.hooks);
        let chain = order.chain_to_migrate(Node::Hook(0)).into_iter().flatten();
        let chain: Vec<String> = chain.map(|node| order.name(node)).collect();
        assert_eq!(chain, ["first", "on_create", "second"]);
    }

    #[test]
    fn data_migrations_run_by_version() {
        let block = block(&quote! {
            #[data_migration(after = "2026-02")] fn later() {}
            #[data_migration(after = "2026-01")] fn early() {}
            #[data_migration(after = "2026-02")] fn last() {}
        });
        let names: Vec<String> = data_migrations(&block)
            .iter()
            .map(|hook| hook.name.to_string())
            .collect();
        assert_eq!(names, ["early", "later", "last"]);
    }
}
