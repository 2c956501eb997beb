//! `#[actor] impl Name { … }`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Attribute, Ident, ImplItem, ImplItemFn, ItemImpl, Path, PathArguments, Type};

use super::options::{self, Opt, Part};
use super::{groups, hook_options, signature};
use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Block, Hook, Kind};
use crate::names::{self, Runtime};
use crate::suggest;

/// Attributes of the language and its tools: they are never a misspelt hook.
const KNOWN_ELSEWHERE: [&str; 16] = [
    "allow",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "ignore",
    "inline",
    "must_use",
    "test",
    "track_caller",
    "warn",
    "bench",
];

/// Reads a block. Its helper attributes are taken off first, so that it can be written again whatever else is wrong.
pub(crate) fn parse(
    arguments: TokenStream,
    mut item: ItemImpl,
    diagnostics: &mut Diagnostics,
) -> Block {
    groups::of_block(&mut item);
    let written = parse_options(groups::of_tokens(arguments), diagnostics);
    let runtime = Runtime::new(written.as_ref());
    take_second_actor(&mut item, diagnostics);
    let mut hooks = Vec::new();
    for member in &mut item.items {
        match member {
            ImplItem::Fn(method) => {
                let attributes = take_attributes(&mut method.attrs, written.as_ref(), diagnostics);
                if let Some(attribute) = only_hook(attributes, &method.sig.ident, diagnostics) {
                    hooks.push(parse_hook(hooks.len(), &attribute, method, diagnostics));
                }
            }
            ImplItem::Const(member) => {
                refuse_member(&mut member.attrs, written.as_ref(), diagnostics);
            }
            ImplItem::Type(member) => {
                refuse_member(&mut member.attrs, written.as_ref(), diagnostics);
            }
            ImplItem::Macro(member) => {
                refuse_member(&mut member.attrs, written.as_ref(), diagnostics);
            }
            _ => {}
        }
    }
    take_twins(&mut item, &mut hooks, diagnostics);
    take_queues(&mut item, &hooks);
    Block {
        handle: handle_type(&item.self_ty),
        item,
        runtime,
        hooks,
    }
}

/// Takes the second of two methods with one name off the block, if one of them is marked: what is generated for both would be an
/// error each time that it is mentioned.
fn take_twins(item: &mut ItemImpl, hooks: &mut Vec<Hook>, diagnostics: &mut Diagnostics) {
    let mut firsts: Vec<(Ident, Vec<Attribute>)> = Vec::new();
    item.items.retain(|member| {
        let ImplItem::Fn(method) = member else {
            return true;
        };
        let name = method.sig.ident.unraw();
        // With `cfg`, one of two may be there.
        let cfgs = carried(method, &["cfg"]);
        let is_marked = hooks.iter().any(|hook| hook.name.unraw() == name);
        let twin = firsts
            .iter()
            .any(|(first, of_first)| *first == name && (cfgs.is_empty() || cfgs == *of_first));
        if !(is_marked && twin) {
            firsts.push((name, cfgs));
            return true;
        }
        diagnostics.at(&method.sig.ident, catalogue::name::twice(&name));
        let second = hooks.iter().rposition(|hook| hook.method == *method);
        if let Some(second) = second
            && hooks
                .iter()
                .filter(|hook| hook.name.unraw() == name)
                .count()
                > 1
        {
            hooks.remove(second);
        }
        false
    });
}

/// The attributes of a method with one of some names.
fn carried(method: &ImplItemFn, names: &[&str]) -> Vec<Attribute> {
    let attributes = method.attrs.iter();
    attributes
        .filter(|attribute| names.iter().any(|name| attribute.path().is_ident(name)))
        .cloned()
        .collect()
}

/// Takes the queues off the block: their functions only say what they hold, and would not compile.
fn take_queues(item: &mut ItemImpl, hooks: &[Hook]) {
    item.items.retain(|member| {
        let ImplItem::Fn(method) = member else {
            return true;
        };
        let mut queues = hooks.iter().filter(|hook| hook.kind == Kind::Queue);
        !queues.any(|queue| queue.method == *method)
    });
}

/// Reads the options of `#[actor]` on a block.
fn parse_options(arguments: TokenStream, diagnostics: &mut Diagnostics) -> Option<Path> {
    let mut path = None;
    let mut seen = Vec::new();
    for part in options::split(arguments) {
        match part {
            Part::Option(opt) if opt.key == "crate" => {
                options::is_repeated(&opt, &mut seen, "remove one", diagnostics);
                path = crate_path(&opt, diagnostics).or(path);
            }
            Part::Option(opt) if super::actor::KEYS.contains(&opt.name().as_str()) => {
                let reason = "it belongs on the struct, below `#[derive(Actor)]`";
                let place = "#[actor] impl";
                diagnostics.at(
                    &opt.key,
                    catalogue::option::not_here(opt.name(), place, reason),
                );
            }
            Part::Option(opt) => options::refuse_unknown(&opt, "#[actor]", &["crate"], diagnostics),
            Part::Stray(tokens) => {
                options::refuse_stray(&tokens, "#[actor]", &["crate"], diagnostics);
            }
        }
    }
    path
}

