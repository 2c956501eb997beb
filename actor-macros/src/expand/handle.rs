//! The methods of the typed handle: one for each action.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::messages::{reply_type, stored_type, variant};
use super::{concrete, duration};
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
    let queues = block.hooks_of(Kind::Queue).filter(|queue| queue.callable);
    let queues = queues.map(|queue| self::queue(block, queue));
    quote! {
        #[automatically_derived]
        impl #generics #handle #bounds { #(#methods)* #(#queues)* }
    }
}

/// Writes the method that gives a queue.
fn queue(block: &Block, hook: &Hook) -> TokenStream {
    let (actor, name, cfgs) = (&block.item.self_ty, &hook.name, &hook.cfgs);
    let message = hook.signature.arguments.first();
    // A message that cannot be saved is an error at its type.
    let place = message.map_or_else(|| name.span(), |message| message.written.ty.span());
    let (queue, info) = (
        block.runtime.item_at("Queue", place),
        queue_info(block, hook),
    );
    let message = message.map(|message| concrete(&message.written.ty, actor));
    let reply = hook.signature.returns.as_ref();
    let reply = reply.map_or_else(
        || quote!(()),
        |reply| concrete(reply, actor).into_token_stream(),
    );
    let docs = docs(block, hook);
    let visibility = &hook.visibility;
    let here = names::at(place);
    let returned = quote_spanned!(here=> #queue<'_, #actor, #message, #reply>);
    let new = quote_spanned!(here=> #queue::__new);
    let same = block.runtime.item("Same");
    let by_value = block.runtime.item("EqualByValue");
    let by_trace = block.runtime.item("EqualByTrace");
    let (one, other) = (names::local("one"), names::local("other"));
    // Of one place, so that what is wrong with a type is one error.
    let made = quote_spanned! {here=>
        #new(
            ::core::ops::Deref::deref(self),
            const { &#info },
            |#one, #other| (&#same(#one, #other)).same(),
            |#one, #other| (&#same(#one, #other)).same(),
        )
    };
    let named = names::at(name.span());
    let signature = quote_spanned!(named=> #visibility fn #name(&self));
    quote! {
        #(#cfgs)*
        #docs
        #signature -> #returned {
            #[allow(unused_imports)]
            use #by_trace as _;
            #[allow(unused_imports)]
            use #by_value as _;
            #made
        }
    }
}

/// Writes what the runtime must know of a queue.
pub(super) fn queue_info(block: &Block, hook: &Hook) -> TokenStream {
    let info = block.runtime.item("QueueInfo");
    let (name, options) = (hook.name.unraw().to_string(), &hook.options);
    let max = options.max.as_ref().map(|max| quote!(max: #max,));
    let tries = options.tries.as_ref().map(|tries| quote!(tries: #tries,));
    let visibility = options.visibility.map(|time| {
        let time = duration(time);
        quote!(visibility: #time,)
    });
    quote!(#info { #max #tries #visibility ..#info::named(#name) })
}

/// Writes one method.
fn method(block: &Block, action: &Hook, body: &TokenStream) -> TokenStream {
    let (actor, name, cfgs) = (&block.item.self_ty, &action.name, &action.cfgs);
    let call = block.runtime.item("Call");
    let (value, stored) = (reply_type(block, action), stored_type(block, action));
    let docs = docs(block, action);
    // The block of the handle is in the module of the user's, so that what is written means the same in both.
    let visibility = &action.visibility;
    let parameters = action.signature.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, concrete(&argument.written.ty, actor));
        if is_string(argument) {
            quote!(#name: impl ::core::convert::Into<#ty>)
        } else {
            quote!(#name: #ty)
        }
    });
    // A call that may not be made here is an error that shows the user's method.
    let here = names::at(name.span());
    let signature = quote_spanned! {here=>
        #visibility fn #name(&self, #(#parameters),*) -> #call<'_, #actor, #value, #stored>
    };
    quote! {
        #(#cfgs)*
        #docs
        #signature { #body }
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
    let (name, actor) = (action.name.unraw(), type_name(&block.item.self_ty));
    let sentence = if action.kind == Kind::Queue {
        format!(" Returns the queue `{name}` of a [`{actor}`].")
    } else {
        format!(" Calls the action `{name}` of a [`{actor}`].")
    };
    quote!(#[doc = #sentence] #(#docs)*)
}

/// Writes the body of a method: a call, which does nothing until it is awaited or sent.
pub(super) fn call(block: &Block, action: &Hook) -> TokenStream {
    let (call, enumeration, reply) = (block.runtime.item("Call"), names::action(), names::reply());
    let message = names::message();
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
            #message(#enumeration::#variant(#(#arguments),*)),
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
