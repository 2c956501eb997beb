//! The rule for the database of a `#[data_migration]`: it stays in the step.
//!
//! What the step mentions is held against the tables of its version. A function elsewhere is not
//! seen, and was likely written for the newest tables, so it does not get the connection.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, Item, Local, Pat, Stmt};

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Hook, Kind};

/// The methods of Diesel that run a query, whose tables are mentioned where it is built.
const QUERIES: [&str; 7] = [
    "execute",
    "first",
    "get_result",
    "get_results",
    "load",
    "load_iter",
    "save_changes",
];

/// The functions of Diesel with which a query begins, as they are called where they are imported.
const BEGINNINGS: [&str; 8] = [
    "delete",
    "insert_into",
    "insert_or_ignore_into",
    "replace_into",
    "select",
    "sql_query",
    "update",
    "values",
];

/// The methods that lend the connection to a closure.
const LENDERS: [&str; 4] = [
    "blocking",
    "exclusive_transaction",
    "immediate_transaction",
    "transaction",
];

/// The database of a step is not passed to a function that is not a part of it.
pub(super) fn check_database(hook: &Hook, diagnostics: &mut Diagnostics) {
    if hook.kind != Kind::DataMigration || hook.options.unchecked {
        return;
    }
    let context = hook.signature.context.as_ref();
    let Some(context) = context.and_then(|context| context.name.as_ref()) else {
        return;
    };
    let mut inner = Inner::default();
    inner.visit_block(&hook.method.block);
    let mut leaves = Leaves {
        step: &hook.name,
        databases: HashSet::from([context.unraw().to_string()]),
        inner: inner.0,
        made: HashMap::new(),
        diagnostics,
    };
    leaves.visit_block(&hook.method.block);
}

/// The functions inside of a step, whose bodies are held against its tables too.
#[derive(Default)]
struct Inner(HashSet<String>);

impl<'a> Visit<'a> for Inner {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Stmt::Item(Item::Fn(function)) = statement {
            self.0.insert(function.sig.ident.unraw().to_string());
        }
        if let Stmt::Local(Local {
            pat: Pat::Ident(name),
            init: Some(init),
            ..
        }) = statement
            && matches!(&*init.expr, Expr::Closure(_))
        {
            self.0.insert(name.ident.unraw().to_string());
        }
        visit::visit_stmt(self, statement);
    }
}

/// Looks for calls that get the context or the connection.
struct Leaves<'a, 'd> {
    step: &'a Ident,
    /// The names of the context and of variables with the connection.
    databases: HashSet<String>,
    inner: HashSet<String>,
    /// The variables with what a function elsewhere made, which may be a query.
    made: HashMap<String, String>,
    diagnostics: &'d mut Diagnostics,
}

impl Leaves<'_, '_> {
    /// Whether an expression is the context or the connection.
    fn is_database(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.databases.contains(&name.unraw().to_string())),
            Expr::Reference(reference) => self.is_database(&reference.expr),
            Expr::Unary(unary) => self.is_database(&unary.expr),
            Expr::Paren(paren) => self.is_database(&paren.expr),
            Expr::Group(group) => self.is_database(&group.expr),
            Expr::MethodCall(call) => call.method == "db" && self.is_database(&call.receiver),
            _ => false,
        }
    }

    /// Finds the function elsewhere in which an expression begins, through the methods that are
    /// called on what it returns.
    fn maker(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::MethodCall(call) => self.maker(&call.receiver),
            Expr::Paren(paren) => self.maker(&paren.expr),
            Expr::Group(group) => self.maker(&group.expr),
            Expr::Try(tried) => self.maker(&tried.expr),
            Expr::Path(path) => {
                let name = path.path.get_ident()?.unraw().to_string();
                self.made.get(&name).cloned()
            }
            Expr::Call(call) => {
                let Expr::Path(callee) = &*call.func else {
                    return None;
                };
                let (first, last) = (callee.path.segments.first()?, callee.path.segments.last()?);
                let last = last.ident.unraw().to_string();
                let is_known = first.ident == "diesel"
                    || BEGINNINGS.contains(&last.as_str())
                    || self.inner.contains(&last);
                (!is_known).then(|| written(&call.func))
            }
            _ => None,
        }
    }

    /// Notes that a function elsewhere works on the database.
    fn report(&mut self, place: impl ToTokens, callee: impl Display) {
        let message = catalogue::migrate::database_leaves(self.step.unraw(), callee);
        self.diagnostics.at(place, message);
    }

    /// Notes that the parameters of a closure are the connection.
    fn lend(&mut self, closure: &ExprClosure) {
        for input in &closure.inputs {
            let input = match input {
                Pat::Type(typed) => &*typed.pat,
                input => input,
            };
            if let Pat::Ident(name) = input {
                self.databases.insert(name.ident.unraw().to_string());
            }
        }
    }
}

