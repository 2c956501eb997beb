//! `impl Handlers`: how the runtime reaches the user's methods.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use super::messages::{self, generic_arm, variant};
use super::{behind, bounds, concrete, state, tables, without};
use crate::migrations::Embedded;
use crate::model::{Block, Hook, Kind};
use crate::names;

/// The methods that run through `__hook`.
const WITH_SELF: [Kind; 4] = [
    Kind::OnWake,
    Kind::OnBeforeStart,
    Kind::OnSleep,
    Kind::OnDestroy,
];

/// Writes the impl.
pub(super) fn expand(block: &Block, set: Option<&Embedded>) -> TokenStream {
    let handlers = block.runtime.item("Handlers");
    let (generics, arguments, _) = block.item.generics.split_for_impl();
    let bounds = bounds::of_handlers(block);
    let (actor, handle) = (&block.item.self_ty, &block.handle);
    let (message, reply) = (names::message(), names::reply());
    let input = input(block);
    let (migrations, hooks) = (tables::migrations(block, set), tables::hooks(block));
    let (action, stored, dispatch) = (action(block), messages::stored(block), dispatch(block));
    let calls = [
        data_migration(block),
        state::migrate(block),
        create_state(block),
        on_create(block),
        create_vars(block),
        hook(block),
        behind::expand(block),
        run(block),
    ];
    quote! {
        #[automatically_derived]
        impl #generics #handlers for #actor #bounds {
            type Handle = #handle;
            #input
            type Message = #message #arguments;
            type Reply = #reply #arguments;
            #migrations
            #hooks
            #action
            #stored
            #(#calls)*
            #dispatch
        }
    }
}

/// Writes `Input`: the second parameter of `create_state`.
fn input(block: &Block) -> TokenStream {
    let hook = block.hooks_of(Kind::CreateState).next();
    let input = hook.and_then(|hook| {
        hook.signature
            .arguments
            .first()
            .map(|argument| (hook, argument))
    });
    let Some((hook, argument)) = input else {
        return quote!(
            type Input = ();
        );
    };
    let (cfgs, ty) = (
        &hook.cfgs,
        concrete(&argument.written.ty, &block.item.self_ty),
    );
    if cfgs.is_empty() {
        return quote!(type Input = #ty;);
    }
    let otherwise = without(cfgs);
    quote! {
        #(#cfgs)*
        type Input = #ty;
        #otherwise
        type Input = ();
    }
}

/// Writes `__action`.
fn action(block: &Block) -> TokenStream {
    let (info, enumeration, message) = (
        block.runtime.item("ActionInfo"),
        names::action(),
        names::local("message"),
    );
    let arms = tables::action_infos(block).map(|(action, row)| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        quote! {
            #(#cfgs)*
            #enumeration::#variant(..) => const { &#row },
        }
    });
    let generic = generic_arm(block, &enumeration);
    let (whole, inner) = (names::message(), names::local("inner"));
    quote! {
        fn __action(#message: &Self::Message) -> &'static #info {
            let #whole(#inner) = #message;
            match *#inner { #(#arms)* #generic }
        }
    }
}

/// Writes `__act` and `__dispatch`: the actions that do not wait, and those that may.
fn dispatch(block: &Block) -> TokenStream {
    let (context, failure, result) = (
        block.runtime.item("Context"),
        block.runtime.item("Failure"),
        result(),
    );
    let (message, cx) = (names::local("message"), names::local("cx"));
    let (now, later) = (arms(block, false), arms(block, true));
    let (whole, inner) = (names::message(), names::local("inner"));
    quote! {
        fn __act(&mut self, #message: Self::Message, #cx: &mut #context<'_, Self>) -> #result<Self::Reply, #failure> {
            let #whole(#inner) = #message;
            match #inner { #now }
        }
        async fn __dispatch(&mut self, #message: Self::Message, #cx: &mut #context<'_, Self>) -> #result<Self::Reply, #failure> {
            let #whole(#inner) = #message;
            match #inner { #later }
        }
    }
}

