//! Bounds that say once what would otherwise be an error at every mention.
//!
//! A bound that does not hold is one error at the bound, and what stands behind it is taken for granted. With type
//! parameters such a bound would hide from the compiler what the types are, so generic actors go without.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::spanned::Spanned as _;
use syn::{Generics, WhereClause, WherePredicate};

use crate::model::Block;
use crate::names;

/// Adds a bound to those of the user, if there are no type parameters.
pub(super) fn with(generics: &Generics, bound: &TokenStream) -> Option<WhereClause> {
    let mut generics = generics.clone();
    if generics.params.is_empty() {
        let bound: WherePredicate = syn::parse_quote!(#bound);
        generics.make_where_clause().predicates.push(bound);
    }
    generics.where_clause
}

/// Writes the bounds of the handlers: the struct is an actor.
pub(crate) fn of_handlers(block: &Block) -> Option<WhereClause> {
    with(&block.item.generics, &is_actor(block))
}

/// Says that the struct is an actor.
fn is_actor(block: &Block) -> TokenStream {
    let place = names::at(block.item.self_ty.span());
    let (actor, actor_trait) = (&block.item.self_ty, block.runtime.item_at("Actor", place));
    quote_spanned!(place=> #actor: #actor_trait)
}
