//! Rules for `before` and `after`.

use syn::ext::IdentExt as _;

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Hook, Kind};
use crate::order::{self, Edge, Node, Order};
use crate::suggest;

/// A mark names another hook of the block, or another step.
pub(super) fn check_names(hooks: &[Hook], diagnostics: &mut Diagnostics) {
    for (index, hook) in hooks.iter().enumerate() {
        for mark in &hook.options.marks {
            let name = mark.name.unraw();
            let message = match order::resolve(hooks, &mark.name) {
                Some(Node::Hook(named)) if named == index => catalogue::order::itself(&name),
                Some(Node::Step(step)) if hook.kind.step() == Some(step) => {
                    catalogue::order::own_step(hook.name.unraw(), step.name())
                }
                Some(_) => continue,
                None if hooks
                    .iter()
                    .any(|hook| is_action(hook) && hook.name.unraw() == name) =>
                {
                    catalogue::order::names_action(&name)
                }
                None => {
                    catalogue::order::unknown_name(&name, known_names(hooks, &name.to_string()))
                }
            };
            diagnostics.at(&mark.name, message);
        }
    }
}

/// Whether a method runs when it is called.
fn is_action(hook: &Hook) -> bool {
    hook.kind == Kind::Action
}

/// Suggests the nearest name, or lists the steps and the hooks.
fn known_names(hooks: &[Hook], written: &str) -> String {
    let ordered = hooks.iter().filter(|hook| hook.kind.step().is_some());
    let own: Vec<String> = ordered.map(|hook| hook.name.unraw().to_string()).collect();
    let is_step = |kind: &Kind| kind.step().is_some() && *kind != Kind::DataMigration;
    let mut known: Vec<&str> = own.iter().map(String::as_str).collect();
    for kind in Kind::ALL.into_iter().filter(is_step) {
        if !own.iter().any(|name| name == kind.name()) {
            known.push(kind.name());
        }
    }
    match suggest::nearest(written, &known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", suggest::list(&known)),
    }
}

/// A mark agrees with the preamble's table. Above all, nothing runs before the migrations, not even through other marks.
pub(super) fn check_marks(hooks: &[Hook], diagnostics: &mut Diagnostics) {
    let order = Order::new(hooks);
    for edge in &order.edges {
        let (Some(from), Some(to)) = (order.step(edge.from), order.step(edge.to)) else {
            continue;
        };
        let mark = &edge.mark.name;
        let is_before_all = order.is_migrate(edge.from) || names_itself(&order, edge);
        if order.is_migrate(edge.to) && !is_before_all {
            diagnostics.at(
                mark,
                catalogue::order::before_migrate(order.name(edge.from), mark),
            );
        } else if let Some(chain) = order.chain_to_migrate(edge.to).filter(|_| !is_before_all) {
            let names: Vec<String> = chain.into_iter().map(|node| order.name(node)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let path = suggest::list(&names);
            diagnostics.at(
                mark,
                catalogue::order::before_migrate_through(order.name(edge.from), path),
            );
        } else if from > to {
            let (first, second) = (order.name(edge.from), order.name(edge.to));
            let message = catalogue::order::against_table(first, from.name(), second, to.name());
            diagnostics.at(mark, message);
        }
    }
}

/// Whether a mark names its own hook or its own step, which has a message of its own.
fn names_itself(order: &Order<'_>, edge: &Edge<'_>) -> bool {
    let owner = Node::Hook(edge.owner);
    let named = if edge.from == owner {
        edge.to
    } else {
        edge.from
    };
    named == owner || order.step(owner).map(Node::Step) == Some(named)
}

/// The marks of one step's hooks have no cycle. Each cycle is reported once, at its first mark.
pub(super) fn check_cycles(hooks: &[Hook], diagnostics: &mut Diagnostics) {
    let order = Order::new(hooks);
    let mut reported = Vec::new();
    for start in 0..hooks.len() {
        let Some(cycle) = order.cycle(start) else {
            continue;
        };
        // A hook that names itself has its own message.
        if cycle.len() <= 2 || cycle.iter().any(|node| reported.contains(node)) {
            continue;
        }
        let in_cycle = |edge: &&Edge<'_>| {
            let pair = [edge.from, edge.to];
            cycle.windows(2).any(|step| step == pair)
        };
        if let Some(first) = order.edges.iter().find(in_cycle) {
            let names: Vec<String> = cycle.iter().map(|node| order.name(*node)).collect();
            diagnostics.at(
                &first.mark.name,
                catalogue::order::cycle(names.join(" -> ")),
            );
        }
        reported.extend(cycle);
    }
}
