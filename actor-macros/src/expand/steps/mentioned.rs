//! What a block of a step's body mentions: paths that may be tables or columns, and types that may
//! stand for rows.

use std::collections::HashSet;

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprCall, ExprPath, Item, Macro, Path, TypePath};

/// The paths in a block, without the blocks inside, that may be tables or columns.
pub(super) struct Mentioned<'a> {
    names: &'a HashSet<String>,
    bound: &'a HashSet<String>,
    /// The paths.
    pub(super) paths: Vec<Path>,
    /// The types.
    pub(super) types: Vec<Path>,
    /// Whether the block has imports of its own.
    pub(super) imports: bool,
}

impl<'a> Mentioned<'a> {
    /// Looks for these names, but not for those that the method binds.
    pub(super) fn new(names: &'a HashSet<String>, bound: &'a HashSet<String>) -> Self {
        Self {
            names,
            bound,
            paths: Vec::new(),
            types: Vec::new(),
            imports: false,
        }
    }

    /// Keeps a type that is written without arguments.
    fn keep_type(&mut self, path: &Path) {
        let is_plain = path
            .segments
            .iter()
            .all(|segment| segment.arguments.is_none());
        let is_own = path
            .segments
            .first()
            .is_none_or(|first| self.bound.contains(&first.ident.unraw().to_string()));
        let is_named = path.segments.last().is_some_and(|last| {
            last.ident
                .unraw()
                .to_string()
                .starts_with(char::is_uppercase)
        });
        if is_plain && is_named && !is_own {
            self.types.push(path.clone());
        }
    }

    /// Keeps a path if its last name is that of a table or a column, and its first one not the
    /// method's own.
    fn keep(&mut self, path: &Path) {
        let (Some(first), Some(last)) = (path.segments.first(), path.segments.last()) else {
            return;
        };
        let is_known = self.names.contains(&last.ident.unraw().to_string());
        let is_own = self.bound.contains(&first.ident.unraw().to_string());
        let is_plain = path
            .segments
            .iter()
            .all(|segment| segment.arguments.is_none());
        if is_known && is_plain && !(is_own && path.leading_colon.is_none()) {
            self.paths.push(path.clone());
        }
    }

    /// Looks for paths in the arguments of a macro, which are tokens only.
    fn scan(&mut self, tokens: TokenStream) {
        let (mut path, mut after_dot) = (TokenStream::new(), false);
        let mut rest = tokens.into_iter().peekable();
        while let Some(token) = rest.next() {
            match token {
                TokenTree::Ident(name) => {
                    path.extend(Some(TokenTree::Ident(name)));
                    let goes_on = matches!(rest.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Joint);
                    if !goes_on {
                        let called = matches!(rest.peek(), Some(TokenTree::Group(_)));
                        let found = syn::parse2::<Path>(std::mem::take(&mut path));
                        if let Ok(found) = found
                            && !after_dot
                            && !called
                        {
                            self.keep(&found);
                        }
                    }
                    after_dot = false;
                }
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    if punct.as_char() == ':' {
                        path.extend(Some(TokenTree::Punct(punct)));
                    } else {
                        path = TokenStream::new();
                    }
                }
                TokenTree::Group(group) => {
                    self.scan(group.stream());
                    (path, after_dot) = (TokenStream::new(), false);
                }
                TokenTree::Literal(_) => (path, after_dot) = (TokenStream::new(), false),
            }
        }
    }
}

impl<'a> Visit<'a> for Mentioned<'_> {
    fn visit_expr_path(&mut self, expression: &'a ExprPath) {
        if expression.qself.is_none() {
            self.keep(&expression.path);
        }
        visit::visit_expr_path(self, expression);
    }

    // What is called is a function or a variant; only its arguments can be columns.
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if let Expr::Path(function) = &*call.func {
            // Its type arguments may be rows.
            self.visit_path(&function.path);
        } else {
            self.visit_expr(&call.func);
        }
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.scan(mac.tokens.clone());
    }

    fn visit_type_path(&mut self, ty: &'a TypePath) {
        if ty.qself.is_none() {
            self.keep_type(&ty.path);
        }
        visit::visit_type_path(self, ty);
    }

    // Each block is looked at on its own.
    fn visit_block(&mut self, _: &'a Block) {}

    fn visit_item(&mut self, item: &'a Item) {
        self.imports |= matches!(item, Item::Use(_));
    }
}
