//! Rules for `#[migrate_state]`.

use syn::FnArg;

use super::types;
use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Block, Hook, Kind};
use crate::parse::signature::is_context;

/// From each version leads one step. Which versions there are is known where the struct is.
pub(super) fn check_steps(block: &Block, diagnostics: &mut Diagnostics) {
    let mut firsts: Vec<(i32, &Hook)> = Vec::new();
    for hook in block.hooks_of(Kind::MigrateState) {
        check_shape(hook, diagnostics);
        let Some(from) = &hook.options.from else {
            // A `from` that could not be read has its own message.
            if !hook.options.has_from {
                diagnostics.at(
                    &hook.attribute,
                    catalogue::state::step_without_from(&hook.name),
                );
            }
            continue;
        };
        // With `cfg`, one of two may be there.
        let twin = firsts
            .iter()
            .find(|(number, first)| *number == from.number && first.cfgs == hook.cfgs);
        match twin {
            Some((number, first)) => diagnostics.at(
                &from.token,
                catalogue::state::step_twice(number, &first.name),
            ),
            None => firsts.push((from.number, hook)),
        }
    }
}

/// A step is a plain function from one value to another.
fn check_shape(hook: &Hook, diagnostics: &mut Diagnostics) {
    let (name, signature) = (&hook.name, &hook.method.sig);
    if let Some(keyword) = &signature.asyncness {
        diagnostics.at(keyword, catalogue::state::step_async(name));
    }
    let inputs = signature.inputs.iter();
    let typed: Vec<_> = inputs
        .filter_map(|input| match input {
            FnArg::Typed(written) => Some(written),
            FnArg::Receiver(_) => None,
        })
        .collect();
    match typed.as_slice() {
        [] => diagnostics.at(name, catalogue::state::step_parameters(name)),
        [only] if is_context(&only.ty) => {
            diagnostics.at(only, catalogue::state::step_parameters(name));
        }
        [only] => {
            if let Some(borrow) = types::borrowed(&only.ty) {
                diagnostics.at(borrow, catalogue::state::step_borrows(name));
            }
        }
        [_, second, ..] => diagnostics.at(second, catalogue::state::step_parameters(name)),
    }
}