impl<'a> Visit<'a> for Leaves<'_, '_> {
    fn visit_local(&mut self, local: &'a Local) {
        let pat = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        if let (Pat::Ident(name), Some(init)) = (pat, &local.init)
            && self.is_database(&init.expr)
        {
            self.databases.insert(name.ident.unraw().to_string());
        }
        if let (Pat::Ident(name), Some(init)) = (pat, &local.init)
            && let Some(callee) = self.maker(&init.expr)
        {
            self.made.insert(name.ident.unraw().to_string(), callee);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        let is_inner = matches!(&*call.func, Expr::Path(path)
            if path.path.get_ident().is_some_and(|name| self.inner.contains(&name.unraw().to_string())));
        if let Some(database) = call.args.iter().find(|argument| self.is_database(argument))
            && !is_inner
        {
            self.report(database, written(&call.func));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        let name = call.method.unraw().to_string();
        let database = call.args.iter().find(|argument| self.is_database(argument));
        if let Some(database) = database {
            let is_query = QUERIES.contains(&name.as_str());
            let callee = if is_query {
                self.maker(&call.receiver)
            } else {
                Some(name)
            };
            if let Some(callee) = callee {
                self.report(database, callee);
            }
        } else if LENDERS.contains(&name.as_str()) && self.is_database(&call.receiver) {
            for argument in &call.args {
                match argument {
                    Expr::Closure(closure) => self.lend(closure),
                    // A function by its name gets the connection too.
                    Expr::Path(path) if !self.inner.contains(&written(argument)) => {
                        self.report(path, written(argument));
                    }
                    _ => {}
                }
            }
        }
        visit::visit_expr_method_call(self, call);
    }
}

/// What is called, as the user would write it.
fn written(callee: &Expr) -> String {
    callee.to_token_stream().to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    /// Whether the body of a step is refused.
    fn refused(options: &TokenStream, body: &TokenStream) -> bool {
        let method = parse_quote!(impl Room {
            #[data_migration(after = "1" #options)]
            async fn fill(cx: &mut Context<'_, Self, Migrating>) -> Result<()> { #body }
        });
        let mut diagnostics = Diagnostics::new();
        let block = crate::parse::block::parse(quote!(), method, &mut diagnostics);
        check_database(&block.hooks[0], &mut diagnostics);
        diagnostics.finish().is_some()
    }

    #[test]
    fn a_function_elsewhere_does_not_get_the_database() {
        for body in [
            quote!(fill(cx.db())),
            quote!(slugs::fill(1, &mut *cx.db())),
            quote!(fill(cx)),
            quote!(let db = cx.db(); fill(db);),
            quote!(let db = cx.db(); let db = &mut *db; fill(db);),
            quote!(if a {
                for b in c {
                    fill(cx.db(), b)?;
                }
            }),
            quote!(cx.blocking(|db| fill(db)).await?),
            quote!(cx.blocking(fill).await?),
            quote!(
                cx.blocking(move |db: &mut Db| db.transaction(|db| fill(db)))
                    .await?
            ),
            quote!(filler.fill(cx.db())),
            quote!(Note::all().load(cx.db())),
            quote!(loud(3).filter(notes::level.eq(1)).load(cx.db())),
            quote!(let query = loud(); query.limit(3).execute(cx.db())),
        ] {
            assert!(refused(&quote!(), &body), "{body}");
            assert!(!refused(&quote!(, unchecked = true), &body), "{body}");
        }
    }

    #[test]
    fn what_is_written_in_the_step_gets_it() {
        for body in [
            quote!(notes::table.load(cx.db())),
            quote!(diesel::update(notes::table).set(slug(3)).execute(cx.db())),
            quote!(update(notes::table).set(slug(3)).execute(cx.db())),
            quote!(let x = 3; fn fill(db: &mut Db) {} let x = fill(cx.db());),
            quote!(let fill = |db: &mut Db| 3; fill(cx.db())),
            quote!(let db = cx.db(); notes::table.load(db);),
            quote!(cx.blocking(|db| notes::table.load(db)).await?),
            quote!(let text = slug(3); texts.push(text)),
            quote!(cx.db().batch_execute(text())),
        ] {
            assert!(!refused(&quote!(), &body), "{body}");
        }
    }
}
