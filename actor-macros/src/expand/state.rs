//! The versions of the state: the steps between them, and that none is missing.
//!
//! The struct knows the current version and the block knows the steps. Each side implements a marker trait for each
//! version that it knows and asserts the other side's, so that what does not fit is an error where it is written.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Generics, parse_quote};

use crate::model::{Actor, Block, Hook, Kind};
use crate::names;

/// The version of the state where none is written; an actor without a state has version 0.
pub(super) fn current(actor: &Actor) -> i32 {
    let written = actor.state_version.as_ref().map(|version| version.number);
    written.unwrap_or(i32::from(actor.state.is_some()))
}

/// Says which versions are older than the current one, and asserts that a step leads on from each. The step from version 0
/// is left out: most actors had a state from the beginning.
pub(super) fn older_versions(actor: &Actor) -> TokenStream {
    let (ident, generics) = (&actor.ident, &actor.generics);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let older = actor.runtime.item("OlderState");
    let implementations = (0..current(actor)).map(|version| {
        quote! {
            #[automatically_derived]
            impl #parameters #older<#version> for #ident #arguments #bounds {}
        }
    });
    let place = actor
        .state_version
        .as_ref()
        .map(|written| written.token.span());
    let assertions = (1..current(actor)).map(|version| {
        let place = names::at(place.unwrap_or_else(|| ident.span()));
        let step = actor.runtime.item_at("StateStep", place);
        let bound = quote_spanned!(place=> #step<#version>);
        assertion(generics, &quote!(#ident #arguments), &bound, place)
    });
    quote!(#(#implementations)* #(#assertions)*)
}

/// Asserts that the shape of the state has the version of the state, if its type derives `StateShape`.
///
/// Only a type that is known here, and that could derive it, is asked.
pub(super) fn shape_version(actor: &Actor) -> Option<TokenStream> {
    let field = actor.state.as_ref()?;
    let syn::Type::Path(path) = &field.ty else {
        return None;
    };
    let last = path.path.segments.last()?;
    let is_foreign =
        last.ident == "String" || last.ident.to_string().starts_with(char::is_lowercase);
    if is_foreign || !last.arguments.is_none() || !actor.generics.params.is_empty() {
        return None;
    }
    let written = actor.state_version.as_ref();
    let place = names::at(written.map_or_else(|| field.ty.span(), |version| version.token.span()));
    let (ty, version) = (&field.ty, current(actor));
    let item = |name| actor.runtime.item_at(name, place);
    let (shaped, unshaped, assert) = (item("Shaped"), item("Unshaped"), item("assert_shape"));
    Some(quote_spanned! {place=>
        const _: () = {
            #[allow(unused_imports, reason = "a type with a shape does not need it")]
            use #unshaped as _;
            #assert(<#shaped<#ty>>::VERSION, #version)
        };
    })
}

/// Says that every version is an older one, where the current one is not known for certain.
pub(super) fn any_older_version(actor: &Actor) -> TokenStream {
    let (ident, older) = (&actor.ident, actor.runtime.item("OlderState"));
    let (_, arguments, _) = actor.generics.split_for_impl();
    any_version(&actor.generics, &quote!(#ident #arguments), &older)
}

/// Says that there is a step from every version, where the steps are not known for certain.
pub(crate) fn any_step(block: &Block) -> TokenStream {
    let (actor, step) = (&block.item.self_ty, block.runtime.item("StateStep"));
    any_version(&block.item.generics, &quote!(#actor), &step)
}

/// Implements a marker trait for all versions.
fn any_version(generics: &Generics, actor: &TokenStream, marker: &TokenStream) -> TokenStream {
    let version = names::local("version");
    let generics = with_version(generics, &version);
    let (parameters, _, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #marker<#version> for #actor #bounds {}
    }
}

/// Adds a parameter for a version.
fn with_version(generics: &Generics, version: &Ident) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(parse_quote!(const #version: i32));
    generics
}

/// Says from which versions a step leads on, and asserts that they are older than the current one.
pub(super) fn steps(block: &Block) -> TokenStream {
    let (generics, actor) = (&block.item.generics, &block.item.self_ty);
    let (parameters, _, bounds) = generics.split_for_impl();
    let step = block.runtime.item("StateStep");
    let items = sorted(block).into_iter().map(|(version, hook)| {
        let (cfgs, place) = (&hook.cfgs, names::at(place(hook)));
        let older = block.runtime.item_at("OlderState", place);
        let bound = quote_spanned!(place=> #older<#version>);
        let assertion = assertion(generics, &actor.to_token_stream(), &bound, place);
        quote! {
            #(#cfgs)*
            #[automatically_derived]
            impl #parameters #step<#version> for #actor #bounds {}
            #(#cfgs)*
            #assertion
        }
    });
    quote!(#(#items)*)
}

/// Writes `__migrate_state`: the steps one after the other, so that the compiler holds their types against each other.
pub(super) fn migrate(block: &Block) -> TokenStream {
    let (actor, begin, fault) = (
        block.runtime.item("Actor"),
        block.runtime.item("StateSteps"),
        block.runtime.item("StateFault"),
    );
    let (version, json, reached) = (
        names::local("version"),
        names::local("json"),
        names::local("reached"),
    );
    let sorted = sorted(block);
    let steps = sorted.iter().map(|(from, hook)| {
        let (cfgs, text) = (&hook.cfgs, hook.name.unraw().to_string());
        // A step takes what the one before it returned: an error of the type that it says it takes.
        let argument = hook.signature.arguments.first();
        let place =
            argument.map_or_else(|| hook.name.span(), |argument| argument.written.ty.span());
        let begin = block.runtime.item_at("StateSteps", place);
        let (name, reached) = (moved(&hook.name, place), moved(&reached, place));
        let call =
            quote_spanned!(names::at(place)=> #begin::step(#reached, #from, #text, Self::#name)?);
        quote! {
            #(#cfgs)*
            let #reached = #call;
        }
    });
    // The last step returns the state: an error of the type that it says it returns.
    let last = sorted
        .last()
        .and_then(|(_, hook)| hook.signature.returns.as_ref());
    let place = last.map_or_else(Span::call_site, syn::spanned::Spanned::span);
    let state = quote!(<Self as #actor>::State);
    // Without steps nothing else says what is reached.
    let first = if sorted.is_empty() {
        state.clone()
    } else {
        quote!(_)
    };
    let (end, at_end) = (
        block.runtime.item_at("StateSteps", place),
        moved(&reached, place),
    );
    let finish = quote_spanned!(names::at(place)=> #end::finish::<#state>(#at_end));
    quote! {
        fn __migrate_state(#version: i32, #json: &str) -> ::core::result::Result<#state, #fault> {
            let #reached = #begin::<#first>::begin(#version, #json);
            #(#steps)*
            #finish
        }
    }
}

/// Gives an identifier another place, and keeps what it stands for.
fn moved(name: &Ident, place: Span) -> Ident {
    let mut name = name.clone();
    name.set_span(name.span().located_at(place));
    name
}

/// The steps in the order of the versions from which they lead.
fn sorted(block: &Block) -> Vec<(i32, &Hook)> {
    let steps = block.hooks_of(Kind::MigrateState);
    let mut steps: Vec<_> = steps
        .filter_map(|hook| Some((hook.options.from.as_ref()?.number, hook)))
        .collect();
    steps.sort_by_key(|(from, _)| *from);
    steps
}

/// Where the version of a step is written.
fn place(hook: &Hook) -> Span {
    let from = hook.options.from.as_ref();
    from.map_or_else(|| hook.name.span(), |from| from.token.span())
}

/// Asserts a bound. Without type parameters it stands in a `where`, where the error is about nothing but the bound; with
/// them it would be taken for granted there, so it is asked for in a call.
fn assertion(
    generics: &Generics,
    actor: &TokenStream,
    bound: &TokenStream,
    place: Span,
) -> TokenStream {
    let (check, holds) = (names::local("check"), names::local("holds"));
    let actor = actor.clone().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    let actor: TokenStream = actor.collect();
    if generics.params.is_empty() {
        return quote_spanned! {place=>
            const _: () = { fn #check() where #actor: #bound {} };
        };
    }
    let (parameters, _, bounds) = generics.split_for_impl();
    quote_spanned! {place=>
        const _: () = {
            fn #holds<A: #bound>() {}
            fn #check #parameters () #bounds { #holds::<#actor>() }
        };
    }
}
