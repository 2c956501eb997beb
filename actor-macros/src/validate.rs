//! The rules: each is one `check_*`, with the rule in its comment. All of them run, whatever the others found.

mod block;
mod held;
mod leaves;
mod migrations;
mod names;
mod order;
mod signature;
mod state;
mod types;

use crate::diagnostics::Diagnostics;
use crate::migrations::MigrationSet;
use crate::model::Block;

/// Checks an `#[actor]` block.
pub(crate) fn check(block: &mut Block, set: Option<&MigrationSet>, diagnostics: &mut Diagnostics) {
    block::check_impl(&block.item, diagnostics);
    block::check_single_hooks(block, diagnostics);
    migrations::check_directory(block, diagnostics);
    migrations::check_data_migrations(block, set, diagnostics);
    state::check_steps(block, diagnostics);
    for hook in &mut block.hooks {
        names::check(hook, diagnostics);
        signature::check(hook, diagnostics);
        held::check_connections(hook, diagnostics);
        leaves::check_database(hook, diagnostics);
    }
    order::check_names(&block.hooks, diagnostics);
    order::check_marks(&block.hooks, diagnostics);
    order::check_cycles(&block.hooks, diagnostics);
}
