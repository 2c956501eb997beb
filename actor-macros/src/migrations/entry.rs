//! The `schema!` macro, from its tokens to Diesel's.

use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::quote;

use super::schema::{SchemaInput, expand_schema};
use super::tracking::expand_tracked;
use super::{MigrationSet, Schema, history, is_first, load, run, suggest_version};

/// Expands `schema!`; `package_dir` is the package that is being compiled.
pub(crate) fn expand(input: TokenStream, package_dir: Option<&Path>) -> TokenStream {
    let input: SchemaInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let at_dir = |message: String| syn::Error::new(input.dir.span(), message);
    let Some(package_dir) = package_dir else {
        return at_dir("`CARGO_MANIFEST_DIR` is not set, so the migrations cannot be found\nhelp: build with cargo".to_owned())
            .to_compile_error();
    };
    let (schema, tracked, problems) = match load(package_dir, &input.dir.value()) {
        Ok(set) => match tables_at(&input, &set) {
            Ok(schema) => (schema.unwrap_or(set.schema), set.tracked, Vec::new()),
            Err(error) => {
                let (error, tracked) = (error.to_compile_error(), expand_tracked(&set.tracked));
                return quote!(#error #tracked);
            }
        },
        Err(broken) => (broken.schema, broken.tracked, broken.problems),
    };
    let is_broken = !problems.is_empty();
    let (dir, by) = (input.dir.value(), format!("schema! {}", input.name));
    let mut errors: Vec<_> = problems
        .into_iter()
        .filter(|problem| is_first(package_dir, &dir, &problem.message, &by))
        .map(|problem| at_dir(problem.message))
        .collect();
    let (module, problems) = expand_schema(&input, &schema);
    // In a broken schema a name can be missing because of what is broken; that is reported already.
    if !is_broken {
        errors.extend(problems);
    }
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let tracked = expand_tracked(&tracked);
    quote!(#(#errors)* #module #tracked)
}

/// Returns the schema of the version that is asked for, if one is.
fn tables_at(input: &SchemaInput, set: &MigrationSet) -> syn::Result<Option<Schema>> {
    let Some(at) = &input.at else { return Ok(None) };
    let (written, dir) = (at.value(), input.dir.value());
    match history::at(&set.migrations, &written) {
        Ok(Some(schema)) => Ok(Some(schema)),
        Ok(None) => {
            let help = suggest_version(&set.migrations, &written);
            let message = format!("there is no version `{written}` in `{dir}`\nhelp: {help}");
            Err(syn::Error::new(at.span(), message))
        }
        Err(error) => Err(syn::Error::new(at.span(), run::internal(&error).message)),
    }
}

/// Returns the package that is being compiled.
pub(crate) fn package_dir() -> Option<PathBuf> {
    std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)
}
