//! The rule for connections: `cx.db()` is not held across an `.await`.
//!
//! The compiler refuses every such future, but in words about `Send`. The plain case is found here, so that it gets ours.
//! What is not certain is left to the compiler.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{
    Arm, Block, Expr, ExprAssign, ExprAsync, ExprAwait, ExprClosure, ExprPath, Item, Local, Pat,
    PatIdent, Stmt,
};

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::Hook;

/// A variable with a connection is not used on both sides of an `.await`, because the connection serves other actors then.
pub(super) fn check_connections(hook: &Hook, diagnostics: &mut Diagnostics) {
    let context = hook
        .signature
        .context
        .as_ref()
        .and_then(|context| context.name.as_ref());
    let (true, Some(context)) = (hook.signature.is_async, context) else {
        return;
    };
    let mut bindings = Bindings {
        name: context,
        found: false,
    };
    bindings.visit_block(&hook.method.block);
    if !bindings.found {
        Blocks {
            context,
            diagnostics,
        }
        .visit_block(&hook.method.block);
    }
}

/// Looks for a pattern that binds a name.
struct Bindings<'a> {
    name: &'a Ident,
    found: bool,
}

impl<'a> Visit<'a> for Bindings<'_> {
    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        self.found |= pattern.ident == *self.name;
        visit::visit_pat_ident(self, pattern);
    }
}

/// Whether something inside a statement binds the name anew.
fn binds(statement: &Stmt, name: &Ident) -> bool {
    let mut bindings = Bindings { name, found: false };
    bindings.visit_stmt(statement);
    bindings.found
}

/// Looks for variables with a connection, in every block that runs as a part of the method itself.
struct Blocks<'a, 'd> {
    context: &'a Ident,
    diagnostics: &'d mut Diagnostics,
}

impl<'a> Visit<'a> for Blocks<'_, '_> {
    fn visit_block(&mut self, block: &'a Block) {
        for (index, statement) in block.stmts.iter().enumerate() {
            if let Some(name) = connection(statement, self.context)
                && let Some(wait) = find_held(&block.stmts[index + 1..], name)
            {
                self.diagnostics
                    .at(wait, catalogue::held::db_across_await(name));
            }
        }
        visit::visit_block(self, block);
    }

    // These run at another time, with an `.await` of their own.
    fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
    fn visit_item(&mut self, _: &'a Item) {}
}

/// Finds the variable in `let name = cx.db();`.
fn connection<'a>(statement: &'a Stmt, context: &Ident) -> Option<&'a Ident> {
    let Stmt::Local(Local {
        pat,
        init: Some(init),
        ..
    }) = statement
    else {
        return None;
    };
    let pat = match pat {
        Pat::Type(typed) => &*typed.pat,
        pat => pat,
    };
    let (Pat::Ident(name), Expr::MethodCall(call)) = (pat, &*init.expr) else {
        return None;
    };
    let is_context = matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(context));
    (is_context && call.method == "db" && init.diverge.is_none()).then_some(&name.ident)
}

/// Finds the first `.await` in these statements, or in blocks inside them, after which the variable is used in the
/// statements of the same block, so that it is held for certain.
fn find_held(statements: &[Stmt], name: &Ident) -> Option<TokenStream> {
    let mut wait = None;
    for statement in statements {
        let shadows = binds(statement, name);
        if shadows && !matches!(statement, Stmt::Local(_)) {
            return None;
        }
        let mut events = Events {
            name,
            wait: wait.clone(),
            held: None,
            over: false,
            blocks: Vec::new(),
        };
        events.visit_stmt(statement);
        if events.held.is_some() {
            return events.held;
        }
        if shadows || events.over {
            return None;
        }
        let inner = events
            .blocks
            .iter()
            .find_map(|block| find_held(&block.stmts, name));
        if inner.is_some() {
            return inner;
        }
        wait = events.wait;
    }
    None
}

