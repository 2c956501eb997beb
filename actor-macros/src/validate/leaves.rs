//! The rule for the database of a `#[data_migration]`: it stays in the step.
//!
//! What the step mentions is held against the tables of its version. A function elsewhere is not seen, and was likely written
//! for the newest tables, so it does not get the connection.

use std::collections::HashSet;

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, Item, Local, Pat, Stmt};

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Hook, Kind};

/// The methods of Diesel that run a query, whose tables are mentioned where it is built.
const QUERIES: [&str; 8] = [
    "execute",
    "first",
    "get_result",
    "get_results",
    "load",
    "load_iter",
    "optional",
    "save_changes",
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
        visit::visit_local(self, local);
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        let is_inner = matches!(&*call.func, Expr::Path(path)
            if path.path.get_ident().is_some_and(|name| self.inner.contains(&name.unraw().to_string())));
        if let Some(database) = call.args.iter().find(|argument| self.is_database(argument))
            && !is_inner
        {
            let callee = call.func.to_token_stream().to_string().replace(' ', "");
            let message = catalogue::migrate::database_leaves(self.step.unraw(), callee);
            self.diagnostics.at(database, message);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a ExprMethodCall) {
        let name = call.method.unraw().to_string();
        if let Some(database) = call.args.iter().find(|argument| self.is_database(argument))
            && !QUERIES.contains(&name.as_str())
        {
            let message = catalogue::migrate::database_leaves(self.step.unraw(), name);
            self.diagnostics.at(database, message);
        } else if LENDERS.contains(&name.as_str()) && self.is_database(&call.receiver) {
            for argument in &call.args {
                match argument {
                    Expr::Closure(closure) => self.lend(closure),
                    // A function by its name gets the connection too.
                    Expr::Path(path) => {
                        let callee = path.to_token_stream().to_string().replace(' ', "");
                        let is_inner = self.inner.contains(&callee);
                        if !is_inner {
                            let message =
                                catalogue::migrate::database_leaves(self.step.unraw(), callee);
                            self.diagnostics.at(path, message);
                        }
                    }
                    _ => {}
                }
            }
        }
        visit::visit_expr_method_call(self, call);
    }
}
