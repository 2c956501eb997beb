//! The half of an actor that was forgotten: its derive, or the `#[actor]` of its block.
//!
//! An actor is two items, and a macro sees one of them. Where the other lacks its macro, whatever
//! names the actor would be an error of its own, and none would be the mistake. So the source file
//! is read then: what stands in the same scope is the other half for certain.

use std::path::Path;

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, DeriveInput, File, ImplItem, Item, ItemImpl, ItemMod, Stmt, Type};

use crate::model::Kind;

/// The attributes that are known to add no derive. What is behind another is not known.
const PLAIN: [&str; 9] = [
    "allow",
    "deny",
    "derive",
    "doc",
    "expect",
    "must_use",
    "non_exhaustive",
    "repr",
    "warn",
];

/// The derives that are known not to be that of an actor under another name.
const OTHER_DERIVES: [&str; 12] = [
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Deserialize",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Serialize",
    "StateShape",
];

/// What one scope has for one name.
#[derive(Default)]
struct Scope {
    structs: Vec<DeriveInput>,
    /// The blocks that have `#[actor]`.
    marked: Vec<ItemImpl>,
    /// The blocks that have hooks, and no attribute that could stand for `#[actor]`.
    unmarked: Vec<ItemImpl>,
}

/// Finds the struct in whose scope there is a block with `#[actor]`, and which is no actor.
pub(crate) fn without_derive(file: Option<&Path>, name: &str) -> Option<DeriveInput> {
    let mut scopes = scopes(&read(file?)?, name);
    scopes.retain(|scope| !scope.marked.is_empty());
    let lacks = |scope: &Scope| match &*scope.structs {
        [one] => has_no_derive(one),
        _ => false,
    };
    // With several of one name it is not known which of them is asked for.
    if scopes.len() != 1 || !lacks(&scopes[0]) {
        return None;
    }
    scopes.pop()?.structs.pop()
}

/// The block around a hook, where it lacks its `#[actor]`.
pub(crate) struct Unmarked {
    /// The block, if its struct is an actor for certain.
    pub(crate) block: Option<ItemImpl>,
    /// Whether the hook is the first of the block.
    pub(crate) is_first: bool,
}

/// Finds the block without `#[actor]` that has the hook `method`.
pub(crate) fn around(file: Option<&Path>, method: &str) -> Option<Unmarked> {
    let file = read(file?)?;
    let mut blocks = Blocks(Vec::new());
    blocks.visit_file(&file);
    let mut blocks = blocks.0;
    blocks.retain(|block| hooks(block).any(|hook| hook == method));
    let [block] = &*blocks else { return None };
    let is_first = hooks(block).next().is_some_and(|hook| hook == method);
    let name = name_of(block)?;
    let scopes = scopes(&file, &name);
    let is_actor = scopes.iter().any(|scope| {
        let derived = |one: &DeriveInput| derives(one).is_some_and(|all| has(&all, "Actor"));
        matches!(&*scope.structs, [one] if derived(one))
            && scope.unmarked.len() == 1
            && scope.marked.is_empty()
    });
    Some(Unmarked {
        block: (is_actor && scopes.len() == 1).then(|| block.clone()),
        is_first,
    })
}

/// Reads a source file. What cannot be read tells nothing.
fn read(file: &Path) -> Option<File> {
    syn::parse_file(&std::fs::read_to_string(file).ok()?).ok()
}

/// The scopes of a file that have something of a name.
fn scopes(file: &File, name: &str) -> Vec<Scope> {
    let mut finder = Finder {
        name,
        scopes: Vec::new(),
    };
    finder.visit_file(file);
    finder.scopes
}

/// Whether a struct has no derive that could be that of an actor.
fn has_no_derive(one: &DeriveInput) -> bool {
    let is_plain = |attribute: &Attribute| {
        PLAIN.iter().any(|name| attribute.path().is_ident(name))
            || attribute.path().is_ident("actor")
    };
    let others = derives(one).is_some_and(|all| {
        all.iter()
            .all(|name| OTHER_DERIVES.contains(&name.as_str()))
    });
    others && one.attrs.iter().all(is_plain)
}

/// The last names of the derives of a struct, if they can be read.
fn derives(one: &DeriveInput) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let derives = one.attrs.iter().filter(|it| it.path().is_ident("derive"));
    for derive in derives {
        let paths = derive
            .parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated)
            .ok()?;
        names.extend(paths.iter().filter_map(last));
    }
    Some(names)
}

/// Whether a name is among others.
fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|one| one == name)
}

/// The last name of a path.
fn last(path: &syn::Path) -> Option<String> {
    path.segments.last().map(|last| last.ident.to_string())
}

/// The name of the type that a block is of, if it is a plain name and no trait's block.
fn name_of(block: &ItemImpl) -> Option<String> {
    match &*block.self_ty {
        Type::Path(path) if path.qself.is_none() && block.trait_.is_none() => {
            (path.path.segments.len() == 1).then(|| last(&path.path))?
        }
        _ => None,
    }
}

/// The names of the methods of a block that are marked as hooks.
fn hooks(block: &ItemImpl) -> impl Iterator<Item = String> {
    let is_hook = |attribute: &Attribute| {
        last(attribute.path()).is_some_and(|name| Kind::named(&name).is_some())
    };
    block.items.iter().filter_map(move |item| match item {
        ImplItem::Fn(method) if method.attrs.iter().any(is_hook) => {
            Some(method.sig.ident.to_string())
        }
        _ => None,
    })
}

/// Whether a block has `#[actor]`.
fn is_marked(block: &ItemImpl) -> bool {
    let of = |attribute: &Attribute| last(attribute.path()).is_some_and(|name| name == "actor");
    block.attrs.iter().any(of)
}

/// Whether a block has hooks, and only attributes that do not change it.
fn is_unmarked(block: &ItemImpl) -> bool {
    let is_plain = |attribute: &Attribute| PLAIN.iter().any(|name| attribute.path().is_ident(name));
    block.attrs.iter().all(is_plain) && hooks(block).next().is_some()
}

/// Collects the blocks that lack `#[actor]`.
struct Blocks(Vec<ItemImpl>);

impl<'a> Visit<'a> for Blocks {
    fn visit_item_impl(&mut self, block: &'a ItemImpl) {
        if is_unmarked(block) {
            self.0.push(block.clone());
        }
        visit::visit_item_impl(self, block);
    }
}

/// Collects the scopes with something of a name.
struct Finder<'n> {
    name: &'n str,
    scopes: Vec<Scope>,
}

impl Finder<'_> {
    /// Notes what one scope has.
    fn scope<'a>(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut scope = Scope::default();
        for item in items {
            match item {
                Item::Struct(one) if one.ident == self.name => {
                    scope.structs.push(DeriveInput::from(one.clone()));
                }
                Item::Impl(block) if name_of(block).as_deref() == Some(self.name) => {
                    if is_marked(block) {
                        scope.marked.push(block.clone());
                    } else if is_unmarked(block) {
                        scope.unmarked.push(block.clone());
                    }
                }
                _ => {}
            }
        }
        if !(scope.structs.is_empty() && scope.marked.is_empty() && scope.unmarked.is_empty()) {
            self.scopes.push(scope);
        }
    }
}

impl<'a> Visit<'a> for Finder<'_> {
    fn visit_file(&mut self, file: &'a File) {
        self.scope(file.items.iter());
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if let Some((_, items)) = &module.content {
            self.scope(items.iter());
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.scope(block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        }));
        visit::visit_block(self, block);
    }
}

#[cfg(test)]
#[path = "halves/tests.rs"]
mod tests;
