//! `#[derive(Actor)] struct Name { … }`.

use std::ops::RangeInclusive;

use quote::quote;
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Data, DeriveInput, Expr, GenericArgument, GenericParam, Ident, Lit, Meta, Path,
    PathArguments, Type,
};

use super::block::crate_path;
use super::groups;
use super::options::{self, Opt, Part, Value};
use super::signature::written;
use crate::diagnostics::{Diagnostics, Message, catalogue};
use crate::model::{Actor, ActorOptions, Field, SleepAfter, StateVersion};
use crate::names::{self, Runtime};

/// The options of a struct.
pub(crate) const KEYS: [&str; 8] = [
    "name",
    "sleep_after",
    "mailbox",
    "durability",
    "restarts",
    "restart_window",
    "timeouts",
    "crate",
];

/// The time limits in `timeouts(…)`.
const TIMEOUTS: [&str; 11] = [
    "migrate",
    "create_state",
    "on_create",
    "create_vars",
    "on_wake",
    "on_before_start",
    "on_state_change",
    "on_error",
    "on_sleep",
    "on_destroy",
    "action",
];

/// What the options of the struct say.
#[derive(Default)]
struct Written {
    name: Option<syn::LitStr>,
    runtime: Option<Path>,
    options: ActorOptions,
}

/// Reads a struct.
pub(crate) fn parse(mut input: DeriveInput, diagnostics: &mut Diagnostics) -> Actor {
    groups::of_struct(&mut input);
    let written = parse_options(&input.attrs, diagnostics);
    for parameter in &input.generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let lifetime = &parameter.lifetime;
            diagnostics.at(lifetime, catalogue::derive::lifetime(lifetime));
        }
    }
    let Fields {
        state,
        vars,
        version,
    } = parse_fields(&input, diagnostics);
    Actor {
        name: actor_name(&input.ident, written.name.as_ref(), diagnostics),
        ident: input.ident,
        visibility: input.vis,
        generics: input.generics,
        runtime: Runtime::new(written.runtime.as_ref()),
        options: written.options,
        state,
        state_version: version,
        vars,
    }
}

/// Reads every `#[actor(…)]` of the struct.
fn parse_options(attributes: &[Attribute], diagnostics: &mut Diagnostics) -> Written {
    let mut written = Written::default();
    let mut seen = Vec::new();
    let ours = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("actor"));
    for part in ours.flat_map(|attribute| options::of_attribute(&attribute.meta)) {
        match part {
            Part::Option(opt) if KEYS.contains(&opt.name().as_str()) => {
                options::is_repeated(&opt, &mut seen, "remove one", diagnostics);
                parse_one(&opt, &mut written, diagnostics);
            }
            Part::Option(opt) => options::refuse_unknown(&opt, "#[actor]", &KEYS, diagnostics),
            Part::Stray(tokens) => options::refuse_stray(&tokens, "#[actor]", &KEYS, diagnostics),
        }
    }
    written
}

/// Reads one option of the struct.
fn parse_one(opt: &Opt, written: &mut Written, diagnostics: &mut Diagnostics) {
    match opt.name().as_str() {
        "name" => {
            let name = opt.text("a name as text", "name = \"chat-room\"", diagnostics);
            written.name = name.or(written.name.take());
        }
        "sleep_after" => {
            let example = "sleep_after = \"30s\"` or `sleep_after = \"never\"";
            let Some(text) = opt.text("a duration as text", example, diagnostics) else {
                return;
            };
            let if_zero =
                "write \"never\" for an actor that stays awake, or a short time such as \"1ms\"";
            written.options.sleep_after = if text.value() == "never" {
                Some(SleepAfter::Never)
            } else {
                opt.duration_in(&text, if_zero, diagnostics)
                    .map(SleepAfter::Time)
            };
        }
        "mailbox" => {
            let bounds = (1..=1_000_000, "256");
            written.options.mailbox =
                parse_number(opt, bounds, catalogue::derive::mailbox_range, diagnostics);
        }
        "restarts" => {
            let bounds = (0..=1_000, "5");
            written.options.restarts =
                parse_number(opt, bounds, catalogue::derive::restarts_range, diagnostics);
        }
        "restart_window" => written.options.restart_window = opt.duration(diagnostics),
        "durability" => written.options.durability = opt.durability(diagnostics),
        "timeouts" => parse_timeouts(opt, &mut written.options.timeouts, diagnostics),
        _ => written.runtime = crate_path(opt, diagnostics),
    }
}

