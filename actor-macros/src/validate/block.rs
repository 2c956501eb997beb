//! Rules for the block as a whole.

use syn::{GenericParam, ItemImpl, Type};

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Block, Hook};
use crate::parse::block::type_name;

/// The block is an inherent impl of a struct, and the struct borrows nothing, because an actor outlives its callers.
pub(super) fn check_impl(item: &ItemImpl, diagnostics: &mut Diagnostics) {
    if let Some((_, path, _)) = &item.trait_ {
        diagnostics.at(
            path,
            catalogue::attribute::trait_impl(type_name(&item.self_ty)),
        );
    }
    if !matches!(&*item.self_ty, Type::Path(path) if path.qself.is_none()) {
        diagnostics.at(&item.self_ty, catalogue::attribute::not_a_struct());
    }
    for parameter in &item.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let lifetime = &parameter.lifetime;
            diagnostics.at(lifetime, catalogue::derive::lifetime(lifetime));
        }
    }
}

/// An actor has one directory of migrations, and one hook each that makes its state and its vars.
pub(super) fn check_single_hooks(block: &Block, diagnostics: &mut Diagnostics) {
    let mut firsts: Vec<&Hook> = Vec::new();
    for hook in block.hooks.iter().filter(|hook| hook.kind.is_single()) {
        match firsts.iter().find(|first| first.kind == hook.kind) {
            Some(first) => {
                let message = catalogue::attribute::only_one(hook.kind.name(), &first.name);
                diagnostics.at(&hook.attribute, message);
            }
            None => firsts.push(hook),
        }
    }
}
