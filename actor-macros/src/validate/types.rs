//! Questions about types.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Lifetime, ParenthesizedGenericArguments, Path, Type, TypeBareFn, TypeImplTrait, TypeReference,
};

/// What a type holds that cannot go into a message.
#[derive(Default)]
struct Found<'a> {
    lifetime: Option<&'a Lifetime>,
    reference: Option<&'a TypeReference>,
    impl_trait: Option<&'a TypeImplTrait>,
}

impl<'a> Visit<'a> for Found<'a> {
    fn visit_type_reference(&mut self, reference: &'a TypeReference) {
        match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => {
                visit::visit_type(self, &reference.elem);
            }
            _ => self.reference = self.reference.or(Some(reference)),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
        if lifetime.ident != "static" {
            self.lifetime = self.lifetime.or(Some(lifetime));
        }
    }

    fn visit_type_impl_trait(&mut self, impl_trait: &'a TypeImplTrait) {
        self.impl_trait = self.impl_trait.or(Some(impl_trait));
    }

    // The references in `fn(&str)` and `Fn(&str)` are those of a later call: the type itself borrows nothing.
    fn visit_type_bare_fn(&mut self, _: &'a TypeBareFn) {}
    fn visit_parenthesized_generic_arguments(&mut self, _: &'a ParenthesizedGenericArguments) {}
}

/// Finds the reference or lifetime by which a type borrows.
pub(super) fn borrowed(ty: &Type) -> Option<proc_macro2::TokenStream> {
    let mut found = Found::default();
    found.visit_type(ty);
    let reference = found.reference.map(|reference| {
        // Only the `&` and its lifetime are wrong; what is behind them may be right.
        let (and, lifetime) = (&reference.and_token, &reference.lifetime);
        quote::quote!(#and #lifetime)
    });
    reference.or_else(|| found.lifetime.map(ToTokens::to_token_stream))
}

/// Finds an `impl Trait` in a type.
pub(super) fn impl_trait(ty: &Type) -> Option<&TypeImplTrait> {
    let mut found = Found::default();
    found.visit_type(ty);
    found.impl_trait
}

/// Finds an `Rc` in a type.
pub(super) fn bound_to_thread(ty: &Type) -> Option<&Path> {
    /// Looks for an `Rc`.
    struct Bound<'a>(Option<&'a Path>);

    impl<'a> Visit<'a> for Bound<'a> {
        fn visit_path(&mut self, path: &'a Path) {
            let last = path.segments.last();
            if last.is_some_and(|last| last.ident == "Rc" && !last.arguments.is_none()) {
                self.0 = self.0.or(Some(path));
            }
            visit::visit_path(self, path);
        }
    }

    let mut bound = Bound(None);
    bound.visit_type(ty);
    bound.0
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn references_and_lifetimes_borrow() {
        for ty in [
            parse_quote!(&str),
            parse_quote!(Vec<&'a u8>),
            parse_quote!(Cow<'_, str>),
            parse_quote!((i64, &[u8])),
        ] {
            assert!(borrowed(&ty).is_some());
        }
    }

    #[test]
    fn owned_types_do_not_borrow() {
        for ty in [
            parse_quote!(String),
            parse_quote!(&'static str),
            parse_quote!(fn(&str)),
            parse_quote!(Box<dyn Fn(&u8)>),
        ] {
            assert!(borrowed(&ty).is_none());
        }
    }

    #[test]
    fn impl_trait_is_found_inside() {
        assert!(impl_trait(&parse_quote!(Vec<impl Into<u8>>)).is_some());
        assert!(impl_trait(&parse_quote!(Vec<u8>)).is_none());
    }
}
