//! The macros of `actor-core`, which re-exports them; its documentation says how they are used.
//!
//! Each macro takes the same way: `parse` turns tokens into the `model`, `validate` checks the model, and `expand` turns it
//! into code. Mistakes are collected in `diagnostics` on the way; when there are any, `fallback` writes just enough code
//! that the rest of the user's file is still checked, without errors that only follow from the first.

mod diagnostics;
mod duration;
mod expand;
mod fallback;
mod migrate_dir;
mod model;
mod names;
mod order;
mod parse;
mod pipeline;
mod suggest;
mod validate;

use proc_macro::TokenStream;

/// Makes a struct an actor, and writes its typed handle.
#[proc_macro_derive(Actor, attributes(actor, state, vars))]
pub fn derive_actor(input: TokenStream) -> TokenStream {
    pipeline::derive_actor(input.into()).into()
}

/// Reads the hooks and actions in an actor's `impl` block, and writes its preamble, its messages and its handle's methods.
#[proc_macro_attribute]
pub fn actor(options: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::actor_block(options.into(), &item.into()).into()
}

/// Writes the attribute macros that only say where their attribute belongs: in an `#[actor]` block they are read and
/// removed before the compiler looks for them.
macro_rules! only_in_actor_blocks {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// It belongs on a method in an `#[actor]` block.
        #[proc_macro_attribute]
        pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
            pipeline::outside_block(stringify!($name), &item.into()).into()
        }
    )*};
}

only_in_actor_blocks! {
    /// Names the directory with the actor's migrations.
    migrate;
    /// Marks a step of a migration that is written in Rust.
    data_migration;
    /// Marks the hook that makes a new actor's state.
    create_state;
    /// Marks a hook that runs once, when the actor is created.
    on_create;
    /// Marks the hook that makes the vars on every start.
    create_vars;
    /// Marks a hook that runs on every start.
    on_wake;
    /// Marks a hook that runs last on every start.
    on_before_start;
    /// Marks a background task that starts when the actor is ready.
    run;
    /// Marks a hook that runs before the actor sleeps.
    on_sleep;
    /// Marks a hook that runs before the actor is destroyed.
    on_destroy;
    /// Marks an action: a method that the handle offers to callers.
    action;
}
