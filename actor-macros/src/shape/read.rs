//! Reads a type as serde does: under which names its fields are saved and read, and which may be missing.

use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Field, Fields, LitInt, LitStr, Path, Token, Type};

use super::{Member, Shape};

/// What `#[serde(…)]` says of a type, a variant or a field, as far as it changes what is saved or read.
#[derive(Debug, Default, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of serde's, and they go together in any way"
)]
struct Serde {
    /// The name that is written, and the one that is read.
    names: (Option<String>, Option<String>),
    aliases: Vec<String>,
    /// The rules for names that are written and read.
    rules: (Option<String>, Option<String>),
    field_rules: (Option<String>, Option<String>),
    default: bool,
    /// Whether it is neither read nor saved.
    skip: bool,
    may_skip: bool,
    flatten: bool,
    denies_unknown: bool,
    /// All else that changes how it is saved or read, as it is written.
    ways: Vec<String>,
}

/// Reads a type, and the path of the runtime if one is written.
pub(super) fn shape(input: &DeriveInput) -> syn::Result<(Shape, Option<Path>)> {
    let own = own_options(&input.attrs)?;
    let container = serde(&input.attrs)?;
    let ident = input.ident.unraw().to_string();
    let mut members = Vec::new();
    let kind = match &input.data {
        // What it is saved as is another type, or one that is not known here.
        _ if container.ways.iter().any(|way| is_through(way)) => "other".to_owned(),
        Data::Struct(data) => {
            read_fields(&data.fields, "", &container, &container.rules, &mut members)?;
            form(&data.fields, &container)
        }
        Data::Enum(data) => {
            for variant in &data.variants {
                let written = serde(&variant.attrs)?;
                if written.skip {
                    continue;
                }
                let member = variant_member(variant, &written, &container);
                let mut inner = written.clone();
                let rules = (
                    inner
                        .rules
                        .0
                        .take()
                        .or_else(|| container.field_rules.0.clone()),
                    inner
                        .rules
                        .1
                        .take()
                        .or_else(|| container.field_rules.1.clone()),
                );
                let mut fields = Vec::new();
                if written.ways.is_empty() {
                    read_fields(&variant.fields, "", &Serde::default(), &rules, &mut fields)?;
                }
                for field in fields {
                    members.push(below(&member, field));
                }
                members.push(member);
            }
            "enum".to_owned()
        }
        Data::Union(_) => {
            let message = "a union cannot be saved, so it has no shape";
            return Err(syn::Error::new(input.ident.span(), message));
        }
    };
    let shape = Shape {
        name: own.name.unwrap_or(ident),
        version: own.version,
        kind: with_ways(kind, &container.ways),
        members,
        denies_unknown: container.denies_unknown,
        place: input.ident.span(),
    };
    Ok((shape, own.runtime))
}

/// What `#[state_shape(…)]` says.
struct Own {
    version: i32,
    name: Option<String>,
    runtime: Option<Path>,
}

fn own_options(attributes: &[Attribute]) -> syn::Result<Own> {
    let mut own = Own {
        version: 1,
        name: None,
        runtime: None,
    };
    for attribute in attributes {
        if !attribute.path().is_ident("state_shape") {
            continue;
        }
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("version") {
                let version: LitInt = meta.value()?.parse()?;
                own.version = version.base10_parse()?;
                if own.version < 1 {
                    return Err(syn::Error::new(version.span(), "versions begin with 1"));
                }
            } else if meta.path.is_ident("name") {
                let name: LitStr = meta.value()?.parse()?;
                let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                if name.value().is_empty() || !name.value().chars().all(is_plain) {
                    let message = "the name is that of a file: write letters, digits, `-` and `_`";
                    return Err(syn::Error::new(name.span(), message));
                }
                own.name = Some(name.value());
            } else if meta.path.is_ident("crate") {
                own.runtime = Some(meta.value()?.call(Path::parse_mod_style)?);
            } else {
                return Err(
                    meta.error("`state_shape` has the options `version`, `name` and `crate`")
                );
            }
            Ok(())
        })?;
    }
    Ok(own)
}

