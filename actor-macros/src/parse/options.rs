//! The options in an attribute's parentheses: `key`, `key = value` and `key(…)`, separated by commas.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::parse::Parse;
use syn::{Lit, LitInt, LitStr, Meta};

use crate::diagnostics::{Diagnostics, catalogue};
use crate::duration::{self, Problem};
use crate::model::{Durability, StateVersion};
use crate::suggest;

/// One part between commas.
pub(crate) enum Part {
    /// One that begins with a key.
    Option(Opt),
    /// Anything else.
    Stray(TokenStream),
}

/// One option.
pub(crate) struct Opt {
    /// Its name.
    pub(crate) key: Ident,
    /// What follows the name.
    pub(crate) value: Value,
}

/// What follows the name of an option.
pub(crate) enum Value {
    /// Nothing.
    Missing,
    /// `= …`.
    Assigned(TokenStream),
    /// `(…)`.
    Group(TokenStream),
}

impl Opt {
    /// The name as text, without the `r#` of a raw identifier.
    pub(crate) fn name(&self) -> String {
        self.key.unraw().to_string()
    }

    /// The tokens that an error about the value points at.
    fn value_tokens(&self) -> TokenStream {
        match &self.value {
            Value::Missing => self.key.to_token_stream(),
            Value::Assigned(tokens) | Value::Group(tokens) if tokens.is_empty() => {
                self.key.to_token_stream()
            }
            Value::Assigned(tokens) | Value::Group(tokens) => tokens.clone(),
        }
    }

