//! `#[on_state_change]` and `#[on_error]`: how the runtime reaches them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::handlers::call;
use crate::model::{Actor, Block, Hook, Kind};
use crate::names;

/// Writes `__state_changed` and `__on_error`, as far as the block has these hooks. Without them the methods do nothing, as the trait
/// has them.
pub(super) fn expand(block: &Block) -> TokenStream {
    let hook = |kind| block.hooks_of(kind).next();
    let (actor, report) = (
        block.runtime.item("Actor"),
        block.runtime.item("ErrorReport"),
    );
    let changed = hook(Kind::OnStateChange).map(|hook| {
        let (told, asserted) = (quote!(<Self as #actor>::State), asserted(block, hook));
        method(block, hook, "__state_changed", (&told, &asserted))
    });
    let failed = hook(Kind::OnError)
        .map(|hook| method(block, hook, "__on_error", (&report, &TokenStream::new())));
    quote!(#changed #failed)
}

/// Writes the method that calls a hook with what it is told, behind what is asserted.
fn method(
    block: &Block,
    hook: &Hook,
    name: &str,
    (ty, asserted): (&TokenStream, &TokenStream),
) -> TokenStream {
    let (context, failure) = (block.runtime.item("Context"), block.runtime.item("Failure"));
    let (cfgs, cx, mut told) = (&hook.cfgs, names::local("cx"), names::local("told"));
    let (name, parameter) = (Ident::new(name, Span::mixed_site()), told.clone());
    let mut arguments = Vec::new();
    if let Some(argument) = hook.signature.arguments.first() {
        // Another type is an error of the type that the user wrote.
        told.set_span(told.span().located_at(argument.written.ty.span()));
        arguments.push(told);
    }
    let called = call(block, hook, &arguments);
    quote! {
        #(#cfgs)*
        fn #name(&mut self, #cx: &mut #context<'_, Self>, #parameter: &#ty)
            -> ::core::result::Result<(), #failure> {
            #asserted
            #called
        }
    }
}

/// Asserts that the actor has a state, where the hook is marked.
fn asserted(block: &Block, hook: &Hook) -> TokenStream {
    let place = names::at(hook.attribute.span());
    let has_state = block.runtime.item_at("has_state", place);
    quote_spanned!(place=> #has_state::<Self>();)
}

/// Says that an actor has a state.
pub(super) fn has_state(actor: &Actor) -> TokenStream {
    let (ident, marker) = (&actor.ident, actor.runtime.item("HasState"));
    let (parameters, arguments, bounds) = actor.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #marker for #ident #arguments #bounds {}
    }
}
