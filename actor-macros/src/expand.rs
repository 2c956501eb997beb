//! Model to tokens. Nothing here can fail: what is written is checked before.

mod actor;
mod behind;
pub(crate) mod bounds;
mod database;
pub(crate) mod handle;
mod handlers;
mod messages;
pub(crate) mod state;
pub(crate) mod steps;
mod tables;

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Type};

use crate::migrations::Embedded;
use crate::model::{Block, Durability};
use crate::names::Runtime;

pub(crate) use actor::{expand as actor, expand_without_bodies as actor_without_bodies};

/// Writes all that goes with an `#[actor]` block.
pub(crate) fn block(block: &Block, set: Option<&Embedded>) -> TokenStream {
    let lints = lints();
    let messages = messages::expand(block);
    let handlers = handlers::expand(block, set);
    let handle = handle::expand(block, handle::call);
    let steps = state::steps(block);
    let database = database::assertion(block);
    let cfgs = block.cfgs();
    quote! {
        #(#cfgs)*
        #lints
        const _: () = {
            #messages
            #handlers
            #steps
            #database
            #handle
        };
    }
}

/// Keeps the lints of the user's crate from what the user did not write.
pub(crate) fn lints() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            elided_lifetimes_in_paths,
            missing_copy_implementations,
            missing_debug_implementations,
            missing_docs,
            non_camel_case_types,
            private_bounds,
            private_interfaces,
            trivial_bounds,
            unreachable_code,
            unreachable_patterns,
            unreachable_pub,
            unused_qualifications,
            unused_results,
            unused_variables,
            variant_size_differences,
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
        )]
    }
}

/// Writes `Self` in a type as the type that it stands for, so that it holds outside the `impl` too.
pub(crate) fn concrete(ty: &Type, actor: &Type) -> Type {
    /// Replaces `Self`.
    struct Concrete<'a>(&'a Type);

    impl VisitMut for Concrete<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::Path(path) = ty
                && path.qself.is_none()
                && path
                    .path
                    .segments
                    .first()
                    .is_some_and(|first| first.ident == "Self")
            {
                let actor = self.0;
                let rest = path.path.segments.iter().skip(1);
                *ty = if path.path.segments.len() == 1 {
                    actor.clone()
                } else {
                    syn::parse_quote!(<#actor>::#(#rest)::*)
                };
                return;
            }
            visit_mut::visit_type_mut(self, ty);
        }
    }

    let mut ty = ty.clone();
    Concrete(actor).visit_type_mut(&mut ty);
    ty
}

/// Writes the opposite of some `cfg` attributes: what is there when the method is not.
pub(crate) fn without(cfgs: &[Attribute]) -> TokenStream {
    let conditions = cfgs.iter().filter_map(|cfg| match &cfg.meta {
        syn::Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    quote!(#[cfg(not(all(#(#conditions),*)))])
}

/// Writes a duration.
pub(crate) fn duration(milliseconds: u64) -> TokenStream {
    quote!(::core::time::Duration::from_millis(#milliseconds))
}

/// Writes an `Option` of something, or of nothing.
pub(crate) fn option(some: Option<TokenStream>) -> TokenStream {
    some.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// Writes an optional time limit.
pub(crate) fn optional_duration(milliseconds: Option<u64>) -> TokenStream {
    option(milliseconds.map(duration))
}

/// Writes an optional choice of what replies may rely on.
pub(crate) fn durability(runtime: &Runtime, choice: Option<Durability>) -> TokenStream {
    option(choice.map(|choice| {
        let durability = runtime.item("Durability");
        match choice {
            Durability::Synced => quote!(#durability::Synced),
            Durability::Process => quote!(#durability::Process),
        }
    }))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn self_becomes_the_actor_everywhere_in_a_type() {
        let actor: Type = parse_quote!(chat::Room<T>);
        let ty = concrete(
            &parse_quote!(Result<Vec<Self>, <Self as Named>::Error>),
            &actor,
        );
        let wanted: Type =
            parse_quote!(Result<Vec<chat::Room<T>>, <chat::Room<T> as Named>::Error>);
        assert_eq!(ty, wanted);
        let nested = concrete(&parse_quote!(Self::Item), &actor);
        assert_eq!(nested, parse_quote!(<chat::Room<T>>::Item));
    }
}
