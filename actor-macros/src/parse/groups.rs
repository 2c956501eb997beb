//! Invisible groups: what `macro_rules!` puts around a fragment such as `$t:ty`, so that it stays
//! one thing.
//!
//! They say nothing that the syntax tree does not say, and hide a type from whoever looks at its
//! form. They are taken off once, before anything is read. Bodies are left alone: they are written
//! again as they are, and there a group keeps the order of operators.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, DeriveInput, Expr, ExprParen, ImplItemMacro, ItemImpl, Meta, Type, TypeParen,
    token,
};

/// Takes off the groups around single tokens, which keep no order, wherever they are: around the `{
/// … }` of a `$b:block` the parser would miss a `;`.
pub(crate) fn of_source(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().map(of_source_token).collect()
}

/// Does the work of [`of_source`] for one token.
fn of_source_token(token: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = token else {
        return token;
    };
    let inner: Vec<TokenTree> = of_source(group.stream()).into_iter().collect();
    if let ([only], Delimiter::None) = (inner.as_slice(), group.delimiter()) {
        return only.clone();
    }
    let mut rewritten = Group::new(group.delimiter(), inner.into_iter().collect());
    rewritten.set_span(group.span());
    TokenTree::Group(rewritten)
}

/// Takes the groups off a block, but not off the bodies in it.
pub(crate) fn of_block(item: &mut ItemImpl) {
    Groups.visit_item_impl_mut(item);
}

/// Takes the groups off a struct.
pub(crate) fn of_struct(input: &mut DeriveInput) {
    Groups.visit_derive_input_mut(input);
}

/// Takes the groups off tokens in which no operators stand: options of an attribute.
pub(crate) fn of_tokens(tokens: TokenStream) -> TokenStream {
    let mut flat = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
                flat.extend(of_tokens(group.stream()));
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), of_tokens(group.stream()));
                inner.set_span(group.span());
                flat.extend(Some(TokenTree::Group(inner)));
            }
            token => flat.extend(Some(token)),
        }
    }
    flat
}

/// Whether a type is a sum, which behind a `&` must stay together.
fn has_plus(ty: &Type) -> bool {
    match ty {
        Type::TraitObject(object) => object.bounds.len() > 1,
        Type::ImplTrait(object) => object.bounds.len() > 1,
        _ => false,
    }
}

/// Takes groups off.
struct Groups;

impl VisitMut for Groups {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        while let Type::Group(group) = ty {
            let inner = (*group.elem).clone();
            *ty = if has_plus(&inner) {
                Type::Paren(TypeParen {
                    paren_token: token::Paren::default(),
                    elem: Box::new(inner),
                })
            } else {
                inner
            };
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        while let Expr::Group(group) = expression {
            let inner = (*group.expr).clone();
            *expression = match inner {
                Expr::Group(_) | Expr::Lit(_) | Expr::Path(_) | Expr::Paren(_) => inner,
                // A group keeps what is in it together, as parentheses do.
                inner => Expr::Paren(ExprParen {
                    attrs: Vec::new(),
                    paren_token: token::Paren::default(),
                    expr: Box::new(inner),
                }),
            };
        }
        visit_mut::visit_expr_mut(self, expression);
    }

    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        if let Meta::List(list) = &mut attribute.meta {
            list.tokens = of_tokens(std::mem::take(&mut list.tokens));
        }
        visit_mut::visit_attribute_mut(self, attribute);
    }

    // A member that is written as a macro has no form of ours.
    fn visit_impl_item_macro_mut(&mut self, _: &mut ImplItemMacro) {}

    fn visit_block_mut(&mut self, _: &mut Block) {}
}
