//! What a `#[data_migration]` mentions, held against the tables of its own version.
//!
//! A macro cannot resolve a path, but the compiler can: each block of a step's body gets a function
//! that is never called and probes the paths of that block which may be tables or columns. It sees
//! the imports of the block and the module, as the block's own statements do.

mod mentioned;

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, GenericParam, ImplItem, PatIdent, Path, Stmt, TypeParam, parse_quote};

use self::mentioned::Mentioned;
use crate::migrations::{self, MigrationSet, Schema};
use crate::model::{self, Hook, Kind};
use crate::names;

/// Names that `table!` gives to its own items.
const IN_EACH_TABLE: [&str; 3] = ["table", "star", "all_columns"];

/// Modules of `table!` that a path may go through on its way to a column.
const BETWEEN: [&str; 2] = ["dsl", "columns"];

/// Puts the probes into the steps of a block.
pub(crate) fn guard(block: &mut model::Block, set: &MigrationSet) {
    if block.hooks_of(Kind::DataMigration).next().is_none() {
        return;
    }
    // A directory whose history cannot be read is reported where it is loaded.
    let Ok(history) = migrations::history(&set.migrations) else {
        return;
    };
    let names = known_names(&history);
    let guarded: Vec<_> = block
        .hooks_of(Kind::DataMigration)
        .filter(|hook| !hook.options.unchecked)
        .filter_map(|hook| {
            let written = hook.options.version.as_ref()?.value();
            let index = migrations::position(&set.migrations, &written)?;
            let step = step(block, &set.migrations[index].version, &history[index]);
            Some((hook.method.clone(), guarded(block, hook, &names, &step)))
        })
        .collect();
    for member in &mut block.item.items {
        if let ImplItem::Fn(method) = member
            && let Some((_, body)) = guarded.iter().find(|(written, _)| written == method)
        {
            method.block = body.clone();
        }
    }
}

/// The names in Rust of all tables and columns of all versions.
fn known_names(history: &[Schema]) -> HashSet<String> {
    let tables = history.iter().flat_map(|schema| &schema.tables);
    let mut names: HashSet<String> = IN_EACH_TABLE.map(str::to_owned).into();
    for table in tables {
        names.insert(table.rust_name.clone());
        let columns = table.columns.iter();
        names.extend(columns.map(|column| column.rust_name.clone()));
    }
    names
}

/// Writes the type that stands for a step, and which tables it sees.
fn step(block: &model::Block, version: &str, schema: &Schema) -> (Ident, TokenStream) {
    let (sees, shape) = (block.runtime.item("Sees"), block.runtime.item("Shape"));
    let step = format_ident!("after_{version}");
    let shapes = schema.shapes();
    let tokens = quote! {
        struct #step;
        #(
            #[diagnostic::do_not_recommend]
            impl #sees<#shape<#shapes>> for #step {}
        )*
    };
    (step, tokens)
}

/// Returns the body of a step with its probes.
fn guarded(
    block: &model::Block,
    hook: &Hook,
    names: &HashSet<String>,
    step: &(Ident, TokenStream),
) -> Block {
    let mut bound = Bound::default();
    bound.visit_impl_item_fn(&hook.method);
    for parameter in &block.item.generics.params {
        if let GenericParam::Type(parameter) = parameter {
            bound.0.insert(parameter.ident.unraw().to_string());
        }
    }
    bound.0.insert("Self".to_owned());
    let mut body = hook.method.block.clone();
    let mut guard = Guard {
        block,
        step,
        names,
        bound: &bound.0,
        seen: HashSet::new(),
    };
    guard.visit_block_mut(&mut body);
    body
}

/// The names that a method binds itself, so that they are not those of a column.
#[derive(Default)]
struct Bound(HashSet<String>);

impl<'a> Visit<'a> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        self.0.insert(pattern.ident.unraw().to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_type_param(&mut self, parameter: &'a TypeParam) {
        self.0.insert(parameter.ident.unraw().to_string());
    }
}

/// Puts a function with probes into each block of a body.
struct Guard<'a> {
    block: &'a model::Block,
    step: &'a (Ident, TokenStream),
    names: &'a HashSet<String>,
    bound: &'a HashSet<String>,
    /// What is probed already in the blocks without imports of their own: one mistake is one error.
    seen: HashSet<String>,
}

impl VisitMut for Guard<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let mut mentioned = Mentioned::new(self.names, self.bound);
        for statement in &block.stmts {
            mentioned.visit_stmt(statement);
        }
        let mut own = HashSet::new();
        let seen = if mentioned.imports {
            &mut own
        } else {
            &mut self.seen
        };
        let (mut paths, mut types) = (mentioned.paths, mentioned.types);
        paths.retain(|path| seen.insert(prefix(path)));
        types.retain(|ty| seen.insert(format!("type {}", quote!(#ty))));
        visit_mut::visit_block_mut(self, block);
        if !(paths.is_empty() && types.is_empty()) {
            block.stmts.insert(0, self.probes(&paths, &types));
        }
    }
}

impl Guard<'_> {
    /// Writes the function that probes some paths, and some types that may stand for rows of a
    /// table.
    fn probes(&self, paths: &[Path], types: &[Path]) -> Stmt {
        let runtime = &self.block.runtime;
        let (name, fallback) = (names::local("tables"), runtime.item("NotInSchema"));
        let (step, sees) = self.step;
        // Names without a path come from one import: the compiler reports one error for one place.
        let is_bare = |path: &Path| path.segments.len() == 1;
        let bare = paths.iter().find(|path| is_bare(path));
        let probes = paths.iter().map(|path| {
            let shown = bare.filter(|_| is_bare(path)).unwrap_or(path);
            let place = names::at(shown.span());
            let probe = runtime.item_at("Probe", place);
            let mut step = step.clone();
            step.set_span(step.span().located_at(place));
            quote_spanned!(place=> #probe(&#path).seen_by::<#step>();)
        });
        let rows = types.iter().map(|ty| {
            let place = names::at(ty.span());
            let probe = runtime.item_at("RowProbe", place);
            let mut step = step.clone();
            step.set_span(step.span().located_at(place));
            quote_spanned!(place=> #probe::<#ty>::new().seen_by::<#step>();)
        });
        parse_quote! {
            #[allow(
                dead_code,
                deprecated,
                non_camel_case_types,
                unused_imports,
                unused_qualifications,
                clippy::all,
                clippy::pedantic,
            )]
            fn #name() {
                use #fallback as _;
                #sees
                #(#probes)*
                #(#rows)*
            }
        }
    }
}

/// What comes before the name of a table's column, which is the same for all columns of a table.
fn prefix(path: &Path) -> String {
    let mut segments: Vec<String> = path
        .segments
        .iter()
        .map(|segment| segment.ident.unraw().to_string())
        .collect();
    if segments.len() > 1 {
        segments.pop();
    }
    while segments.len() > 1
        && segments
            .last()
            .is_some_and(|last| BETWEEN.contains(&last.as_str()))
    {
        segments.pop();
    }
    segments.join("::")
}
