//! What the macros write for three actors, held against `snapshots/`. `ACTOR_SNAPSHOTS=update cargo test -p actor-macros`
//! writes it anew; the documentation of `#[actor]` shows it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Item, Lit, LitByteStr, LitStr};

use crate::pipeline;

/// The longest byte string that is shown; the image of a new actor is longer.
const SHOWN_BYTES_MAX: usize = 64;

/// Where the actors and their expansions are.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

/// Expands every item of a file as the compiler would.
fn expand(source: &str) -> String {
    let file = syn::parse_file(source).unwrap();
    let expanded: TokenStream = file.items.into_iter().map(expand_item).collect();
    let mut file = syn::parse2(expanded).unwrap();
    Shorten.visit_file_mut(&mut file);
    prettyplease::unparse(&file)
}

/// Expands one item.
fn expand_item(item: Item) -> TokenStream {
    match item {
        Item::Struct(actor) => {
            let generated = pipeline::derive_actor(actor.to_token_stream());
            let mut written = actor;
            // The compiler takes the derive and its helpers away, too.
            written
                .attrs
                .retain(|attribute| attribute.path().is_ident("doc"));
            for field in &mut written.fields {
                field.attrs.clear();
            }
            quote!(#written #generated)
        }
        Item::Impl(mut block) => {
            block
                .attrs
                .retain(|attribute| !attribute.path().is_ident("actor"));
            pipeline::actor_block(TokenStream::new(), &block.to_token_stream(), None)
        }
        other => panic!(
            "an actor is a struct and a block, not {}",
            other.to_token_stream()
        ),
    }
}

/// Replaces what nobody can read, and what is different on each machine.
struct Shorten;

impl VisitMut for Shorten {
    fn visit_lit_mut(&mut self, literal: &mut Lit) {
        match literal {
            Lit::ByteStr(bytes) if bytes.value().len() > SHOWN_BYTES_MAX => {
                let text = format!("... {} bytes ...", bytes.value().len());
                *bytes = LitByteStr::new(text.as_bytes(), Span::call_site());
            }
            Lit::Str(text) if text.value().contains(env!("CARGO_MANIFEST_DIR")) => {
                let short = text.value().replace(env!("CARGO_MANIFEST_DIR"), "/package");
                *text = LitStr::new(&short, Span::call_site());
            }
            _ => {}
        }
    }

    // The arguments of macros are not parsed.
    fn visit_macro_mut(&mut self, mac: &mut syn::Macro) {
        let shorten = |token| match token {
            proc_macro2::TokenTree::Literal(literal) => {
                let text = literal
                    .to_string()
                    .replace(env!("CARGO_MANIFEST_DIR"), "/package");
                let literal: Literal = text.parse().unwrap();
                literal.into()
            }
            token => token,
        };
        mac.tokens = mac.tokens.clone().into_iter().map(shorten).collect();
        visit_mut::visit_macro_mut(self, mac);
    }
}

/// Holds the expansion of `snapshots/{name}.rs` against `snapshots/{name}.expanded.rs`.
fn check(name: &str) {
    let source = fs::read_to_string(directory().join(name).with_extension("rs")).unwrap();
    let expanded = expand(&source);
    assert!(!expanded.contains("compile_error"), "{expanded}");
    let path = directory().join(name).with_extension("expanded.rs");
    if env::var("ACTOR_SNAPSHOTS").as_deref() == Ok("update") {
        fs::write(&path, &expanded).unwrap();
    }
    let saved = fs::read_to_string(&path).unwrap_or_default();
    // Line by line, because a difference in a long text is hard to find.
    for (number, (found, saved)) in (1..).zip(expanded.lines().zip(saved.lines())) {
        assert_eq!(found, saved, "line {number} of {}", path.display());
    }
    assert_eq!(
        expanded.lines().count(),
        saved.lines().count(),
        "{}",
        path.display()
    );
}

#[test]
fn a_small_actor_expands_as_shown() {
    check("small");
}

#[test]
fn an_actor_with_migrations_expands_as_shown() {
    check("with_migrations");
}

#[test]
fn an_actor_with_everything_expands_as_shown() {
    check("with_everything");
}
