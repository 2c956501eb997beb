//! `impl Actor` and the typed handle.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::WhereClause;

use super::{behind, bounds, durability, duration, lints, option, optional_duration, state};
use crate::model::{Actor, Field, SleepAfter};
use crate::names;

/// Writes all that goes with a struct that has `#[derive(Actor)]`.
pub(crate) fn expand(actor: &Actor) -> TokenStream {
    let fields = [
        (&actor.state, names::local("state")),
        (&actor.vars, names::local("vars")),
    ];
    let fields = fields.into_iter().filter_map(|(field, value)| {
        let name = &field.as_ref()?.name;
        Some(quote!(#name: #value))
    });
    let field = option(actor.state.as_ref().map(|field| {
        let name = &field.name;
        quote!(&mut self.#name)
    }));
    let versions = state::older_versions(actor);
    let has_state = actor.state.as_ref().map(|_| behind::has_state(actor));
    let shape = state::shape_version(actor);
    with_bodies(
        actor,
        &quote!(Self { #(#fields),* }),
        &field,
        &quote!(#has_state #versions #shape),
    )
}

/// Writes the same with bodies that do nothing, for a struct that has mistakes.
pub(crate) fn expand_without_bodies(actor: &Actor) -> TokenStream {
    let nothing = quote!(::core::unreachable!());
    let (has_state, versions) = (behind::has_state(actor), state::any_older_version(actor));
    with_bodies(actor, &nothing, &nothing, &quote!(#has_state #versions))
}

/// Writes all that goes with a struct, with the bodies of the two methods and what is known of the state.
fn with_bodies(
    actor: &Actor,
    assemble: &TokenStream,
    field: &TokenStream,
    of_state: &TokenStream,
) -> TokenStream {
    let (handle, lints, implementation) = (
        handle(actor),
        lints(),
        implementation(actor, assemble, field),
    );
    let conversions = conversions(actor);
    quote! {
        #handle
        #lints
        const _: () = {
            #implementation
            #of_state
            #conversions
        };
    }
}

/// Writes the handle's struct, which has a name of its own and so stands beside the user's.
fn handle(actor: &Actor) -> TokenStream {
    let (ident, visibility, generics) = (&actor.ident, &actor.visibility, &actor.generics);
    let (name, runtime_ref) = (
        names::handle(ident),
        actor.runtime.item_at("ActorRef", ident.span()),
    );
    let (_, arguments, _) = generics.split_for_impl();
    let bounds = has_handlers(actor);
    let title =
        format!(" A handle to [`{ident}`] actors: a key, and a method for each of their actions.");
    let more = " It is cheap to clone, does nothing until a call is awaited or sent, and goes on working when the actor \
                sleeps, crashes or is created anew.";
    quote! {
        #[doc = #title]
        #[doc = ""]
        #[doc = #more]
        #[allow(deprecated, trivial_bounds)]
        #visibility struct #name #generics #bounds {
            actor: #runtime_ref<#ident #arguments>,
        }
    }
}

/// Writes the bounds of the handle. That the actor has its handlers is among them, so that a forgotten `#[actor]` is one
/// error.
fn has_handlers(actor: &Actor) -> Option<WhereClause> {
    let (ident, place) = (&actor.ident, names::at(actor.ident.span()));
    let (_, arguments, _) = actor.generics.split_for_impl();
    let handlers = actor.runtime.item_at("Handlers", place);
    bounds::with(
        &actor.generics,
        &quote_spanned!(place=> #ident #arguments: #handlers),
    )
}

/// Writes what makes the handle a handle: it is made from an untyped one, and can do all that the untyped one can.
fn conversions(actor: &Actor) -> TokenStream {
    let (ident, name) = (&actor.ident, names::handle(&actor.ident));
    let runtime_ref = actor.runtime.item_at("ActorRef", ident.span());
    let (generics, arguments, _) = actor.generics.split_for_impl();
    let bounds = has_handlers(actor);
    let (inner, formatter) = (names::local("actor"), names::local("formatter"));
    quote! {
        #[automatically_derived]
        impl #generics ::core::clone::Clone for #name #arguments #bounds {
            fn clone(&self) -> Self {
                Self { actor: ::core::clone::Clone::clone(&self.actor) }
            }
        }
        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #name #arguments #bounds {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.actor, #formatter)
            }
        }
        #[automatically_derived]
        impl #generics ::core::convert::From<#runtime_ref<#ident #arguments>> for #name #arguments #bounds {
            fn from(#inner: #runtime_ref<#ident #arguments>) -> Self {
                Self { actor: #inner }
            }
        }
        #[automatically_derived]
        impl #generics ::core::ops::Deref for #name #arguments #bounds {
            type Target = #runtime_ref<#ident #arguments>;
            fn deref(&self) -> &Self::Target {
                &self.actor
            }
        }
    }
}

/// Writes `impl Actor`.
fn implementation(actor: &Actor, assemble: &TokenStream, state_field: &TokenStream) -> TokenStream {
    let (ident, runtime, name) = (&actor.ident, &actor.runtime, &actor.name);
    let (generics, arguments, bounds) = actor.generics.split_for_impl();
    let (trait_path, state_path) = (runtime.item("Actor"), runtime.item("State"));
    let (options_path, options) = (runtime.item("Options"), options(actor));
    let unit = || quote!(());
    let ty = |field: Option<&Field>| {
        field.map_or_else(unit, |field| {
            let ty = &field.ty;
            quote!(#ty)
        })
    };
    let (state_type, vars_type) = (ty(actor.state.as_ref()), ty(actor.vars.as_ref()));
    let (state, vars) = (names::local("state"), names::local("vars"));
    let version = state::current(actor);
    quote! {
        #[automatically_derived]
        impl #generics #trait_path for #ident #arguments #bounds {
            const NAME: &'static str = #name;
            const OPTIONS: #options_path = #options;
            type State = #state_type;
            type Vars = #vars_type;
            const __STATE_VERSION: i32 = #version;
            fn __assemble(#state: #state_path<Self::State>, #vars: Self::Vars) -> Self {
                #assemble
            }
            fn __state(&mut self) -> ::core::option::Option<&mut #state_path<Self::State>> {
                #state_field
            }
        }
    }
}

/// Writes the options: what the user set, and the defaults for the rest.
fn options(actor: &Actor) -> TokenStream {
    let (options, timeouts) = (
        actor.runtime.item("Options"),
        actor.runtime.item("Timeouts"),
    );
    let sleep_after = actor.options.sleep_after.map(|time| {
        let time = match time {
            SleepAfter::Never => optional_duration(None),
            SleepAfter::Time(time) => optional_duration(Some(time)),
        };
        quote!(sleep_after: #time,)
    });
    let mailbox = actor
        .options
        .mailbox
        .as_ref()
        .map(|number| quote!(mailbox: #number,));
    let durability = actor.options.durability.map(|choice| {
        let choice = durability(&actor.runtime, Some(choice));
        quote!(durability: #choice,)
    });
    let restarts = actor
        .options
        .restarts
        .as_ref()
        .map(|number| quote!(restarts: #number,));
    let restart_window = actor.options.restart_window.map(|time| {
        let time = duration(time);
        quote!(restart_window: #time,)
    });
    let limits = actor.options.timeouts.iter().map(|(key, time)| {
        let time = duration(*time);
        quote!(#key: #time,)
    });
    quote! {
        #options {
            #sleep_after
            #mailbox
            #durability
            #restarts
            #restart_window
            timeouts: #timeouts { #(#limits)* ..#timeouts::DEFAULT },
            ..#options::DEFAULT
        }
    }
}
