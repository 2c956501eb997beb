//! `#[derive(StateShape)]`: a change of a saved state that its actors could not read is an error while compiling.
//!
//! The derive reads the fields as serde does ([`read`]), and holds them against the lock of the type ([`lock`]), a file of
//! its own, `shapes/Cart.lock`: two compilers of one package never write the same one.

mod lock;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::DeriveInput;
use syn::ext::IdentExt as _;

use crate::lockfile::{self, LockMode, VARIABLE};
use crate::migrations;
use crate::names::Runtime;

/// Where the locks are, relative to the package.
const DIR: &str = "shapes";

/// What is wrong, and where.
#[derive(Debug)]
struct Fault {
    place: Span,
    message: String,
}

impl Fault {
    fn new(place: Span, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

/// Something that is saved: a field, a variant, or a field of a variant.
#[derive(Debug, Clone)]
struct Member {
    /// Its name as it is saved; behind that of its variant, if it has one.
    path: String,
    /// The names that it is read by.
    reads: Vec<String>,
    /// Its type, as it is written.
    ty: String,
    /// Whether it may be missing when it is read.
    may_lack: bool,
    /// Whether it may be missing in what is saved.
    may_skip: bool,
    /// Whether it is a variant: the saved value has one of these.
    is_variant: bool,
    place: Span,
}

/// What a type is saved as.
#[derive(Debug)]
struct Shape {
    name: String,
    version: i32,
    /// What is common to all members: a struct or an enum, and how serde tags it.
    kind: String,
    members: Vec<Member>,
    /// Whether a field that the type does not know is an error.
    denies_unknown: bool,
    place: Span,
}

/// Expands the derive.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Vec::new();
    let (shape, runtime) = match read::shape(input) {
        Ok(read) => read,
        Err(error) => {
            errors.push(error);
            let shape = Shape {
                name: input.ident.unraw().to_string(),
                version: 1,
                kind: String::new(),
                members: Vec::new(),
                denies_unknown: false,
                place: input.ident.span(),
            };
            (shape, None)
        }
    };
    let mut tracked = Vec::new();
    if errors.is_empty()
        && let Some(package_dir) = migrations::package_dir()
    {
        let mode = lockfile::mode(&package_dir).unwrap_or_else(|other| {
            let message = format!(
                "`{VARIABLE}` is set to `{other}`\nhelp: set it to `check` or `update`, or do not set it"
            );
            errors.push(syn::Error::new(shape.place, message));
            LockMode::Hold
        });
        let faults = check(&shape, &package_dir, mode);
        errors.extend(
            faults
                .into_iter()
                .map(|fault| syn::Error::new(fault.place, fault.message)),
        );
        let path = lock_path(&package_dir, &shape.name);
        tracked.extend(path.exists().then_some(path));
    }
    let errors = errors.iter().map(syn::Error::to_compile_error);
    let tracked = migrations::expand_tracked(&tracked);
    let item = Runtime::new(runtime.as_ref()).item("StateShape");
    let (ident, version) = (&input.ident, shape.version);
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    quote! {
        #(#errors)*
        #[automatically_derived]
        impl #parameters #item for #ident #arguments #bounds {
            const VERSION: i32 = #version;
        }
        #tracked
    }
}

/// The lock of a type.
fn lock_path(package_dir: &Path, name: &str) -> std::path::PathBuf {
    package_dir.join(DIR).join(format!("{name}.lock"))
}

/// Holds a shape against its lock, and writes the lock in the modes that do.
fn check(shape: &Shape, package_dir: &Path, mode: LockMode) -> Vec<Fault> {
    let path = lock_path(package_dir, &shape.name);
    let shown = format!("{DIR}/{}.lock", shape.name);
    let at = |message: String| vec![Fault::new(shape.place, message)];
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.replace("\r\n", "\n"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return at(format!("cannot read the lock `{shown}`: {error}")),
    };
    let mut lock = match lock::Lock::parse(&text) {
        Ok(lock) => lock,
        Err(_) if mode == LockMode::Update => lock::Lock::default(),
        Err(line) => {
            return at(format!(
                "line {line} of the lock `{shown}` cannot be read\nhelp: restore the file, or lock the shape as it is with `{}`",
                lockfile::UPDATE
            ));
        }
    };
    if mode != LockMode::Update {
        let faults = lock.compare(shape, &shown);
        if !faults.is_empty() {
            return faults;
        }
    }
    lock.extend(shape, mode == LockMode::Update);
    let content = lock.render(shape);
    if content == text {
        return Vec::new();
    }
    if mode == LockMode::Check {
        return at(format!(
            "the shape of `{}` is not in the lock `{shown}`\nhelp: lock it with `{}` and commit the lock",
            shape.name,
            lockfile::UPDATE
        ));
    }
    if !mode.writes() {
        return Vec::new();
    }
    let written = std::fs::create_dir_all(package_dir.join(DIR))
        .and_then(|()| lockfile::write(&path, &content, std::iter::empty()));
    match written {
        Err(error) if mode == LockMode::Update => at(format!(
            "cannot write the lock `{shown}`: {error}\nhelp: make its directory writable"
        )),
        _ => Vec::new(),
    }
}
