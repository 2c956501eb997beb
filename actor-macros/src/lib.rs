//! Macros of `actor-core`; see its documentation.

use proc_macro::TokenStream;

/// Implements `Actor`.
#[proc_macro_derive(Actor, attributes(actor, state, vars))]
pub fn derive_actor(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// Implements `Handlers`.
#[proc_macro_attribute]
pub fn actor(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn action(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn create_state(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn create_vars(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn data_migration(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn migrate(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn on_before_start(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn on_create(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn on_destroy(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn on_sleep(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn on_wake(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}

/// Belongs in an `#[actor]` block.
#[proc_macro_attribute]
pub fn run(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
