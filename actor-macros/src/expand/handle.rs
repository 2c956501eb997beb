//! The methods of the typed handle: one for each action.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::{Type, Visibility};

use super::concrete;
use super::messages::{reply_type, stored_type, variant};
use crate::model::{Argument, Block, Hook, Kind};
use crate::names;
use crate::parse::block::type_name;

/// Writes the methods, with bodies from `body`.
pub(crate) fn expand(block: &Block, body: impl Fn(&Block, &Hook) -> TokenStream) -> TokenStream {
    let (generics, _, bounds) = block.item.generics.split_for_impl();
    let handle = &block.handle;
    let actions = block
        .hooks_of(Kind::Action)
        .filter(|action| action.callable);
    let methods = actions.map(|action| method(block, action, &body(block, action)));
    quote! {
        #[automatically_derived]
        impl #generics #handle #bounds { #(#methods)* }
    }
}

/// Writes one method.
fn method(block: &Block, action: &Hook, body: &TokenStream) -> TokenStream {
    let (actor, name, cfgs) = (&block.item.self_ty, &action.name, &action.cfgs);
    let call = block.runtime.item("Call");
    let (value, stored) = (reply_type(block, action), stored_type(block, action));
    let docs = docs(block, action);
    let visibility = match &action.visibility {
        Visibility::Inherited => quote!(pub),
        written => quote!(#written),
    };
    let parameters = action.signature.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, concrete(&argument.written.ty, actor));
        if is_string(argument) {
            quote!(#name: impl ::core::convert::Into<#ty>)
        } else {
            quote!(#name: #ty)
        }
    });
    quote! {
        #(#cfgs)*
        #docs
        #visibility fn #name(&self, #(#parameters),*) -> #call<'_, #actor, #value, #stored> { #body }
    }
}

/// Writes the documentation of the action, or a sentence where there is none.
fn docs(block: &Block, action: &Hook) -> TokenStream {
    let docs = &action.docs;
    if docs
        .iter()
        .any(|attribute| attribute.path().is_ident("doc"))
    {
        return quote!(#(#docs)*);
    }
    let sentence = format!(
        " Calls the action `{}` of a [`{}`].",
        action.name.unraw(),
        type_name(&block.item.self_ty)
    );
    quote!(#[doc = #sentence] #(#docs)*)
}

/// Writes the body of a method: a call, which does nothing until it is awaited or sent.
pub(super) fn call(block: &Block, action: &Hook) -> TokenStream {
    let (call, enumeration, reply) = (block.runtime.item("Call"), names::message(), names::reply());
    let (variant, answer, value) = (
        variant(action),
        names::local("reply"),
        names::local("value"),
    );
    let arguments = action.signature.arguments.iter().map(|argument| {
        let name = &argument.name;
        if is_string(argument) {
            quote!(::core::convert::Into::into(#name))
        } else {
            quote!(#name)
        }
    });
    quote! {
        #call::__new(
            ::core::ops::Deref::deref(self),
            #enumeration::#variant(#(#arguments),*),
            |#answer| match #answer {
                #reply::#variant(#value) => ::core::option::Option::Some(#value),
                _ => ::core::option::Option::None,
            },
        )
    }
}

/// Whether an argument is written as `String`: the handle takes everything that becomes one.
fn is_string(argument: &Argument) -> bool {
    matches!(&*argument.written.ty, Type::Path(path) if path.qself.is_none() && path.path.is_ident("String"))
}
