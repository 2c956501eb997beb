//! The enums with one variant for each action: its arguments, and its reply.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{GenericParam, Type};

use super::concrete;
use crate::model::{Block, Hook, Kind};
use crate::names;
use crate::parse::signature::is_plain_value;

/// Writes both enums.
pub(super) fn expand(block: &Block) -> TokenStream {
    let (message, reply) = (names::message(), names::reply());
    let (generics, _, bounds) = block.item.generics.split_for_impl();
    let generic = generic_variant(block);
    let messages = block.hooks_of(Kind::Action).map(|action| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        let types = action
            .signature
            .arguments
            .iter()
            .map(|argument| concrete(&argument.written.ty, &block.item.self_ty));
        quote!(#(#cfgs)* #variant(#(#types),*),)
    });
    let replies = block.hooks_of(Kind::Action).map(|action| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        let value = reply_type(block, action);
        quote!(#(#cfgs)* #variant(#value),)
    });
    quote! {
        #[doc(hidden)]
        pub enum #message #generics #bounds { #(#messages)* #generic }
        #[doc(hidden)]
        pub enum #reply #generics #bounds { #(#replies)* #generic }
    }
}

/// Names the variant of an action: as the method, so that no two can clash.
pub(super) fn variant(action: &Hook) -> Ident {
    let mut variant = action.name.clone();
    variant.set_span(names::at(action.name.span()));
    variant
}

/// Writes the type of what an action returns when it is well.
pub(super) fn reply_type(block: &Block, action: &Hook) -> TokenStream {
    match (outcome(block, action), &action.signature.returns) {
        (Some((returns, outcome)), _) => {
            quote_spanned!(names::at(returns.span())=> <#returns as #outcome>::Value)
        }
        // It is reported as a mistake, and what follows from it is checked with the type as it is.
        (None, Some(returns)) => concrete(returns, &block.item.self_ty).to_token_stream(),
        (None, None) => quote!(()),
    }
}

/// What an action returns and the trait that it must have, unless it is plainly not a result.
pub(super) fn outcome(block: &Block, action: &Hook) -> Option<(Type, TokenStream)> {
    let returns = action.signature.returns.as_ref()?;
    let returns = concrete(returns, &block.item.self_ty);
    let outcome = block.runtime.item_at("Outcome", returns.span());
    (!is_plain_value(&returns)).then_some((returns, outcome))
}

/// Writes a variant that nobody can make. It uses up the type parameters that no action mentions.
fn generic_variant(block: &Block) -> Option<TokenStream> {
    let types: Vec<&Ident> = type_parameters(block).collect();
    let variant = names::generic_variant();
    (!types.is_empty()).then(|| {
        quote!(#variant(::core::convert::Infallible, ::core::marker::PhantomData<fn() -> (#(#types,)*)>),)
    })
}

/// Writes the match arm for the variant that nobody can make.
pub(super) fn generic_arm(block: &Block, enumeration: &Ident) -> Option<TokenStream> {
    let variant = names::generic_variant();
    let never = names::local("never");
    let is_generic = type_parameters(block).next().is_some();
    is_generic.then(|| quote!(#enumeration::#variant(#never, _) => match #never {},))
}

/// The names of the type parameters of the block.
fn type_parameters(block: &Block) -> impl Iterator<Item = &Ident> {
    block
        .item
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            _ => None,
        })
}