/// Reads `#[serde(…)]`. What is wrong with it is told by serde itself.
fn serde(attributes: &[Attribute]) -> syn::Result<Serde> {
    let mut serde = Serde::default();
    for attribute in attributes {
        if attribute.path().is_ident("serde") {
            attribute.parse_nested_meta(|meta| note(&mut serde, &meta))?;
        }
    }
    Ok(serde)
}

/// Notes one option of serde's.
fn note(serde: &mut Serde, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    let name = meta
        .path
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default();
    match name.as_str() {
        "rename" => serde.names = two(meta)?,
        "rename_all" => serde.rules = two(meta)?,
        "rename_all_fields" => serde.field_rules = two(meta)?,
        "alias" => serde.aliases.push(meta.value()?.parse::<LitStr>()?.value()),
        "default" => {
            serde.default = true;
            rest(meta)?;
        }
        "skip" => (serde.skip, serde.may_skip) = (true, true),
        // What is not read needs no saved value, and what is not saved is read as one that is missing.
        "skip_deserializing" => serde.skip = true,
        "skip_serializing" => serde.may_skip = true,
        "skip_serializing_if" => {
            serde.may_skip = true;
            rest(meta)?;
        }
        "flatten" => serde.flatten = true,
        "deny_unknown_fields" => serde.denies_unknown = true,
        "bound" | "crate" | "expecting" | "borrow" | "getter" => {
            rest(meta)?;
        }
        // `tag`, `content`, `untagged`, `other`, `with`, `from` and what comes later: any change of them is one of the shape.
        _ => {
            let written = rest(meta)?;
            serde.ways.push(format!("{name}{written}"));
        }
    }
    Ok(())
}

/// Reads `= "…"`, or `(serialize = "…", deserialize = "…")`.
fn two(meta: &ParseNestedMeta<'_>) -> syn::Result<(Option<String>, Option<String>)> {
    if meta.input.peek(Token![=]) {
        let text = meta.value()?.parse::<LitStr>()?.value();
        return Ok((Some(text.clone()), Some(text)));
    }
    let mut names = (None, None);
    meta.parse_nested_meta(|meta| {
        let text = Some(meta.value()?.parse::<LitStr>()?.value());
        if meta.path.is_ident("serialize") {
            names.0 = text;
        } else {
            names.1 = text;
        }
        Ok(())
    })?;
    Ok(names)
}

/// Takes the value of an option, whatever it is, as it is written.
fn rest(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    if meta.input.peek(Token![=]) {
        let value: syn::Expr = meta.value()?.parse()?;
        return Ok(format!("={}", plain(&value.to_token_stream().to_string())));
    }
    if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        let tokens: proc_macro2::TokenStream = content.parse()?;
        return Ok(format!("({})", plain(&tokens.to_string())));
    }
    Ok(String::new())
}

/// Takes blanks out, so that the layout of the code is no part of a shape. Between two words one stays.
fn plain(text: &str) -> String {
    let mut written = String::new();
    for word in text.split_whitespace() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if written.ends_with(is_word) && word.starts_with(is_word) {
            written.push(' ');
        }
        written.push_str(word);
    }
    written
}

/// Says whether a type is saved as another one.
fn is_through(way: &str) -> bool {
    ["from=", "try_from=", "into=", "remote="]
        .iter()
        .any(|name| way.starts_with(name))
}

/// What the fields of a struct or a variant are saved as.
fn form(fields: &Fields, container: &Serde) -> String {
    match fields {
        Fields::Named(_) if container.ways.iter().any(|way| way == "transparent") => "value",
        Fields::Named(_) => "fields",
        Fields::Unit => "unit",
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => "value",
        Fields::Unnamed(fields) => return format!("tuple({})", fields.unnamed.len()),
    }
    .to_owned()
}

fn with_ways(form: String, ways: &[String]) -> String {
    let mut ways = ways.to_vec();
    ways.sort();
    ways.retain(|way| way != "transparent");
    ways.insert(0, form);
    ways.join(" ")
}

