//! The enums with one variant for each action: its arguments, and its reply.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{GenericParam, Type};

use super::concrete;
use crate::model::{Block, Hook, Kind};
use crate::names;
use crate::parse::signature::{has_lifetime, is_plain_value};

/// Writes both enums, and the message around that of the actions: its field is private, so that an action can be called through
/// the handle only, by who sees its method.
pub(super) fn expand(block: &Block) -> TokenStream {
    let (message, enumeration, reply) = (names::message(), names::action(), names::reply());
    let (generics, type_arguments, bounds) = block.item.generics.split_for_impl();
    let generic = generic_variant(block);
    let messages = block.hooks_of(Kind::Action).map(|action| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        let types = arguments(block, action);
        quote!(#(#cfgs)* #variant(#(#types),*),)
    });
    let replies = block.hooks_of(Kind::Action).map(|action| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        let value = reply_type(block, action);
        quote!(#(#cfgs)* #variant(#value),)
    });
    quote! {
        #[doc(hidden)]
        pub struct #message #generics (#enumeration #type_arguments) #bounds;
        enum #enumeration #generics #bounds { #(#messages)* #generic }
        #[doc(hidden)]
        pub enum #reply #generics #bounds { #(#replies)* #generic }
    }
}

/// Names the variant of an action: as the method, so that no two can clash.
pub(super) fn variant(action: &Hook) -> Ident {
    let mut variant = action.name.clone();
    variant.set_span(names::at(action.name.span()));
    variant
}