/// Writes the match arms of the actions that may wait, or of those that do not.
fn arms(block: &Block, may_wait: bool) -> TokenStream {
    let (enumeration, reply, result) = (names::action(), names::reply(), result());
    let actions = || block.hooks_of(Kind::Action);
    let (these, others): (Vec<_>, Vec<_>) =
        actions().partition(|action| action.signature.is_async == may_wait);
    let arms = these.into_iter().map(|action| {
        let (cfgs, variant) = (&action.cfgs, variant(action));
        let arguments: Vec<Ident> = (0..action.signature.arguments.len())
            .map(|n| names::local(&n.to_string()))
            .collect();
        let call = call(block, action, &arguments);
        quote! {
            #(#cfgs)*
            #enumeration::#variant(#(#arguments),*) => #result::map(#call, #reply::#variant),
        }
    });
    let generic = generic_arm(block, &enumeration);
    let others = (!others.is_empty())
        .then(|| quote!(_ => ::core::unreachable!("the runtime knows which actions may wait"),));
    quote!(#(#arms)* #generic #others)
}

/// Writes the call of a user's method, and makes the runtime's result of what it returns.
pub(super) fn call(block: &Block, hook: &Hook, arguments: &[Ident]) -> TokenStream {
    let (name, runtime) = (&hook.name, &block.runtime);
    // A future that cannot go to another thread is an error at the name of the method.
    let here = names::at(name.span());
    let this = hook
        .signature
        .receiver
        .map(|_| quote_spanned!(here=> self,));
    let context = hook.signature.context.as_ref().map(|context| {
        // A stage that does not fit is an error of the type that the user wrote.
        let place = names::at(context.ty.span());
        let path = runtime.item_at("Context", place);
        let cx = names::local("cx");
        quote_spanned!(place=> &mut #path::stage(#cx),)
    });
    let returned = quote_spanned!(here=> Self::#name(#this #context #(#arguments),*));
    let finished = if hook.signature.is_async {
        let handler = runtime.item_at("handler", here);
        quote_spanned!(here=> #handler(#returned).await)
    } else {
        returned
    };
    let place = hook
        .signature
        .returns
        .as_ref()
        .map_or_else(|| name.span(), syn::spanned::Spanned::span);
    let outcome = runtime.item_at("outcome", place);
    quote_spanned!(names::at(place)=> #outcome(#finished))
}

/// Writes the match over the ids of some hooks.
fn by_id(block: &Block, kinds: &[Kind], arguments: &[Ident]) -> TokenStream {
    let id = names::local("id");
    let hooks = block.hooks.iter().filter(|hook| kinds.contains(&hook.kind));
    let arms = hooks.map(|hook| {
        let (cfgs, id, call) = (&hook.cfgs, hook.id, call(block, hook, arguments));
        quote!(#(#cfgs)* #id => #call,)
    });
    quote! {
        match #id {
            #(#arms)*
            _ => ::core::unreachable!("no hook of this step has the id {}", #id),
        }
    }
}

/// Writes `__data_migration`.
fn data_migration(block: &Block) -> TokenStream {
    let (context, stage) = (
        block.runtime.item("Context"),
        block.runtime.item("Migrating"),
    );
    let (failure, result, id, cx) = (
        block.runtime.item("Failure"),
        result(),
        names::local("id"),
        names::local("cx"),
    );
    let body = by_id(block, &[Kind::DataMigration], &[]);
    quote! {
        async fn __data_migration(#id: u32, #cx: &mut #context<'_, Self, #stage>) -> #result<(), #failure> { #body }
    }
}

/// Writes `__on_create`.
fn on_create(block: &Block) -> TokenStream {
    let (context, stage) = (
        block.runtime.item("Context"),
        block.runtime.item("Stateful"),
    );
    let (failure, result, id, cx) = (
        block.runtime.item("Failure"),
        result(),
        names::local("id"),
        names::local("cx"),
    );
    let body = by_id(block, &[Kind::OnCreate], &[]);
    quote! {
        async fn __on_create(#id: u32, #cx: &mut #context<'_, Self, #stage>) -> #result<(), #failure> { #body }
    }
}

/// Writes `__hook`.
fn hook(block: &Block) -> TokenStream {
    let (context, step) = (block.runtime.item("Context"), block.runtime.item("Step"));
    let (failure, result, id, cx) = (
        block.runtime.item("Failure"),
        result(),
        names::local("id"),
        names::local("cx"),
    );
    let body = by_id(block, &WITH_SELF, &[]);
    quote! {
        async fn __hook(&mut self, _: #step, #id: u32, #cx: &mut #context<'_, Self>) -> #result<(), #failure> { #body }
    }
}

/// Writes `__run`.
fn run(block: &Block) -> TokenStream {
    let (failure, result, id) = (block.runtime.item("Failure"), result(), names::local("id"));
    let (background, task) = (block.runtime.item("Background"), names::local("background"));
    let body = by_id(block, &[Kind::Run], std::slice::from_ref(&task));
    quote! {
        async fn __run(#id: u32, #task: #background<Self>) -> #result<(), #failure> { #body }
    }
}

/// Writes `__create_state`.
fn create_state(block: &Block) -> TokenStream {
    let (actor, context, stage) = (
        block.runtime.item("Actor"),
        block.runtime.item("Context"),
        block.runtime.item("Migrated"),
    );
    let (failure, result, cx, input) = (
        block.runtime.item("Failure"),
        result(),
        names::local("cx"),
        names::local("input"),
    );
    let hook = block.hooks_of(Kind::CreateState).next();
    let takes_input = hook.is_some_and(|hook| !hook.signature.arguments.is_empty());
    let arguments = if takes_input {
        vec![input.clone()]
    } else {
        Vec::new()
    };
    let body = or_default(
        block,
        hook,
        &quote_spanned!(place(block)=> <Self as #actor>::State),
        &arguments,
    );
    quote! {
        async fn __create_state(#cx: &mut #context<'_, Self, #stage>, #input: Self::Input)
            -> #result<<Self as #actor>::State, #failure> { #body }
    }
}

/// Writes `__create_vars`.
fn create_vars(block: &Block) -> TokenStream {
    let (actor, context, stage) = (
        block.runtime.item("Actor"),
        block.runtime.item("Context"),
        block.runtime.item("Stateful"),
    );
    let (failure, result, cx) = (block.runtime.item("Failure"), result(), names::local("cx"));
    let body = or_default(
        block,
        block.hooks_of(Kind::CreateVars).next(),
        &quote_spanned!(place(block)=> <Self as #actor>::Vars),
        &[],
    );
    quote! {
        async fn __create_vars(#cx: &mut #context<'_, Self, #stage>) -> #result<<Self as #actor>::Vars, #failure> { #body }
    }
}

/// Writes the call of the hook that makes a value, or the default where there is no hook.
fn or_default(
    block: &Block,
    hook: Option<&Hook>,
    ty: &TokenStream,
    arguments: &[Ident],
) -> TokenStream {
    let place = place(block);
    let (or_default, result) = (block.runtime.item_at("or_default", place), result());
    let default = quote_spanned!(names::at(place)=> #result::Ok(#or_default::<#ty>()));
    let Some(hook) = hook else { return default };
    let (cfgs, call) = (&hook.cfgs, call(block, hook, arguments));
    if cfgs.is_empty() {
        return call;
    }
    let (otherwise, made) = (without(cfgs), names::local("made"));
    quote! {
        #(#cfgs)*
        let #made = #call;
        #otherwise
        let #made = #default;
        #made
    }
}

/// Where errors about what is missing from a block point at: the name of the actor.
fn place(block: &Block) -> Span {
    names::at(block.item.self_ty.span())
}

/// The path of `Result`.
fn result() -> TokenStream {
    quote!(::core::result::Result)
}
