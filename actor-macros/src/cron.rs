//! `cron!`: a cron expression that is checked while compiling.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, ExprLit, Lit, LitStr, Path, Token};

/// How the macro is called.
const FORM: &str = "`cron!` takes an expression and a time zone, both as literals: `cron!(\"0 9 * * 1-5\", \"Europe/Berlin\")`";

/// What the macro in `actor-core` passes on: its own path, and what the user wrote.
struct Input {
    runtime: Path,
    expression: LitStr,
    zone: LitStr,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let runtime = input.parse()?;
        input.parse::<Token![;]>()?;
        let expression = literal(input)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        let zone = literal(input)?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error(FORM));
        }
        Ok(Self {
            runtime,
            expression,
            zone,
        })
    }
}

/// Reads a literal, also one that another macro passes on.
fn literal(input: ParseStream<'_>) -> syn::Result<LitStr> {
    if input.is_empty() {
        return Err(input.error(FORM));
    }
    let mut expression: Expr = input.parse()?;
    while let Expr::Group(group) = expression {
        expression = *group.expr;
    }
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text),
        other => {
            let help =
                "help: what is known only at run time is checked then, by `Cron::new` or `cx.cron`";
            Err(syn::Error::new_spanned(other, format!("{FORM}\n{help}")))
        }
    }
}

/// Expands the macro: a checked value, or what is wrong with each of its literals.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let Input {
        runtime,
        expression,
        zone,
    } = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let checks = [
        (
            &expression,
            actor_cron::check_expression(&expression.value()),
        ),
        (&zone, actor_cron::check_zone(&zone.value())),
    ];
    let errors: Vec<_> = checks
        .into_iter()
        .filter_map(|(literal, result)| Some((literal, result.err()?)))
        .map(|(literal, reason)| syn::Error::new(literal.span(), reason).to_compile_error())
        .collect();
    // The value is there all the same, so that nothing else is wrong where it is used.
    quote!({ #(#errors)* #runtime::__private::checked_cron(#expression, #zone) })
}
