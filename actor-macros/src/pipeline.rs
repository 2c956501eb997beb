//! The macros from end to end: parse, validate, expand, or fall back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{DeriveInput, Item, ItemFn, Type};

use crate::diagnostics::{Diagnostics, Message, catalogue};
use crate::migrations::{self, Embedded};
use crate::model::{Block, Kind};
use crate::parse::block::type_name;
use crate::{event, expand, fallback, halves, parse, validate};

/// The names of the structs that have the derive, as far as this compiler has read: no file need be
/// read for them.
static DERIVED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// `#[derive(Actor)]`.
pub(crate) fn derive_actor(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let input: DeriveInput = match syn::parse2(parse::groups::of_source(input)) {
        Ok(input) => input,
        Err(error) => {
            diagnostics.syntax(error);
            return diagnostics.finish().unwrap_or_default();
        }
    };
    DERIVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(input.ident.to_string());
    let actor = parse::actor::parse(input, &mut diagnostics);
    match diagnostics.finish() {
        None => expand::actor(&actor),
        Some(errors) => {
            let rest = fallback::actor(&actor);
            quote!(#rest #errors)
        }
    }
}

/// `#[derive(Event)]`.
pub(crate) fn derive_event(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let input: DeriveInput = match syn::parse2(parse::groups::of_source(input)) {
        Ok(input) => input,
        Err(error) => {
            diagnostics.syntax(error);
            return diagnostics.finish().unwrap_or_default();
        }
    };
    let mut input = input;
    parse::groups::of_struct(&mut input);
    let event = event::expand(&input, &mut diagnostics);
    let errors = diagnostics.finish();
    quote!(#event #errors)
}

/// `#[actor]`.
///
/// `file` is the file in which it is written, if that is known.
pub(crate) fn actor_block(
    arguments: TokenStream,
    item: &TokenStream,
    file: Option<&Path>,
) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let item_impl = match syn::parse2(parse::groups::of_source(item.clone())) {
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
    let other_half = derived(&block, file, &mut diagnostics);
    let (embedded, broken) = load_migrations(&block, &mut diagnostics);
    let set = embedded.as_ref().map(|embedded| &embedded.set);
    validate::check(&mut block, set, &mut diagnostics);
    if let Some(embedded) = &embedded
        && diagnostics.count() == 0
    {
        expand::steps::guard(&mut block, &embedded.set);
    }
    let item = fallback::written_block(&block);
    let generated = match (diagnostics.finish(), broken) {
        (None, None) if other_half.is_none() => expand::block(&block, embedded.as_ref()),
        (errors, broken) => {
            let rest = fallback::block(&block);
            // A file that is mended must run the macro again.
            let tracked = embedded.map(|embedded| embedded.set.tracked).or(broken);
            let tracked = migrations::expand_tracked(&tracked.unwrap_or_default());
            quote!(#other_half #rest #tracked #errors)
        }
    };
    quote!(#item #generated)
}

/// Writes what the derive would have written, where it was forgotten.
fn derived(
    block: &Block,
    file: Option<&Path>,
    diagnostics: &mut Diagnostics,
) -> Option<TokenStream> {
    let Type::Path(path) = &*block.item.self_ty else {
        return None;
    };
    let [segment] = &*path.path.segments.iter().collect::<Vec<_>>() else {
        return None;
    };
    let ident = &segment.ident;
    if DERIVED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&ident.to_string())
    {
        return None;
    }
    let found = halves::without_derive(file, &ident.to_string())?;
    // A struct with `#[actor]` and no derive is an error of that `#[actor]`.
    if !found.attrs.iter().any(|it| it.path().is_ident("actor")) {
        diagnostics.at(ident, catalogue::attribute::no_derive(ident.unraw()));
    }
    // Whatever else is wrong with the struct is for the derive to say.
    let mut later = Diagnostics::new();
    let actor = parse::actor::parse(found, &mut later);
    let _ = later.finish();
    Some(fallback::actor(&actor))
}

/// A hook attribute that no `#[actor]` has read.
///
/// `file` is the file in which it is written, if that is known.
pub(crate) fn outside_block(hook: &str, item: &TokenStream, file: Option<&Path>) -> TokenStream {
    let method = syn::parse2::<ItemFn>(item.clone()).ok();
    let around = method
        .as_ref()
        .and_then(|method| halves::around(file, &method.sig.ident.to_string()));
    if around.as_ref().is_some_and(|around| !around.is_first) {
        // The first hook of the block has the error, which is one for all of them.
        return item.clone();
    }
    let mut diagnostics = Diagnostics::new();
    let attribute = proc_macro2::Span::call_site();
    let place = proc_macro2::Ident::new(hook, attribute);
    diagnostics.at(place, catalogue::attribute::outside_block(hook));
    let Some((mut method, block)) = method.zip(around.and_then(|around| around.block)) else {
        return with_errors(item, diagnostics);
    };
    // A method is the only place that this macro has, and an `impl` holds wherever it stands.
    let mut later = Diagnostics::new();
    let block = parse::block::parse(TokenStream::new(), block, &mut later);
    let _ = later.finish();
    let rest = fallback::block(&block);
    method.block.stmts.insert(
        0,
        syn::parse_quote!(#[allow(non_local_definitions)] const _: () = { #rest };),
    );
    with_errors(&method.to_token_stream(), diagnostics)
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

/// Reads and runs the directory of the block's first `#[migrate]`. Where something is wrong with it, which may have been reported
/// already, the files that were read are returned.
fn load_migrations(
    block: &Block,
    diagnostics: &mut Diagnostics,
) -> (Option<Embedded>, Option<Vec<PathBuf>>) {
    let migrate = block.hooks_of(Kind::Migrate).next();
    let Some(directory) = migrate.and_then(|hook| hook.options.directory.as_ref()) else {
        return (None, None);
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
        Ok(embedded) => (Some(embedded), None),
        Err(broken) => {
            let by = format!("#[actor] {}", type_name(&block.item.self_ty));
            for problem in broken.problems {
                if migrations::is_first(&package, &directory.value(), &problem.message, &by) {
                    diagnostics.at(directory, Message::written(problem.message));
                }
            }
            (None, Some(broken.tracked))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `#[actor]` on a block.
    fn block(methods: &TokenStream) -> String {
        actor_block(quote!(), &quote!(impl Room { #methods }), None).to_string()
    }

    /// Writes tokens the way the expansion is compared.
    fn text(tokens: &TokenStream) -> String {
        tokens.to_string()
    }

    #[test]
    fn hooks_are_listed_in_the_order_in_which_they_run() {
        let expanded = block(&quote! {
            #[on_wake(after = warm, timeout = "2s")]
            async fn audit(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {}
            #[on_wake]
            fn warm(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {}
        });
        let listed = text(&quote! {
            on_wake: &[
                ::actor_core::__private::Hook {
                    id: 1u32,
                    name: "warm",
                    timeout: ::core::option::Option::None,
                    is_async: false
                },
                ::actor_core::__private::Hook {
                    id: 0u32,
                    name: "audit",
                    timeout: ::core::option::Option::Some(::core::time::Duration::from_millis(2000u64)),
                    is_async: true
                },
            ],
        });
        assert!(expanded.contains(&listed), "{expanded}");
    }

    #[test]
    fn async_hooks_are_awaited_and_others_are_not() {
        let expanded = block(&quote! {
            #[on_wake]
            async fn audit(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {}
            #[on_wake]
            fn warm(&mut self, cx: &mut Context<'_, Self>) -> Result<()> {}
        });
        let arms = text(&quote! {
            0u32 => ::actor_core::__private::outcome(::actor_core::__private::handler(
                Self::audit(self, &mut ::actor_core::__private::Context::stage(__actor_cx),)
            ).await),
            1u32 => ::actor_core::__private::outcome(
                Self::warm(self, &mut ::actor_core::__private::Context::stage(__actor_cx),)
            ),
        });
        assert!(expanded.contains(&arms), "{expanded}");
    }

    #[test]
    fn the_handle_has_a_method_for_each_action() {
        let expanded = block(&quote! {
            /// Posts.
            #[cfg(unix)]
            #[action]
            fn post(&mut self, cx: &mut Context<'_, Self>, body: String, mut at: Vec<Self>) -> Result<u64> {}
        });
        let method = text(&quote! {
            #[cfg(unix)]
            #[doc = r" Posts."]
            fn post(&self, body: impl ::core::convert::Into<String>, at: Vec<Room>)
                -> ::actor_core::__private::Call<
                    '_, Room, <Result<u64> as ::actor_core::__private::Outcome>::Value, (String, Vec<Room>,)
                >
        });
        assert!(expanded.contains(&method), "{expanded}");
    }

    #[test]
    fn a_block_with_mistakes_is_written_again_with_its_handle() {
        let expanded = block(&quote! {
            #[on_wkae]
            fn audit(&mut self) {}
            #[action(timeout = "soon")]
            fn post(&mut self, cx: &mut Context<'_, Self>) -> Result<()> { body() }
        });
        assert!(expanded.contains("body ()"));
        assert!(expanded.contains("impl RoomHandle { "));
        assert!(expanded.contains("fn post (& self ,)"));
        assert!(!expanded.contains("on_wkae (") && !expanded.contains("# [on_wkae]"));
        assert_eq!(expanded.matches("compile_error").count(), 2);
    }

    #[test]
    fn an_actor_has_its_options_and_fields() {
        let expanded = derive_actor(quote! {
            #[actor(name = "chat-room", sleep_after = "never", timeouts(action = "5s"))]
            pub(crate) struct ChatRoom { #[state] settings: State<Settings>, #[vars] typing: HashSet<String> }
        });
        let expanded = expanded.to_string();
        for part in [
            quote!(pub(crate) struct ChatRoomHandle where ChatRoom: ::actor_core::__private::Handlers),
            quote!(
                const NAME: &'static str = "chat-room";
            ),
            quote!(sleep_after: ::core::option::Option::None,),
            quote!(action: ::core::time::Duration::from_millis(5000u64),),
            quote!(
                type State = Settings;
            ),
            quote!(
                type Vars = HashSet<String>;
            ),
            quote!(Self {
                settings: __actor_state,
                typing: __actor_vars
            }),
        ] {
            assert!(
                expanded.contains(&text(&part)),
                "{part} is not in {expanded}"
            );
        }
    }

    #[test]
    fn no_attribute_makes_the_macro_panic() {
        let odd = [
            quote!(),
            quote!(,),
            quote!(,,),
            quote!(=),
            quote!(= "2s"),
            quote!(timeout =),
            quote!(timeout = = 2),
            quote!(after = ()),
            quote!(after = (a b)),
            quote!(after(a)),
            quote!(after = (a,)),
            quote!(before = self),
            quote!(timeout = "2s" "3s"),
            quote!(new = maybe),
            quote!("a" "b"),
            quote!(timeout = 'x'),
            quote!({}),
            quote!(crate),
            quote!(after = crate),
        ];
        for options in &odd {
            for hook in Kind::ALL {
                let attribute =
                    proc_macro2::Ident::new(hook.name(), proc_macro2::Span::call_site());
                let methods = quote!(#[#attribute(#options)] fn method(_: u8, self: Box<Self>, (a, b): &mut dyn Fn()) -> impl Fn() {});
                assert!(block(&methods).contains("compile_error"));
            }
            let derived = quote!(
                #[actor(#options)]
                #[actor = "x"]
                struct Room {
                    #[state = 1]
                    a: State,
                    #[vars()]
                    b: &'a str,
                    c: (),
                }
            );
            assert!(derive_actor(derived).to_string().contains("compile_error"));
            assert!(
                !actor_block(
                    options.clone(),
                    &quote!(
                        impl<'a> Trait for &'a Room<'a> {
                            type A = ();
                        }
                    ),
                    None,
                )
                .is_empty()
            );
        }
        for item in [
            quote!(),
            quote!(fn),
            quote!(impl),
            quote!(
                static X: u8 = 1;
            ),
            quote!(impl Room { on_wake!(); }),
        ] {
            let _ = actor_block(quote!(), &item, None);
            let _ = derive_actor(item.clone());
            let _ = outside_block("on_wake", &item, None);
        }
    }
}