/// What happens to a variable in one statement, in source order.
struct Events<'a> {
    name: &'a Ident,
    /// The first `.await` so far in the statements of this block.
    wait: Option<TokenStream>,
    /// That `.await`, once the variable is used after it.
    held: Option<TokenStream>,
    /// Whether the variable got another value, or its story can no longer be followed.
    over: bool,
    /// The blocks inside. An `.await` there may be on a path that ends, so it does not count for this block.
    blocks: Vec<&'a Block>,
}

impl<'a> Visit<'a> for Events<'a> {
    fn visit_expr_await(&mut self, expression: &'a ExprAwait) {
        self.visit_expr(&expression.base);
        if self.wait.is_none() && !self.over {
            self.wait = Some(expression.await_token.to_token_stream());
        }
    }

    fn visit_expr_path(&mut self, expression: &'a ExprPath) {
        if expression.path.is_ident(self.name) && !self.over && self.held.is_none() {
            self.held.clone_from(&self.wait);
        }
    }

    fn visit_expr_assign(&mut self, assignment: &'a ExprAssign) {
        self.visit_expr(&assignment.right);
        if matches!(&*assignment.left, Expr::Path(path) if path.path.is_ident(self.name)) {
            self.over = true;
        } else {
            self.visit_expr(&assignment.left);
        }
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.blocks.push(block);
        // With an `.await` behind, a use in an inner block is a use all the same.
        let wait = self.wait.clone();
        if wait.is_some() {
            visit::visit_block(self, block);
        }
        self.wait = wait;
    }

    // Only one arm runs, so an `.await` in it says nothing about what follows.
    fn visit_arm(&mut self, arm: &'a Arm) {
        let wait = self.wait.clone();
        visit::visit_arm(self, arm);
        self.wait = wait;
    }

    fn visit_expr_async(&mut self, _: &'a ExprAsync) {}
    fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}
    fn visit_item(&mut self, _: &'a Item) {}
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    /// Whether the body of an action is refused.
    fn is_held(body: &TokenStream) -> bool {
        let method = parse_quote!(impl Room { #[action] async fn act(&self, cx: &mut Context<'_, Self>) -> Result<()> { #body } });
        let mut diagnostics = Diagnostics::new();
        let block = crate::parse::block::parse(quote!(), method, &mut diagnostics);
        check_connections(&block.hooks[0], &mut diagnostics);
        diagnostics.finish().is_some()
    }

    #[test]
    fn a_use_after_an_await_is_found() {
        let held = [
            quote!(let db = cx.db(); wait().await; read(db);),
            quote!(let mut db: &mut Db = cx.db(); read(db)?; let x = wait().await?; if x { read(db); }),
            quote!(if a {
                let db = cx.db();
                wait().await;
                read(db);
            }),
            quote!(let db = cx.db(); loop { wait().await; read(db); }),
            quote!(let db = cx.db(); match wait().await { A => read(db), B => {} }),
            quote!(let db = cx.db(); wait().await.read(db);),
        ];
        for body in &held {
            assert!(is_held(body), "{body}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_to_the_compiler() {
        let fine = [
            quote!(let db = cx.db(); read(db); wait().await;),
            quote!(let db = cx.db(); read(db); wait().await; let db = cx.db(); read(db);),
            quote!(let mut db = cx.db(); read(db); wait().await; db = cx.db(); read(db);),
            quote!(let db = cx.db(); if a { wait().await; return Ok(()); } read(db);),
            quote!(let db = cx.db(); match a { A => return wait().await, B => {} } read(db);),
            quote!(let db = cx.db(); match a { A => wait().await, B => read(db) }),
            quote!(let db = cx.db(); let task = async move { wait().await }; read(db);),
            quote!(let db = cx.db(); let task = || async { wait().await; }; read(db);),
            quote!(let db = cx.db(); read(db); wait().await; if let Some(db) = other { read(db); }),
            quote!(let cx = other; let db = cx.db(); wait().await; read(db);),
            quote!(let db = pool.db(); wait().await; read(db);),
            quote!(let rows = cx.db().rows(); wait().await; read(rows);),
        ];
        for body in &fine {
            assert!(!is_held(body), "{body}");
        }
    }
}
