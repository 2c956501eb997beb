//! Every name that generated code uses: the path of the runtime, and the hidden items.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt as _;

/// The path of `actor_core` in the user's program, as `crate = …` says or `::actor_core`.
#[derive(Clone)]
pub(crate) struct Runtime(TokenStream);

impl Runtime {
    /// Uses the path that the user wrote, or the one that holds unless the crate is renamed.
    pub(crate) fn new(written: Option<&Path>) -> Self {
        Self(written.map_or_else(|| quote!(::actor_core), |path| quote!(#path)))
    }

    /// Names an item of the plumbing.
    pub(crate) fn item(&self, name: &str) -> TokenStream {
        self.item_at(name, Span::mixed_site())
    }

    /// Names an item of the plumbing so that errors about it point at `place`.
    pub(crate) fn item_at(&self, name: &str, place: Span) -> TokenStream {
        let place = at(place);
        let name = Ident::new(name, place);
        // The path is moved to the place too: an error about an expression shows all of it, from its first token on.
        let runtime = self.0.clone().into_iter().map(|mut token| {
            token.set_span(token.span().located_at(place));
            token
        });
        quote_spanned!(place=> #(#runtime)*::__private::#name)
    }
}

/// Gives a span that errors show at the user's code, and that lints still know as generated. Names resolve as elsewhere
/// in generated code, so that `self` is the same everywhere.
pub(crate) fn at(place: Span) -> Span {
    Span::call_site().located_at(place)
}

/// Names the typed handle of an actor.
pub(crate) fn handle(actor: &Ident) -> Ident {
    format_ident!("{}Handle", actor.unraw(), span = actor.span())
}

/// Names the message, which keeps to itself which action it is for.
pub(crate) fn message() -> Ident {
    Ident::new("__ActorMessage", Span::mixed_site())
}

/// Names the enum with one variant for each action, with its arguments.
pub(crate) fn action() -> Ident {
    Ident::new("__ActorAction", Span::mixed_site())
}

/// Names the enum with one variant for each action, with what it returns.
pub(crate) fn reply() -> Ident {
    Ident::new("__ActorReply", Span::mixed_site())
}

/// Names the variant that only uses up the type parameters of an actor.
pub(crate) fn generic_variant() -> Ident {
    Ident::new("__ActorGeneric", Span::mixed_site())
}

/// Names a local variable of generated code.
pub(crate) fn local(name: &str) -> Ident {
    format_ident!("__actor_{}", name, span = Span::mixed_site())
}

/// Turns the name of a struct into the default name of its actors: `ChatRoom` gives `chat-room`.
pub(crate) fn kebab_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut kebab = String::with_capacity(name.len() + 4);
    for (index, &character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| characters[i]);
        let starts_word = character.is_uppercase()
            && before.is_some_and(|b| {
                let ends_acronym = characters.get(index + 1).is_some_and(|c| c.is_lowercase());
                b != '_' && (!b.is_uppercase() || ends_acronym)
            });
        if starts_word {
            kebab.push('-');
        }
        kebab.extend(character.to_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_in_kebab_case() {
        assert_eq!(kebab_case("ChatRoom"), "chat-room");
        assert_eq!(kebab_case("Room"), "room");
        assert_eq!(kebab_case("HTTPServer"), "http-server");
        assert_eq!(kebab_case("Room2Go"), "room2-go");
        assert_eq!(kebab_case("A"), "a");
        assert_eq!(kebab_case("Snake_Case"), "snake_case");
    }

    #[test]
    fn the_handle_of_a_raw_identifier_is_an_ordinary_one() {
        let raw: Ident = syn::parse_quote!(r#Type);
        assert_eq!(handle(&raw).to_string(), "TypeHandle");
    }
}