/// Writes the type of what an action returns when it is well.
pub(super) fn reply_type(block: &Block, action: &Hook) -> TokenStream {
    match (outcome(block, action), &action.signature.returns) {
        (Some((returns, outcome)), _) => {
            quote_spanned!(names::at(returns.span())=> <#returns as #outcome>::Value)
        }
        // It is reported as a mistake, and what follows from it is checked with the type as it is.
        (None, Some(returns)) => concrete(returns, &block.item.self_ty).to_token_stream(),
        (None, None) => quote!(()),
    }
}

/// Writes the type that says whether the arguments of an action can be stored: a tuple of them, or what never can.
pub(super) fn stored_type(block: &Block, action: &Hook) -> TokenStream {
    if borrows(action) {
        return block.runtime.item("Borrowed");
    }
    let types = arguments(block, action);
    quote!((#(#types,)*))
}

/// The types of the arguments of an action.
fn arguments(block: &Block, action: &Hook) -> impl Iterator<Item = Type> {
    let arguments = action.signature.arguments.iter();
    arguments.map(|argument| concrete(&argument.written.ty, &block.item.self_ty))
}

/// Whether the type of an argument has a lifetime: such a value cannot come back from the disk, and the compiler would not
/// say so in our words.
fn borrows(hook: &Hook) -> bool {
    let mut arguments = hook.signature.arguments.iter();
    arguments.any(|argument| has_lifetime(&argument.written.ty))
}

/// Writes how a call is stored, and how it comes back.
pub(super) fn stored(block: &Block) -> TokenStream {
    let (not_stored, fault) = (
        block.runtime.item("NotStored"),
        block.runtime.item("StoredFault"),
    );
    let (enumeration, result) = (names::action(), quote!(::core::result::Result));
    let (whole, inner) = (names::message(), names::local("inner"));
    let (message, action_name, json) = (
        names::local("message"),
        names::local("action"),
        names::local("json"),
    );
    let compare = compare(block);
    let arms = block
        .hooks_of(Kind::Action)
        .map(|action| arms(block, action));
    let (encode, decode): (Vec<_>, Vec<_>) = arms.unzip();
    let generic = generic_arm(block, &enumeration);
    let input = stored_input(block);
    quote! {
        #input
        fn __encode(#message: &Self::Message) -> #result<::std::string::String, #fault> {
            #compare
            let #whole(#inner) = #message;
            match *#inner { #(#encode)* #generic }
        }
        fn __decode(#action_name: &str, #json: &str) -> #result<Self::Message, #fault> {
            #[allow(unused_imports)]
            use #not_stored as _;
            match #action_name {
                #(#decode)*
                _ => #result::Err(#fault::NoSuchAction),
            }
        }
    }
}

/// Brings into scope what compares two values by what their type says, and what stands in for types that cannot be stored.
fn compare(block: &Block) -> TokenStream {
    let traits = ["EqualByTrace", "EqualByValue", "NotStored"].map(|name| block.runtime.item(name));
    quote! {
        #(
            #[allow(unused_imports)]
            use #traits as _;
        )*
    }
}

/// Writes how the calls of one action are stored, and how they come back.
fn arms(block: &Block, action: &Hook) -> (TokenStream, TokenStream) {
    let (stored, fault) = (
        block.runtime.item("Stored"),
        block.runtime.item("StoredFault"),
    );
    let (same, read) = (block.runtime.item("Same"), names::local("read"));
    let (enumeration, result) = (names::action(), quote!(::core::result::Result));
    let (whole, json, tuple) = (
        names::message(),
        names::local("json"),
        names::local("arguments"),
    );
    let (cfgs, variant, ty) = (&action.cfgs, variant(action), stored_type(block, action));
    let name = action.name.unraw().to_string();
    if borrows(action) {
        let refused = quote!(#result::Err(#fault::NotStorable));
        return (
            quote!(#(#cfgs)* #enumeration::#variant(..) => #refused,),
            quote!(#(#cfgs)* #name => #refused,),
        );
    }
    let arguments = &action.signature.arguments;
    let values: Vec<Ident> = (0..arguments.len())
        .map(|n| names::local(&n.to_string()))
        .collect();
    let fields = (0..arguments.len()).map(Literal::usize_unsuffixed);
    let places = fields.clone();
    let written: Vec<_> = (arguments.iter())
        .map(|argument| argument.name.unraw().to_string())
        .collect();
    let encode = quote! {
        #(#cfgs)*
        #enumeration::#variant(#(ref #values),*) => #stored::<#ty>::encode(
            &(#(#values,)*),
            &[#(#written),*],
            |#read: &#ty| #((&#same(#values, &#read.#places)).same() &&)* true,
        ),
    };
    let decode = quote! {
        #(#cfgs)*
        #name => #result::map(
            #stored::<#ty>::decode(#json, &[#(#written),*]),
            |#tuple| #whole(#enumeration::#variant(#(#tuple.#fields),*)),
        ),
    };
    (encode, decode)
}

/// Writes how what an actor is made of is stored, and how its state is compared with what is read back.
fn stored_input(block: &Block) -> TokenStream {
    let (stored, not_stored, fault) = (
        block.runtime.item("Stored"),
        block.runtime.item("NotStored"),
        block.runtime.item("StoredFault"),
    );
    let (actor, same) = (block.runtime.item("Actor"), block.runtime.item("Same"));
    let (input, read, json) = (
        names::local("input"),
        names::local("read"),
        names::local("json"),
    );
    let result = quote!(::core::result::Result);
    let compare = compare(block);
    let mut creators = block.hooks_of(Kind::CreateState);
    let (encode, decode) = if creators.next().is_some_and(borrows) {
        let refused = quote!(#result::Err(#fault::NotStorable));
        (refused.clone(), refused)
    } else {
        (
            quote! {
                #stored::<Self::Input>::encode(
                    #input,
                    &[],
                    |#read: &Self::Input| (&#same(#input, #read)).same(),
                )
            },
            quote!(#stored::<Self::Input>::decode(#json, &[])),
        )
    };
    quote! {
        fn __same_state(#input: &<Self as #actor>::State, #read: &<Self as #actor>::State) -> bool {
            #compare
            (&#same(#input, #read)).same()
        }
        fn __encode_input(#input: &Self::Input) -> #result<::std::string::String, #fault> {
            #compare
            #encode
        }
        fn __decode_input(#json: &str) -> #result<Self::Input, #fault> {
            #[allow(unused_imports)]
            use #not_stored as _;
            #decode
        }
    }
}

/// What an action returns and the trait that it must have, unless it is plainly not a result.
pub(super) fn outcome(block: &Block, action: &Hook) -> Option<(Type, TokenStream)> {
    let returns = action.signature.returns.as_ref()?;
    let returns = concrete(returns, &block.item.self_ty);
    let outcome = block.runtime.item_at("Outcome", returns.span());
    (!is_plain_value(&returns)).then_some((returns, outcome))
}

/// Writes a variant that nobody can make. It uses up the type parameters that no action mentions.
fn generic_variant(block: &Block) -> Option<TokenStream> {
    let types: Vec<&Ident> = type_parameters(block).collect();
    let variant = names::generic_variant();
    (!types.is_empty()).then(|| {
        quote!(#variant(::core::convert::Infallible, ::core::marker::PhantomData<fn() -> (#(#types,)*)>),)
    })
}

/// Writes the match arm for the variant that nobody can make.
pub(super) fn generic_arm(block: &Block, enumeration: &Ident) -> Option<TokenStream> {
    let variant = names::generic_variant();
    let never = names::local("never");
    let is_generic = type_parameters(block).next().is_some();
    is_generic.then(|| quote!(#enumeration::#variant(#never, _) => match #never {},))
}

/// The names of the type parameters of the block.
fn type_parameters(block: &Block) -> impl Iterator<Item = &Ident> {
    block
        .item
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            _ => None,
        })
}
