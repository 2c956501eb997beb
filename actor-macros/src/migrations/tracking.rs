//! Makes a change of a migration run the macros again.

use std::path::PathBuf;

use proc_macro2::TokenStream;
use quote::quote;

/// Writes constants that make the compiler note each file as an input of the crate.
///
/// They hold for edits, renames and removals of these files. A new file in the directory is no input yet: stable Rust has
/// no way to name a directory, so the package needs a `build.rs` with `cargo::rerun-if-changed` for that.
pub(crate) fn expand_tracked(tracked: &[PathBuf]) -> TokenStream {
    let paths = tracked.iter().filter_map(|path| path.to_str());
    quote!(#(const _: &[u8] = ::core::include_bytes!(#paths);)*)
}
