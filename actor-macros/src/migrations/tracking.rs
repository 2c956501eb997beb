//! Makes a change of a migration run the macros again.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;

use super::MigrationSet;
use crate::lockfile::VARIABLE;

/// Writes constants that make the compiler note each file, and the variable that the lock obeys, as inputs of the crate.
///
/// They hold for edits, renames and removals of these files. A new migration is no input yet: stable Rust has no way to
/// name a directory as one. For that the package needs a `build.rs` with one line,
/// `println!("cargo::rerun-if-changed=migrations/chat_room");` for each directory (not the one above, in which the lock is
/// written); what [`expand_listing`] writes tells when it is missing.
pub(crate) fn expand_tracked(tracked: &[PathBuf]) -> TokenStream {
    let paths = tracked.iter().filter_map(|path| path.to_str());
    quote! {
        #(const _: &[u8] = ::core::include_bytes!(#paths);)*
        const _: ::core::option::Option<&str> = ::core::option_env!(#VARIABLE);
    }
}

/// Writes an expression, `(directory, [names of the migrations])`, from which a debug build can tell at run time that the
/// directory has changed without a rebuild: a directory that is there and lists other names.
pub(crate) fn expand_listing(set: &MigrationSet) -> TokenStream {
    let dir = set.path.to_string_lossy();
    let names = set
        .migrations
        .iter()
        .map(|migration| migration.name.as_str());
    quote!((#dir, &[#(#names),*]))
}
