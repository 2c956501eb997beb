//! What is written when something is wrong: the user's code, and just enough beside it that the rest of the file has no
//! errors that only follow from the first.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{GenericParam, Generics, ImplItem, Type};

use crate::expand::{self, concrete};
use crate::model::{Actor, Block, Hook, Kind};

/// Writes the user's block again. The lints that only complain about the shape that we ask for are switched off.
pub(crate) fn written_block(block: &Block) -> TokenStream {
    let mut item = block.item.clone();
    for member in &mut item.items {
        let ImplItem::Fn(method) = member else {
            continue;
        };
        let of_method = |hook: &&Hook| hook.name == method.sig.ident;
        let Some(hook) = block.hooks.iter().find(of_method) else {
            continue;
        };
        if hook.kind.runs_behind() {
            // What it is told is borrowed, whatever it is.
            method.attrs.insert(
                0,
                syn::parse_quote!(#[allow(clippy::ptr_arg, clippy::trivially_copy_pass_by_ref)]),
            );
        }
        method.attrs.insert(
            0,
            syn::parse_quote! {
                #[allow(
                    clippy::missing_const_for_fn,
                    clippy::needless_pass_by_ref_mut,
                    clippy::needless_pass_by_value,
                    clippy::unnecessary_wraps,
                    clippy::unused_async,
                    clippy::unused_self,
                )]
            },
        );
    }
    item.to_token_stream()
}

/// Writes an actor that has the right types and does nothing.
pub(crate) fn actor(actor: &Actor) -> TokenStream {
    if borrows(&actor.generics) {
        return TokenStream::new();
    }
    expand::actor_without_bodies(actor)
}

/// Writes handlers that have the right types and do nothing, and the handle's methods as far as their types are known.
pub(crate) fn block(block: &Block) -> TokenStream {
    let is_struct = matches!(&*block.item.self_ty, Type::Path(path) if path.qself.is_none());
    if block.item.trait_.is_some() || !is_struct || borrows(&block.item.generics) {
        return TokenStream::new();
    }
    let (lints, handlers) = (expand::lints(), handlers(block));
    let handle = expand::handle::expand(block, |_, _| quote!(::core::unreachable!()));
    let (cfgs, steps) = (block.cfgs(), expand::state::any_step(block));
    quote! {
        #(#cfgs)*
        #lints
        const _: () = {
            #handlers
            #steps
            #handle
        };
    }
}

/// Whether there is a lifetime parameter, which no actor can have.
fn borrows(generics: &Generics) -> bool {
    generics
        .params
        .iter()
        .any(|parameter| matches!(parameter, GenericParam::Lifetime(_)))
}

/// Writes `impl Handlers` with nothing behind it.
fn handlers(block: &Block) -> TokenStream {
    let (generics, _, _) = block.item.generics.split_for_impl();
    let bounds = expand::bounds::of_handlers(block);
    let (actor, handle, input) = (&block.item.self_ty, &block.handle, input(block));
    let item = |name: &str| block.runtime.item(name);
    let (handlers, actor_trait, context, failure) = (
        item("Handlers"),
        item("Actor"),
        item("Context"),
        item("Failure"),
    );
    let (migrating, migrated, stateful) = (item("Migrating"), item("Migrated"), item("Stateful"));
    let (migrations, hooks, info, step) = (
        item("Migrations"),
        item("Hooks"),
        item("ActionInfo"),
        item("Step"),
    );
    let (fault, stored_fault) = (item("StateFault"), item("StoredFault"));
    let (background, never) = (item("Background"), quote!(::core::convert::Infallible));
    let unit = quote!(::core::result::Result<(), #failure>);
    let result = |ty: &str| {
        let ty = proc_macro2::Ident::new(ty, proc_macro2::Span::mixed_site());
        quote!(::core::result::Result<<Self as #actor_trait>::#ty, #failure>)
    };
    let (state, vars) = (result("State"), result("Vars"));
    let body = quote!({ ::core::unreachable!() });
    quote! {
        #[automatically_derived]
        impl #generics #handlers for #actor #bounds {
            type Handle = #handle;
            type Input = #input;
            type Message = #never;
            type Reply = #never;
            const MIGRATIONS: #migrations = #migrations::NONE;
            const HOOKS: #hooks = #hooks {
                data_migrations: &[],
                create_state: ::core::option::Option::None,
                on_create: &[],
                create_vars: ::core::option::Option::None,
                on_wake: &[],
                on_before_start: &[],
                on_state_change: ::core::option::Option::None,
                on_error: ::core::option::Option::None,
                run: &[],
                on_sleep: &[],
                on_destroy: &[],
                queues: &[],
                actions: &[],
            };
            fn __action(_: &Self::Message) -> &'static #info #body
            fn __encode_input(_: &Self::Input) -> ::core::result::Result<::std::string::String, #stored_fault> #body
            fn __decode_input(_: &str) -> ::core::result::Result<Self::Input, #stored_fault> #body
            fn __encode(_: &Self::Message) -> ::core::result::Result<::std::string::String, #stored_fault> #body
            fn __decode(_: &str, _: &str) -> ::core::result::Result<Self::Message, #stored_fault> #body
            async fn __data_migration(_: u32, _: &mut #context<'_, Self, #migrating>) -> #unit #body
            fn __migrate_state(_: i32, _: &str) -> ::core::result::Result<<Self as #actor_trait>::State, #fault> #body
            async fn __create_state(_: &mut #context<'_, Self, #migrated>, _: Self::Input) -> #state #body
            async fn __on_create(_: u32, _: &mut #context<'_, Self, #stateful>) -> #unit #body
            async fn __create_vars(_: &mut #context<'_, Self, #stateful>) -> #vars #body
            async fn __hook(&mut self, _: #step, _: u32, _: &mut #context<'_, Self>) -> #unit #body
            async fn __run(_: u32, _: #background<Self>) -> #unit #body
            fn __act(&mut self, _: Self::Message, _: &mut #context<'_, Self>)
                -> ::core::result::Result<Self::Reply, #failure> #body
            async fn __dispatch(&mut self, _: Self::Message, _: &mut #context<'_, Self>)
                -> ::core::result::Result<Self::Reply, #failure> #body
        }
    }
}

/// The input of `create_state`, if it can be a type of its own.
fn input(block: &Block) -> TokenStream {
    let hook = block
        .hooks_of(Kind::CreateState)
        .next()
        .filter(|hook| hook.callable);
    let argument = hook.and_then(|hook| hook.signature.arguments.first());
    argument.map_or_else(
        || quote!(()),
        |argument| concrete(&argument.written.ty, &block.item.self_ty).to_token_stream(),
    )
}
