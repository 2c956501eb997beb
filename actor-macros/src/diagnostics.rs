//! What the macros say about mistakes: the accumulator, and the catalogue with every message.

pub(crate) mod catalogue;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// One message of the catalogue, filled in.
pub(crate) struct Message(String);

impl Message {
    /// Joins what is wrong and what to do; the second line begins with `help:`.
    pub(crate) fn new(wrong: &str, help: &str) -> Self {
        Self(format!("{wrong}\nhelp: {help}"))
    }

    /// Passes on a message that another part has written in full.
    pub(crate) fn written(text: String) -> Self {
        Self(text)
    }
}

/// Every mistake that one macro call has found so far.
///
/// # Invariants
///
/// 1. It is drained by [`finish`](Diagnostics::finish); dropping it undrained would lose errors, and is a bug of ours.
#[must_use = "the errors inside would be lost"]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
    drained: bool,
}

impl Diagnostics {
    /// Starts with no mistakes.
    pub(crate) fn new() -> Self {
        Self {
            errors: Vec::new(),
            drained: false,
        }
    }

    /// Notes a mistake at the tokens that are wrong.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: Message) {
        self.errors.push(syn::Error::new_spanned(tokens, message.0));
    }

    /// Notes a mistake that `syn` found.
    pub(crate) fn syntax(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Counts the mistakes so far.
    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// Gives the errors as tokens, or `None` when there was no mistake.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        self.drained = true;
        let errors = std::mem::take(&mut self.errors);
        let tokens = errors.iter().map(syn::Error::to_compile_error);
        (!errors.is_empty()).then(|| tokens.collect())
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        // INVARIANT 1: A second panic while the first unwinds would abort the compiler.
        if !self.drained && !std::thread::panicking() {
            unreachable!("the diagnostics were dropped without being drained");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Gives the parts of a template between its arguments.
    fn fixed_parts(template: &str) -> Vec<String> {
        let unescaped = template.replace("{{", "\u{1}").replace("}}", "\u{2}");
        let between = unescaped.split('{').enumerate().map(|(index, part)| {
            let fixed = if index == 0 {
                part
            } else {
                part.split_once('}').map_or("", |p| p.1)
            };
            fixed.replace('\u{1}', "{").replace('\u{2}', "}")
        });
        between.collect()
    }

    /// Whether the parts are in the text, one after the other.
    fn holds_in_order(text: &str, parts: &[String]) -> bool {
        let mut rest = text;
        parts.iter().all(|part| match rest.find(part.as_str()) {
            Some(start) => {
                rest = &rest[start + part.len()..];
                true
            }
            None => false,
        })
    }

    #[test]
    fn every_message_has_its_ui_case() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui-tests/fail");
        let missing: Vec<String> = catalogue::ALL
            .iter()
            .filter(|(theme, name, wrong, help)| {
                let case = cases.join(theme).join(name);
                let shown =
                    std::fs::read_to_string(case.with_extension("stderr")).unwrap_or_default();
                let parts = [
                    fixed_parts(wrong),
                    vec!["help: ".to_owned()],
                    fixed_parts(help),
                ];
                !case.with_extension("rs").exists() || !holds_in_order(&shown, &parts.concat())
            })
            .map(|(theme, name, ..)| format!("{theme}/{name}"))
            .collect();
        assert_eq!(
            missing,
            Vec::<String>::new(),
            "messages without a case in ui-tests/fail"
        );
    }

    #[test]
    fn messages_are_lower_case_without_a_full_stop() {
        for (theme, name, wrong, help) in catalogue::ALL {
            for text in [wrong, help] {
                assert!(!text.ends_with('.'), "{theme}/{name}: {text}");
                assert!(
                    !text.starts_with(char::is_uppercase),
                    "{theme}/{name}: {text}"
                );
            }
        }
    }

    #[test]
    #[should_panic(expected = "dropped without being drained")]
    fn undrained_diagnostics_are_a_bug() {
        drop(Diagnostics::new());
    }

    #[test]
    fn all_errors_come_out() {
        let mut diagnostics = Diagnostics::new();
        diagnostics.at(quote::quote!(a), Message::new("one", "two"));
        diagnostics.at(quote::quote!(b), Message::new("three", "four"));
        assert_eq!(diagnostics.count(), 2);
        let tokens = diagnostics
            .finish()
            .map(|tokens| tokens.to_string())
            .unwrap_or_default();
        assert_eq!(tokens.matches("compile_error").count(), 2);
        assert!(tokens.contains(r"one\nhelp: two"));
        assert!(Diagnostics::new().finish().is_none());
    }
}