    /// Reads the value after `=`, or says what should stand there.
    pub(crate) fn read<T: Parse>(
        &self,
        wanted: &str,
        example: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<T> {
        match &self.value {
            Value::Assigned(tokens) if !tokens.is_empty() => {
                let value = syn::parse2(tokens.clone()).ok();
                if value.is_none() {
                    self.refuse_value(wanted, example, diagnostics);
                }
                value
            }
            Value::Group(_) => {
                self.refuse_value(wanted, example, diagnostics);
                None
            }
            Value::Missing | Value::Assigned(_) => {
                diagnostics.at(
                    &self.key,
                    catalogue::option::missing_value(self.name(), example),
                );
                None
            }
        }
    }

    /// Says that the value is of the wrong kind.
    pub(crate) fn refuse_value(&self, wanted: &str, example: &str, diagnostics: &mut Diagnostics) {
        diagnostics.at(
            self.value_tokens(),
            catalogue::option::wrong_value(self.name(), wanted, example),
        );
    }

    /// Reads a text.
    pub(crate) fn text(
        &self,
        wanted: &str,
        example: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<LitStr> {
        let literal: Lit = self.read(wanted, example, diagnostics)?;
        if let Lit::Str(text) = literal {
            return Some(text);
        }
        self.refuse_value(wanted, example, diagnostics);
        None
    }

    /// Reads a version of the state.
    pub(crate) fn state_version(
        &self,
        least: i32,
        diagnostics: &mut Diagnostics,
    ) -> Option<StateVersion> {
        let (wanted, example) = ("the number of a version", format!("{} = 2", self.name()));
        let literal: Lit = self.read(wanted, &example, diagnostics)?;
        let Lit::Int(token) = literal else {
            self.refuse_value(wanted, &example, diagnostics);
            return None;
        };
        let number = token.base10_parse::<i32>().ok();
        let number = number.filter(|number| (least..=StateVersion::MAX).contains(number));
        if number.is_none() {
            let message = catalogue::state::version_range(&token, least, StateVersion::MAX);
            diagnostics.at(&token, message);
        }
        number.map(|number| StateVersion { number, token })
    }

    /// Reads a number that is at least one.
    pub(crate) fn count(&self, diagnostics: &mut Diagnostics) -> Option<LitInt> {
        let (wanted, example) = ("a number from 1 on", format!("{} = 100", self.name()));
        let literal: Lit = self.read(wanted, &example, diagnostics)?;
        if let Lit::Int(token) = &literal
            && token.base10_parse::<u32>().is_ok_and(|number| number > 0)
        {
            return Some(token.clone());
        }
        self.refuse_value(wanted, &example, diagnostics);
        None
    }

    /// Reads what replies may rely on.
    pub(crate) fn durability(&self, diagnostics: &mut Diagnostics) -> Option<Durability> {
        let (wanted, example) = (
            "\"synced\" (survives a power cut) or \"process\" (survives the end of the process)",
            "durability = \"process\"",
        );
        let text = self.text(wanted, example, diagnostics)?;
        match text.value().as_str() {
            "synced" => Some(Durability::Synced),
            "process" => Some(Durability::Process),
            _ => {
                self.refuse_value(wanted, example, diagnostics);
                None
            }
        }
    }

    /// Reads a duration, in milliseconds.
    pub(crate) fn duration(&self, diagnostics: &mut Diagnostics) -> Option<u64> {
        let example = format!("{} = \"2s\"", self.name());
        let text = self.text("a duration as text", &example, diagnostics)?;
        self.duration_in(&text, "leave it out for the default", diagnostics)
    }

    /// Reads the duration in a text, in milliseconds.
    pub(crate) fn duration_in(
        &self,
        text: &LitStr,
        if_zero: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<u64> {
        let problem = match duration::parse(&text.value()) {
            Ok(milliseconds) => return Some(milliseconds),
            Err(Problem::Form) => catalogue::option::duration_form(text.value()),
            Err(Problem::Zero) => catalogue::option::duration_zero(self.name(), if_zero),
            Err(Problem::TooLong) => catalogue::option::duration_too_long(self.name()),
        };
        diagnostics.at(text, problem);
        None
    }
}

/// Says that a key is given for the second time, if it is, and notes it.
pub(crate) fn is_repeated(
    opt: &Opt,
    seen: &mut Vec<String>,
    help: &str,
    diagnostics: &mut Diagnostics,
) -> bool {
    let repeated = seen.contains(&opt.name());
    if repeated {
        diagnostics.at(&opt.key, catalogue::option::twice(opt.name(), help));
    }
    seen.push(opt.name());
    repeated
}

/// Says that a part is not an option.
pub(crate) fn refuse_stray(
    stray: &TokenStream,
    place: &str,
    allowed: &[&str],
    diagnostics: &mut Diagnostics,
) {
    diagnostics.at(
        stray,
        catalogue::option::not_an_option(place, suggest::list(allowed)),
    );
}

/// Says that a key is unknown, with the nearest that is allowed.
pub(crate) fn refuse_unknown(
    opt: &Opt,
    place: &str,
    allowed: &[&str],
    diagnostics: &mut Diagnostics,
) {
    let takes = format!("`{place}` takes {}", suggest::list(allowed));
    let help = suggest::did_you_mean(&opt.name(), allowed, takes);
    diagnostics.at(&opt.key, catalogue::option::unknown(opt.name(), help));
}

/// Splits the options of an attribute.
pub(crate) fn of_attribute(meta: &Meta) -> Vec<Part> {
    match meta {
        Meta::Path(_) => Vec::new(),
        Meta::List(list) => split(list.tokens.clone()),
        Meta::NameValue(pair) => vec![Part::Stray(pair.value.to_token_stream())],
    }
}

/// Splits options at their commas.
pub(crate) fn split(tokens: TokenStream) -> Vec<Part> {
    let mut pieces = vec![Vec::new()];
    for token in tokens {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => pieces.push(Vec::new()),
            token => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(token);
                }
            }
        }
    }
    pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .map(part)
        .collect()
}

/// Reads what stands between two commas.
fn part(piece: Vec<TokenTree>) -> Part {
    let value = match piece.as_slice() {
        [TokenTree::Ident(_)] => Value::Missing,
        [TokenTree::Ident(_), TokenTree::Group(group)] => Value::Group(group.stream()),
        [TokenTree::Ident(_), TokenTree::Punct(equals), rest @ ..] if equals.as_char() == '=' => {
            Value::Assigned(rest.iter().cloned().collect())
        }
        _ => return Part::Stray(piece.into_iter().collect()),
    };
    match piece.into_iter().next() {
        Some(TokenTree::Ident(key)) => Part::Option(Opt { key, value }),
        other => Part::Stray(other.into_iter().collect()),
    }
}