/// Reads a number within bounds, of which one is shown as an example.
fn parse_number(
    opt: &Opt,
    (range, example): (RangeInclusive<u64>, &str),
    out_of_range: fn(String) -> Message,
    diagnostics: &mut Diagnostics,
) -> Option<Expr> {
    let (wanted, example) = ("a number", format!("{} = {example}", opt.name()));
    let literal: Lit = opt.read(wanted, &example, diagnostics)?;
    let Lit::Int(number) = &literal else {
        opt.refuse_value(wanted, &example, diagnostics);
        return None;
    };
    if !number.suffix().is_empty() {
        opt.refuse_value(wanted, &example, diagnostics);
        return None;
    }
    let value = number.base10_parse::<u64>();
    if value.is_ok_and(|value| range.contains(&value)) {
        return Some(syn::parse_quote!(#number));
    }
    diagnostics.at(number, out_of_range(number.to_string()));
    None
}

/// Reads `timeouts(…)`.
fn parse_timeouts(opt: &Opt, timeouts: &mut Vec<(Ident, u64)>, diagnostics: &mut Diagnostics) {
    let (wanted, example) = (
        "a list of time limits",
        "timeouts(on_wake = \"10s\", action = \"5s\")",
    );
    let Value::Group(tokens) = &opt.value else {
        match &opt.value {
            Value::Assigned(tokens) if !tokens.is_empty() => {
                opt.refuse_value(wanted, example, diagnostics);
            }
            _ => diagnostics.at(
                &opt.key,
                catalogue::option::missing_value(opt.name(), example),
            ),
        }
        return;
    };
    let mut seen = Vec::new();
    for part in options::split(tokens.clone()) {
        match part {
            Part::Option(opt) if TIMEOUTS.contains(&opt.name().as_str()) => {
                let repeated = options::is_repeated(&opt, &mut seen, "remove one", diagnostics);
                if let Some(time) = opt.duration(diagnostics).filter(|_| !repeated) {
                    timeouts.push((opt.key, time));
                }
            }
            Part::Option(opt) => options::refuse_unknown(&opt, "timeouts", &TIMEOUTS, diagnostics),
            Part::Stray(tokens) => {
                options::refuse_stray(&tokens, "timeouts", &TIMEOUTS, diagnostics);
            }
        }
    }
}

/// What the fields say: the first `#[state]`, with its version, and the first `#[vars]`.
#[derive(Default)]
struct Fields {
    state: Option<Field>,
    vars: Option<Field>,
    version: Option<StateVersion>,
}

/// Reads the fields.
fn parse_fields(input: &DeriveInput, diagnostics: &mut Diagnostics) -> Fields {
    let mut found = Fields::default();
    let name = &input.ident;
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            diagnostics.at(data.enum_token, catalogue::derive::not_a_struct(name));
            return found;
        }
        Data::Union(data) => {
            diagnostics.at(data.union_token, catalogue::derive::not_a_struct(name));
            return found;
        }
    };
    let syn::Fields::Named(fields) = fields else {
        if let syn::Fields::Unnamed(fields) = fields {
            diagnostics.at(fields, catalogue::derive::tuple_struct(name));
        }
        return found;
    };
    for field in &fields.named {
        let Some(field_name) = &field.ident else {
            continue;
        };
        let is_state = find_mark(field, "state", diagnostics);
        let is_vars = find_mark(field, "vars", diagnostics);
        let name = field_name.clone();
        match (is_state, is_vars) {
            (Some(_), Some(mark)) => {
                diagnostics.at(mark.path(), catalogue::derive::both_marks(field_name));
            }
            (Some(mark), None) => {
                let ty = state_type(field_name, &field.ty, diagnostics);
                let version = parse_version(mark, diagnostics);
                found.version = found.version.or(version);
                let field = Field { name, ty };
                keep_first(&mut found.state, mark.path(), field, diagnostics);
            }
            (None, Some(mark)) => {
                if !matches!(mark.meta, Meta::Path(_)) {
                    diagnostics.at(&mark.meta, catalogue::derive::mark_options("vars"));
                }
                let ty = field.ty.clone();
                let field = Field { name, ty };
                keep_first(&mut found.vars, mark.path(), field, diagnostics);
            }
            (None, None) => {
                diagnostics.at(field_name, catalogue::derive::unmarked_field(field_name));
            }
        }
    }
    found
}

/// Reads the version in `#[state(version = …)]`.
fn parse_version(mark: &Attribute, diagnostics: &mut Diagnostics) -> Option<StateVersion> {
    const KEYS: [&str; 1] = ["version"];
    let (mut version, mut seen) = (None, Vec::new());
    for part in options::of_attribute(&mark.meta) {
        match part {
            Part::Option(opt) if opt.key == "version" => {
                options::is_repeated(&opt, &mut seen, "remove one", diagnostics);
                version = opt.state_version(1, diagnostics).or(version);
            }
            Part::Option(opt) => options::refuse_unknown(&opt, "#[state]", &KEYS, diagnostics),
            Part::Stray(tokens) => options::refuse_stray(&tokens, "#[state]", &KEYS, diagnostics),
        }
    }
    version
}

/// Finds the mark on a field, and reports another.
fn find_mark<'a>(
    field: &'a syn::Field,
    mark: &str,
    diagnostics: &mut Diagnostics,
) -> Option<&'a Attribute> {
    let mut marks = field
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident(mark));
    let first = marks.next()?;
    for again in marks {
        diagnostics.at(again.path(), catalogue::derive::mark_twice(mark));
    }
    Some(first)
}

/// Keeps the first field with a mark, and reports another.
fn keep_first(kept: &mut Option<Field>, mark: &Path, field: Field, diagnostics: &mut Diagnostics) {
    match kept {
        Some(first) => {
            let mark_name = quote!(#mark).to_string();
            diagnostics.at(mark, catalogue::derive::two_fields(mark_name, &first.name));
        }
        None => *kept = Some(field),
    }
}

/// Finds the `T` in `State<T>`.
fn state_type(field: &Ident, ty: &Type, diagnostics: &mut Diagnostics) -> Type {
    if let Type::Path(path) = ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "State"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let [GenericArgument::Type(inner)] = arguments.args.iter().collect::<Vec<_>>().as_slice()
    {
        return (*inner).clone();
    }
    diagnostics.at(ty, catalogue::derive::state_type(field, written(ty)));
    ty.clone()
}

/// Takes the name that is written, or makes one of the struct's.
fn actor_name(
    ident: &Ident,
    written: Option<&syn::LitStr>,
    diagnostics: &mut Diagnostics,
) -> String {
    let name = written.map_or_else(
        || names::kebab_case(&ident.unraw().to_string()),
        syn::LitStr::value,
    );
    let characters = name
        .bytes()
        .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if !(characters && first && name.len() <= 64) {
        match written {
            Some(written) => {
                diagnostics.at(written, catalogue::derive::name_characters(written.value()));
            }
            None => diagnostics.at(ident, catalogue::derive::default_name(ident)),
        }
    }
    name
}
