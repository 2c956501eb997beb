//! `#[derive(Event)]`: what a type needs to be an event, and which actors may emit it.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{DeriveInput, LitStr, Path, Token, Type};

use crate::diagnostics::Diagnostics;
use crate::names::{self, Runtime};
use crate::parse::block::crate_path;
use crate::parse::options::{self, Opt, Part, Value};

/// The options of an event.
const KEYS: [&str; 3] = ["name", "of", "crate"];

/// What `#[event(…)]` says.
#[derive(Default)]
struct Written {
    name: Option<LitStr>,
    /// Which actors emit it; all if it is not said.
    of: Option<Vec<Type>>,
    runtime: Option<Path>,
}

/// Writes the implementations. With mistakes, every actor may emit it, so that nothing else is wrong.
pub(crate) fn expand(input: &DeriveInput, diagnostics: &mut Diagnostics) -> TokenStream {
    let written = parse(input, diagnostics);
    let runtime = Runtime::new(written.runtime.as_ref());
    let (event, event_of) = (runtime.item("Event"), runtime.item("EventOf"));
    let ident = &input.ident;
    let name = written.name.map_or_else(
        || names::kebab_case(&ident.unraw().to_string()),
        |name| name.value(),
    );
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        let bound = syn::parse_quote!(Self: ::core::clone::Clone + ::core::marker::Send + ::core::marker::Sync + 'static);
        generics.make_where_clause().predicates.push(bound);
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let emitters = if let Some(actors) = &written.of {
        let emitters = actors.iter().map(|actor| {
            quote_spanned! {names::at(actor.span())=>
                #[automatically_derived]
                impl #parameters #event_of<#actor> for #ident #arguments #bounds {}
            }
        });
        quote!(#(#emitters)*)
    } else {
        let any = proc_macro2::Ident::new("__Actor", proc_macro2::Span::mixed_site());
        let mut generics = generics.clone();
        generics.params.push(syn::parse_quote!(#any));
        let (parameters, _, bounds) = generics.split_for_impl();
        quote! {
            #[automatically_derived]
            impl #parameters #event_of<#any> for #ident #arguments #bounds {}
        }
    };
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #parameters #event for #ident #arguments #bounds {
                const NAME: &'static str = #name;
            }
            #emitters
        };
    }
}

/// Reads every `#[event(…)]`.
fn parse(input: &DeriveInput, diagnostics: &mut Diagnostics) -> Written {
    let (mut written, mut seen) = (Written::default(), Vec::new());
    let ours = input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("event"));
    for part in ours.flat_map(|attribute| options::of_attribute(&attribute.meta)) {
        match part {
            Part::Option(opt) if KEYS.contains(&opt.name().as_str()) => {
                options::is_repeated(&opt, &mut seen, "remove one", diagnostics);
                match opt.name().as_str() {
                    "name" => {
                        let example = "name = \"said\"";
                        written.name = opt.text("a text", example, diagnostics).or(written.name);
                    }
                    "of" => written.of = actors(&opt, diagnostics).or(written.of),
                    _ => written.runtime = crate_path(&opt, diagnostics).or(written.runtime),
                }
            }
            Part::Option(opt) => options::refuse_unknown(&opt, "#[event]", &KEYS, diagnostics),
            Part::Stray(tokens) => options::refuse_stray(&tokens, "#[event]", &KEYS, diagnostics),
        }
    }
    written
}

/// Reads the actors in `of(…)`.
fn actors(opt: &Opt, diagnostics: &mut Diagnostics) -> Option<Vec<Type>> {
    if let Value::Group(tokens) = &opt.value
        && let Ok(actors) =
            Punctuated::<Type, Token![,]>::parse_terminated.parse2(tokens.to_token_stream())
        && !actors.is_empty()
    {
        return Some(actors.into_iter().collect());
    }
    opt.refuse_value(
        "the actors that emit the event",
        "of(ChatRoom)",
        diagnostics,
    );
    None
}