/// Reads the path in `crate = …`.
pub(crate) fn crate_path(opt: &Opt, diagnostics: &mut Diagnostics) -> Option<Path> {
    opt.read(
        "the path of `actor_core`",
        "crate = ::actor_core",
        diagnostics,
    )
}

/// Takes off a second `#[actor]`, which would run the macro once more on the same block.
fn take_second_actor(item: &mut ItemImpl, diagnostics: &mut Diagnostics) {
    item.attrs.retain(|attribute| {
        let is_actor = attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "actor");
        if is_actor {
            diagnostics.at(attribute.path(), catalogue::attribute::actor_twice());
        }
        !is_actor
    });
}

/// Takes the hook attributes off a member, and the misspelt ones, which are reported.
fn take_attributes(
    attributes: &mut Vec<Attribute>,
    runtime: Option<&Path>,
    diagnostics: &mut Diagnostics,
) -> Vec<(Kind, Attribute)> {
    let mut taken = Vec::new();
    attributes.retain(|attribute| {
        if let Some(kind) = hook_kind(attribute.path(), runtime) {
            taken.push((kind, attribute.clone()));
            return false;
        }
        match misspelt(attribute.path()) {
            Some((written, nearest)) => {
                diagnostics.at(
                    attribute.path(),
                    catalogue::attribute::unknown_hook(written, nearest),
                );
                false
            }
            None => true,
        }
    });
    taken
}

/// Finds the kind of hook that an attribute's path names: `on_wake`, or `actor_core::on_wake`.
fn hook_kind(path: &Path, runtime: Option<&Path>) -> Option<Kind> {
    let segments: Vec<String> = path
        .segments
        .iter()
        .map(|segment| segment.ident.unraw().to_string())
        .collect();
    let (last, qualifier) = segments.split_last()?;
    let ours: Vec<String> = runtime.map_or_else(
        || vec!["actor_core".to_owned()],
        |path| {
            path.segments
                .iter()
                .map(|segment| segment.ident.unraw().to_string())
                .collect()
        },
    );
    Kind::named(last).filter(|_| qualifier.is_empty() || qualifier == ours)
}

/// Finds the hook attribute that an unknown one was likely meant to be.
fn misspelt(path: &Path) -> Option<(String, &'static str)> {
    let written = path.get_ident()?.to_string();
    if KNOWN_ELSEWHERE.contains(&written.as_str()) {
        return None;
    }
    let hooks = Kind::ALL.map(Kind::name);
    let nearest = suggest::nearest(&written, &hooks)?;
    Some((written, nearest))
}

/// Reports the hook attributes on a member that is not a method.
fn refuse_member(
    attributes: &mut Vec<Attribute>,
    runtime: Option<&Path>,
    diagnostics: &mut Diagnostics,
) {
    for (kind, attribute) in take_attributes(attributes, runtime, diagnostics) {
        diagnostics.at(
            attribute.path(),
            catalogue::attribute::not_on_method(kind.name()),
        );
    }
}

/// Reports all hook attributes of a method but the first, which is the one that counts.
fn only_hook(
    attributes: Vec<(Kind, Attribute)>,
    name: &Ident,
    diagnostics: &mut Diagnostics,
) -> Option<(Kind, Attribute)> {
    let mut attributes = attributes.into_iter();
    let first = attributes.next()?;
    for (kind, attribute) in attributes {
        let message = if kind == first.0 {
            catalogue::attribute::hook_twice(kind.name(), name)
        } else {
            catalogue::attribute::two_hooks(name, first.0.name(), kind.name())
        };
        diagnostics.at(attribute.path(), message);
    }
    Some(first)
}

/// Reads one annotated method.
fn parse_hook(
    index: usize,
    (kind, attribute): &(Kind, Attribute),
    method: &ImplItemFn,
    diagnostics: &mut Diagnostics,
) -> Hook {
    Hook {
        // A block with four thousand million methods does not fit in a compiler.
        id: u32::try_from(index).unwrap_or(u32::MAX),
        kind: *kind,
        attribute: attribute.path().clone(),
        name: method.sig.ident.clone(),
        cfgs: carried(method, &["cfg"]),
        docs: carried(method, &["doc", "deprecated"]),
        visibility: method.vis.clone(),
        options: hook_options::parse(*kind, attribute, diagnostics),
        signature: signature::parse(*kind, &method.sig),
        method: method.clone(),
        callable: true,
    }
}

/// Names the handle of the actor that a block is for: `chat::Room<T>` has the handle `chat::RoomHandle<T>`.
fn handle_type(actor: &Type) -> Type {
    let mut handle = actor.clone();
    if let Type::Path(path) = &mut handle
        && let Some(last) = path.path.segments.last_mut()
    {
        last.ident = names::handle(&last.ident);
    }
    handle
}

/// The name of the type that a block is for, without its arguments, for messages.
pub(crate) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            let mut path = path.path.clone();
            for segment in &mut path.segments {
                segment.arguments = PathArguments::None;
            }
            quote!(#path).to_string().replace(' ', "")
        }
        _ => "Name".to_owned(),
    }
}
