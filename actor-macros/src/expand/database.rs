//! An actor that uses a database has one: told where the first use is, and by `cargo check`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};

use crate::model::{Block, Hook, Kind};
use crate::names;

/// Asserts that the actor has a database where a hook or an action first asks its context for it.
/// Only the struct knows whether there is a state.
pub(super) fn assertion(block: &Block) -> Option<TokenStream> {
    let has_own = block
        .hooks
        .iter()
        .any(|hook| matches!(hook.kind, Kind::Migrate | Kind::Queue));
    // A constant cannot speak of a type parameter.
    if has_own || !block.item.generics.params.is_empty() {
        return None;
    }
    let (hook, place) = block
        .hooks
        .iter()
        .find_map(|hook| Some((hook, first_use(hook)?)))?;
    let (cfgs, actor) = (&hook.cfgs, &block.item.self_ty);
    let handlers = block.runtime.item("Handlers");
    let text = "this actor has no database: it has neither `#[migrate]` nor `#[state]`";
    let place = names::at(place);
    let stored = quote!(<#actor as #handlers>::__STORED);
    let assert = quote_spanned!(place=> ::core::assert!(#stored, #text));
    Some(quote!(#(#cfgs)* const _: () = #assert;))
}

/// Finds the `db` of the first `cx.db` in a body.
fn first_use(hook: &Hook) -> Option<Span> {
    let context = hook.signature.context.as_ref()?.name.as_ref()?.to_string();
    find(hook.method.block.to_token_stream(), &context)
}

/// Finds the `db` of the first `context.db` in tokens.
fn find(tokens: TokenStream, context: &str) -> Option<Span> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            let inner = find(group.stream(), context);
            if inner.is_some() {
                return inner;
            }
        }
        if let [
            TokenTree::Ident(name),
            TokenTree::Punct(dot),
            TokenTree::Ident(method),
            ..,
        ] = &tokens[index..]
            && name == context
            && dot.as_char() == '.'
            && (method == "db" || method == "blocking")
        {
            return Some(method.span());
        }
    }
    None
}
