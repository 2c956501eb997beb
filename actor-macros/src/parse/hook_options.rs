//! The options of hook attributes.

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, LitBool, LitStr, Token};

use super::options::{self, Opt, Part, Value};
use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{HookOptions, Kind, Mark};

/// Every key that some hook attribute takes.
const KEYS: [&str; 10] = [
    "before",
    "after",
    "timeout",
    "new",
    "from",
    "durability",
    "max",
    "visibility",
    "tries",
    "unchecked",
];

/// Reads the options of one hook attribute.
pub(super) fn parse(
    kind: Kind,
    attribute: &Attribute,
    diagnostics: &mut Diagnostics,
) -> HookOptions {
    let mut parsed = HookOptions::default();
    let mut seen = Vec::new();
    let place = format!("#[{}]", kind.name());
    for part in options::of_attribute(&attribute.meta) {
        match part {
            Part::Stray(tokens) => {
                let directory = syn::parse2::<LitStr>(tokens.clone()).ok();
                let is_first = parsed.directory.is_none() && kind == Kind::Migrate;
                match directory {
                    Some(directory) if is_first => parsed.directory = Some(directory),
                    _ => options::refuse_stray(&tokens, &place, kind.options(), diagnostics),
                }
            }
            Part::Option(opt) if kind.options().contains(&opt.name().as_str()) => {
                let help = match opt.name().as_str() {
                    key @ ("before" | "after") => {
                        format!("write all names in one list: `{key} = (a, b)`")
                    }
                    _ => "remove one".to_owned(),
                };
                options::is_repeated(&opt, &mut seen, &help, diagnostics);
                parse_one(kind, &opt, &mut parsed, diagnostics);
            }
            Part::Option(opt) if KEYS.contains(&opt.name().as_str()) => {
                let reason = why_not_here(kind, &opt.name());
                diagnostics.at(
                    &opt.key,
                    catalogue::option::not_here(opt.name(), &place, reason),
                );
            }
            Part::Option(opt) => options::refuse_unknown(&opt, &place, kind.options(), diagnostics),
        }
    }
    parsed
}

/// Reads one option that is allowed here.
fn parse_one(kind: Kind, opt: &Opt, parsed: &mut HookOptions, diagnostics: &mut Diagnostics) {
    match (kind, opt.name().as_str()) {
        (Kind::DataMigration, "after") => {
            let example = "after = \"2026-11-22-000002\"";
            parsed.version = opt.text("the version of a migration as text", example, diagnostics);
        }
        (_, "from") => {
            parsed.has_from = true;
            parsed.from = opt.state_version(0, diagnostics);
        }
        (_, "timeout") => parsed.timeout = opt.duration(diagnostics),
        (_, "max") => parsed.max = opt.count(diagnostics),
        (_, "tries") => parsed.tries = opt.count(diagnostics),
        (_, "visibility") => parsed.visibility = opt.duration(diagnostics),
        (_, "durability") => parsed.durability = opt.durability(diagnostics),
        (_, "new") => {
            let value = opt.read::<LitBool>("`true` or `false`", "new = true", diagnostics);
            parsed.new = value.is_some_and(|value| value.value);
        }
        (_, "unchecked") => {
            let value = opt.read::<LitBool>("`true` or `false`", "unchecked = true", diagnostics);
            parsed.unchecked = value.is_some_and(|value| value.value);
        }
        (_, key) => {
            let before = key == "before";
            let names = names(opt, diagnostics);
            parsed
                .marks
                .extend(names.into_iter().map(|name| Mark { before, name }));
        }
    }
}

/// Reads the one name, or the list of names, of a `before` or `after`.
fn names(opt: &Opt, diagnostics: &mut Diagnostics) -> Vec<Ident> {
    let key = opt.name();
    let example = format!("{key} = audit` or `{key} = (audit, warm)");
    let wanted = "the name of a hook or a step, or a list of names";
    let Value::Assigned(tokens) = &opt.value else {
        // A list without `=` is the likely slip, so the message for a wrong value covers it; nothing at all has its own.
        let _: Option<Ident> = opt.read(wanted, &example, diagnostics);
        return Vec::new();
    };
    let read = parse_names(tokens.clone());
    match read {
        Some(names) if !names.is_empty() => names,
        _ => {
            if tokens.is_empty() {
                let _: Option<Ident> = opt.read(wanted, &example, diagnostics);
            } else {
                opt.refuse_value(wanted, &example, diagnostics);
            }
            Vec::new()
        }
    }
}

/// Parses `name` or `(name, name)`.
fn parse_names(tokens: TokenStream) -> Option<Vec<Ident>> {
    let one = Ident::parse_any.parse2(tokens.clone());
    if let Ok(name) = one {
        return Some(vec![name]);
    }
    let list = |input: syn::parse::ParseStream<'_>| {
        let content;
        syn::parenthesized!(content in input);
        Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, Ident::parse_any)
    };
    list.parse2(tokens)
        .ok()
        .map(|names| names.into_iter().collect())
}

/// Why a key that other hooks have makes no sense on this one.
fn why_not_here(kind: Kind, key: &str) -> &'static str {
    match (kind, key) {
        (_, "from") => "only a step of the state leads from a version to the next",
        (_, "durability") => {
            "only an action has a reply; what hooks write is as durable as the struct says"
        }
        (_, "unchecked") => "only a data migration has its tables checked",
        (_, "max" | "visibility" | "tries") => "only a queue holds messages",
        (Kind::Queue, _) => "a queue only holds messages; who takes them says how they are handled",
        (Kind::MigrateState, _) => {
            "a step of the state runs in the order of the versions, and does not wait"
        }
        (_, "new") => "only a data migration can skip new actors",
        (Kind::OnError, _) => "it runs behind whatever failed, and there is one only",
        (Kind::OnStateChange, _) => {
            "it runs behind whatever changed the state, and there is one only"
        }
        (Kind::Run, _) => "a background task runs until the actor sleeps or is destroyed",
        (Kind::Action, _) => "actions run when they are called, in the order of the calls",
        (Kind::DataMigration, _) => "a data migration runs right after the version in its `after`",
        _ => "migrations always run first",
    }
}
