//! The macros from end to end: parse, validate, expand, or fall back.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, Item};

use crate::diagnostics::{Diagnostics, Message, catalogue};
use crate::migrations::{self, Embedded};
use crate::model::{Block, Kind};
use crate::{expand, fallback, parse, validate};

/// `#[derive(Actor)]`.
pub(crate) fn derive_actor(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => {
            diagnostics.syntax(error);
            return diagnostics.finish().unwrap_or_default();
        }
    };
    let actor = parse::actor::parse(input, &mut diagnostics);
    match diagnostics.finish() {
        None => expand::actor(&actor),
        Some(errors) => {
            let rest = fallback::actor(&actor);
            quote!(#rest #errors)
        }
    }
}

/// `#[actor]`.
pub(crate) fn actor_block(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let item_impl = match syn::parse2(item.clone()) {
        Ok(Item::Impl(item_impl)) => item_impl,
        Ok(other) => {
            let message = match &other {
                Item::Struct(actor) => catalogue::attribute::actor_on_struct(&actor.ident),
                _ => catalogue::attribute::actor_not_on_impl(),
            };
            diagnostics.at(name_of(&other), message);
            return with_errors(item, diagnostics);
        }
        Err(error) => {
            diagnostics.syntax(error);
            return with_errors(item, diagnostics);
        }
    };
    let mut block = parse::block::parse(arguments, item_impl, &mut diagnostics);
    let (embedded, tracked) = load_migrations(&block, &mut diagnostics);
    let set = embedded.as_ref().map(|embedded| &embedded.set);
    validate::check(&mut block, set, &mut diagnostics);
    let item = fallback::written_block(&block);
    let generated = match diagnostics.finish() {
        None => expand::block(&block, embedded.as_ref()),
        Some(errors) => {
            let rest = fallback::block(&block);
            // A file that is mended must run the macro again.
            let tracked = migrations::expand_tracked(&tracked);
            quote!(#rest #tracked #errors)
        }
    };
    quote!(#item #generated)
}

/// A hook attribute that no `#[actor]` has read.
pub(crate) fn outside_block(hook: &str, item: &TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let attribute = proc_macro2::Span::call_site();
    let place = proc_macro2::Ident::new(hook, attribute);
    diagnostics.at(place, catalogue::attribute::outside_block(hook));
    with_errors(item, diagnostics)
}

/// Writes an item again, with what is wrong.
fn with_errors(item: &TokenStream, diagnostics: Diagnostics) -> TokenStream {
    let errors = diagnostics.finish();
    quote!(#item #errors)
}

/// The tokens that name an item, which is a smaller place for an error than all of it.
fn name_of(item: &Item) -> TokenStream {
    match item {
        Item::Struct(item) => item.ident.to_token_stream(),
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::Union(item) => item.ident.to_token_stream(),
        item => item.to_token_stream(),
    }
}

/// Reads and runs the directory of the block's first `#[migrate]`. Returns the files that were read, too.
fn load_migrations(
    block: &Block,
    diagnostics: &mut Diagnostics,
) -> (Option<Embedded>, Vec<PathBuf>) {
    let migrate = block.hooks_of(Kind::Migrate).next();
    let Some(directory) = migrate.and_then(|hook| hook.options.directory.as_ref()) else {
        return (None, Vec::new());
    };
    // Cargo sets it for every compiler it starts; without it, the directory of the compiler is the best guess.
    let package = migrations::package_dir().unwrap_or_default();
    // With a Rust step for new actors, each of those replays the history: it has no use for the image.
    let replays = block
        .hooks_of(Kind::DataMigration)
        .any(|hook| hook.options.new);
    let embedded = match migrations::load(&package, &directory.value()) {
        Ok(set) => Embedded::new(set, !replays),
        Err(broken) => Err(broken),
    };
    match embedded {
        Ok(embedded) => {
            let tracked = embedded.set.tracked.clone();
            (Some(embedded), tracked)
        }
        Err(broken) => {
            for problem in broken.problems {
                diagnostics.at(directory, Message::written(problem.message));
            }
            (None, broken.tracked)
        }
    }
}
