//! `#[on_state_change]`: how the runtime reaches it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::handlers::call;
use crate::model::{Actor, Block, Hook, Kind};
use crate::names;

/// Writes `__state_changed`, if the block has the hook. An actor without one has no state that could change unseen: its method does
/// nothing, as the trait has it.
pub(super) fn expand(block: &Block) -> TokenStream {
    let Some(hook) = block.hooks_of(Kind::OnStateChange).next() else {
        return TokenStream::new();
    };
    let (actor, context, failure) = (
        block.runtime.item("Actor"),
        block.runtime.item("Context"),
        block.runtime.item("Failure"),
    );
    let (cfgs, cx, mut before) = (&hook.cfgs, names::local("cx"), names::local("before"));
    let parameter = before.clone();
    let mut arguments = Vec::new();
    if let Some(argument) = hook.signature.arguments.first() {
        // Another type than that of the state is an error of the type that the user wrote.
        before.set_span(before.span().located_at(argument.written.ty.span()));
        arguments.push(before);
    }
    let (asserted, called) = (asserted(block, hook), call(block, hook, &arguments));
    quote! {
        #(#cfgs)*
        fn __state_changed(&mut self, #cx: &mut #context<'_, Self>, #parameter: &<Self as #actor>::State)
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