/// Makes the member of a variant.
fn variant_member(variant: &syn::Variant, written: &Serde, container: &Serde) -> Member {
    let ident = variant.ident.unraw().to_string();
    let name = |given: &Option<String>, rule: &Option<String>| {
        given
            .clone()
            .unwrap_or_else(|| of_variant(rule.as_deref(), &ident))
    };
    let mut reads = vec![name(&written.names.1, &container.rules.1)];
    reads.extend(written.aliases.iter().cloned());
    Member {
        path: name(&written.names.0, &container.rules.0),
        reads,
        ty: with_ways(form(&variant.fields, &Serde::default()), &written.ways),
        may_lack: true,
        may_skip: false,
        is_variant: true,
        place: variant.ident.span(),
    }
}

/// Puts a field below its variant.
fn below(variant: &Member, field: Member) -> Member {
    let mut reads = Vec::new();
    for outer in &variant.reads {
        reads.extend(field.reads.iter().map(|inner| format!("{outer}.{inner}")));
    }
    Member {
        path: format!("{}.{}", variant.path, field.path),
        reads,
        ..field
    }
}

/// Reads the fields of a struct or of a variant.
fn read_fields(
    fields: &Fields,
    prefix: &str,
    container: &Serde,
    rules: &(Option<String>, Option<String>),
    members: &mut Vec<Member>,
) -> syn::Result<()> {
    for (index, field) in fields.iter().enumerate() {
        let written = serde(&field.attrs)?;
        if written.skip {
            continue;
        }
        let ident = field
            .ident
            .as_ref()
            .map_or_else(|| index.to_string(), |ident| ident.unraw().to_string());
        let ty = plain(&field.ty.to_token_stream().to_string());
        let name = |given: &Option<String>, rule: &Option<String>| {
            let name = given
                .clone()
                .unwrap_or_else(|| of_field(rule.as_deref(), &ident));
            // A flattened field is saved without its name.
            let name = if written.flatten {
                format!("*{ty}")
            } else {
                name
            };
            format!("{prefix}{name}")
        };
        let mut reads = vec![name(&written.names.1, &rules.1)];
        reads.extend(
            written
                .aliases
                .iter()
                .map(|alias| format!("{prefix}{alias}")),
        );
        let place = field.ident.as_ref().map_or_else(
            || syn::spanned::Spanned::span(&field.ty),
            proc_macro2::Ident::span,
        );
        members.push(Member {
            path: name(&written.names.0, &rules.0),
            reads,
            may_lack: written.default || container.default || is_option(field, &written),
            may_skip: written.may_skip,
            ty: with_ways(ty, &written.ways),
            is_variant: false,
            place,
        });
    }
    Ok(())
}

/// Says whether serde reads a missing field as `None`.
fn is_option(field: &Field, written: &Serde) -> bool {
    let mut ty = &field.ty;
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    written.ways.is_empty() && last.is_some_and(|segment| segment.ident == "Option")
}

/// Writes a field's name by a rule of serde's.
fn of_field(rule: Option<&str>, name: &str) -> String {
    let words = || name.split('_').filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    match rule {
        Some("UPPERCASE" | "SCREAMING_SNAKE_CASE") => name.to_ascii_uppercase(),
        Some("PascalCase") => words().map(capital).collect(),
        Some("camelCase") => {
            let pascal: String = words().map(capital).collect();
            pascal
                .get(..1)
                .map_or_else(String::new, str::to_ascii_lowercase)
                + pascal.get(1..).unwrap_or("")
        }
        Some("kebab-case") => name.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

/// Writes a variant's name by a rule of serde's.
fn of_variant(rule: Option<&str>, name: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in name.char_indices() {
        if index > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    match rule {
        Some("lowercase") => name.to_ascii_lowercase(),
        Some("UPPERCASE") => name.to_ascii_uppercase(),
        Some("camelCase") => {
            name.get(..1)
                .map_or_else(String::new, str::to_ascii_lowercase)
                + name.get(1..).unwrap_or("")
        }
        Some("snake_case") => snake,
        Some("SCREAMING_SNAKE_CASE") => snake.to_ascii_uppercase(),
        Some("kebab-case") => snake.replace('_', "-"),
        Some("SCREAMING-KEBAB-CASE") => snake.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}
