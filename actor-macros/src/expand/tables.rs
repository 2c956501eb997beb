//! The constant tables: migrations, hooks and actions.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;

use super::{durability, handle, option, optional_duration, without};
use crate::migrations::{self, Embedded};
use crate::model::{Block, Hook, Kind, Receiver};
use crate::order::{self, Order};

/// Writes `MIGRATIONS`.
pub(super) fn migrations(block: &Block, embedded: Option<&Embedded>) -> TokenStream {
    let (migrations, migration) = (
        block.runtime.item("Migrations"),
        block.runtime.item("Migration"),
    );
    let none = quote!(const MIGRATIONS: #migrations = #migrations::NONE;);
    let mut hooks = block.hooks_of(Kind::Migrate);
    let (Some(hook), Some(embedded)) = (hooks.next(), embedded) else {
        return none;
    };
    let Some(directory) = &hook.options.directory else {
        return none;
    };
    let rows = embedded.set.migrations.iter().map(|row| {
        let (version, name, up) = (&row.version, &row.name, &row.up);
        let down = option(row.down.as_ref().map(ToTokens::to_token_stream));
        let checksum = row
            .checksum
            .iter()
            .map(|byte| Literal::u8_unsuffixed(*byte));
        let locked = row
            .locked_file_checksum
            .as_ref()
            .map(|locked| quote!(.locked_as(#locked)));
        quote!(#migration::new(#version, #name, #up, #down, [#(#checksum),*])#locked,)
    });
    let image = option(embedded.image.as_deref().map(|image| {
        let image = Literal::byte_string(image);
        quote!(#image)
    }));
    let (tracked, listing) = (
        migrations::expand_tracked(&embedded.set.tracked),
        migrations::expand_listing(&embedded.set),
    );
    // The mention keeps the user's function from being unused; it is never called.
    let (name, cfgs) = (&hook.name, &hook.cfgs);
    let written = quote! {
        #(#cfgs)*
        const MIGRATIONS: #migrations = {
            let _: fn() = Self::#name;
            #tracked
            #migrations::new(#directory, const { &[#(#rows)*] }, #image, #listing)
        };
    };
    if cfgs.is_empty() {
        return written;
    }
    let otherwise = without(cfgs);
    quote!(#written #otherwise #none)
}

/// Writes `HOOKS`.
pub(super) fn hooks(block: &Block) -> TokenStream {
    let hooks = block.runtime.item("Hooks");
    let order = Order::new(&block.hooks);
    let list = |kind: Kind| {
        let rows = order.sorted(kind).into_iter().map(|hook| {
            let (cfgs, row) = (&hook.cfgs, row(block, hook));
            quote!(#(#cfgs)* #row,)
        });
        quote!(&[#(#rows)*])
    };
    let data_migrations = data_migrations(block);
    let (create_state, create_vars) = (
        single(block, Kind::CreateState),
        single(block, Kind::CreateVars),
    );
    let (on_state_change, on_error) = (
        single(block, Kind::OnStateChange),
        single(block, Kind::OnError),
    );
    let (on_create, on_wake, on_before_start) = (
        list(Kind::OnCreate),
        list(Kind::OnWake),
        list(Kind::OnBeforeStart),
    );
    let (run, on_sleep, on_destroy) = (list(Kind::Run), list(Kind::OnSleep), list(Kind::OnDestroy));
    let queues = block.hooks_of(Kind::Queue).map(|queue| {
        let (cfgs, info) = (&queue.cfgs, handle::queue_info(block, queue));
        quote!(#(#cfgs)* #info,)
    });
    let actions = action_infos(block).map(|(action, row)| {
        let cfgs = &action.cfgs;
        quote!(#(#cfgs)* #row,)
    });
    quote! {
        const HOOKS: #hooks = #hooks {
            data_migrations: #data_migrations,
            create_state: #create_state,
            on_create: #on_create,
            create_vars: #create_vars,
            on_wake: #on_wake,
            on_before_start: #on_before_start,
            on_state_change: #on_state_change,
            on_error: #on_error,
            run: #run,
            on_sleep: #on_sleep,
            on_destroy: #on_destroy,
            queues: &[#(#queues)*],
            actions: &[#(#actions)*],
        };
    }
}

/// Writes what the runtime must know of each action. Their numbers do not depend on which of them `cfg` leaves.
pub(super) fn action_infos(block: &Block) -> impl Iterator<Item = (&Hook, TokenStream)> {
    let info = block.runtime.item("ActionInfo");
    let actions = block.hooks_of(Kind::Action).zip(0_u32..);
    actions.map(move |(action, id)| {
        let name = action.name.unraw().to_string();
        let read_only = action.signature.receiver == Some(Receiver::Shared);
        let is_async = action.signature.is_async;
        let timeout = optional_duration(action.options.timeout);
        let durability = durability(&block.runtime, action.options.durability);
        let row = quote! {
            #info {
                id: #id,
                name: #name,
                read_only: #read_only,
                is_async: #is_async,
                timeout: #timeout,
                durability: #durability,
            }
        };
        (action, row)
    })
}

/// Writes one hook.
fn row(block: &Block, hook: &Hook) -> TokenStream {
    let path = block.runtime.item("Hook");
    let (id, name) = (hook.id, hook.name.unraw().to_string());
    let timeout = optional_duration(hook.options.timeout);
    let is_async = hook.signature.is_async;
    quote!(#path { id: #id, name: #name, timeout: #timeout, is_async: #is_async })
}

/// Writes the hook of a kind of which there is one at most.
fn single(block: &Block, kind: Kind) -> TokenStream {
    let Some(hook) = block.hooks_of(kind).next() else {
        return quote!(::core::option::Option::None);
    };
    let (cfgs, row) = (&hook.cfgs, row(block, hook));
    let some = quote!(::core::option::Option::Some(#row));
    if cfgs.is_empty() {
        return some;
    }
    let otherwise = without(cfgs);
    let local = crate::names::local("hook");
    quote!({
        #(#cfgs)*
        let #local = #some;
        #otherwise
        let #local = ::core::option::Option::None;
        #local
    })
}

/// Writes the list of data migrations.
fn data_migrations(block: &Block) -> TokenStream {
    let path = block.runtime.item("DataMigration");
    let rows = order::data_migrations(block).into_iter().map(|hook| {
        let (cfgs, row, new) = (&hook.cfgs, row(block, hook), hook.options.new);
        let after = hook
            .options
            .version
            .as_ref()
            .map(|version| migrations::version(&version.value()));
        let after = after.unwrap_or_default();
        quote!(#(#cfgs)* #path { hook: #row, after: #after, new: #new },)
    });
    quote!(&[#(#rows)*])
}
