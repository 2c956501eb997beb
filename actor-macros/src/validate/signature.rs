//! Rules for the signatures of hooks and actions.

use quote::ToTokens as _;
use syn::{FnArg, Type};

use super::types;
use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{AskedStage, Hook, Kind, Receiver, Stage};
use crate::parse::signature::{has_lifetime, is_context, is_plain_value, written};

/// How many arguments an action takes at most: as many as the longest tuple that `serde` knows, so that each action can be stored.
const ARGUMENTS_MAX: usize = 16;

/// Checks the signature of one method.
pub(super) fn check(hook: &mut Hook, diagnostics: &mut Diagnostics) {
    let before = diagnostics.count();
    check_plain(hook, diagnostics);
    check_arguments(hook, diagnostics);
    check_returned_type(hook, diagnostics);
    hook.callable &= diagnostics.count() == before;
    check_receiver(hook, diagnostics);
    check_context(hook, diagnostics);
    check_stage(hook, diagnostics);
    check_parameter_count(hook, diagnostics);
    check_migrate(hook, diagnostics);
    check_run(hook, diagnostics);
    check_behind(hook, diagnostics);
    check_queue(hook, diagnostics);
    check_returns(hook, diagnostics);
}

/// The runtime calls the method, so nothing is left to choose or to promise.
fn check_plain(hook: &Hook, diagnostics: &mut Diagnostics) {
    let signature = &hook.method.sig;
    if !signature.generics.params.is_empty() {
        diagnostics.at(
            &signature.generics.params,
            catalogue::signature::generic(&hook.name),
        );
    }
    if let Some(keyword) = &signature.unsafety {
        diagnostics.at(keyword, catalogue::signature::unsafe_fn(&hook.name));
    }
}

/// What runs after `create_vars` has a `self` and borrows it; what runs earlier, or beside the actor, has none.
fn check_receiver(hook: &Hook, diagnostics: &mut Diagnostics) {
    let name = &hook.name;
    let written = hook.method.sig.receiver();
    match (hook.kind.has_self(), hook.signature.receiver) {
        (true, None) => diagnostics.at(name, catalogue::signature::missing_self(name)),
        (true, Some(Receiver::Other)) => {
            diagnostics.at(written, catalogue::signature::self_by_value(name));
        }
        (false, Some(_)) => match hook.kind {
            Kind::Migrate | Kind::Queue => {}
            Kind::Run => diagnostics.at(written, catalogue::signature::self_in_run(name)),
            kind => diagnostics.at(
                written,
                catalogue::signature::self_too_early(name, kind.name()),
            ),
        },
        (true, Some(_)) | (false, None) => {}
    }
}

/// The first parameter is a context, borrowed mutably.
fn check_context(hook: &Hook, diagnostics: &mut Diagnostics) {
    if !hook.kind.has_context() {
        return;
    }
    let (name, wanted) = (&hook.name, hook.kind.stage().parameter());
    match &hook.signature.context {
        Some(context) if context.is_mut => {}
        Some(context) => diagnostics.at(&context.ty, catalogue::signature::context_not_mut(wanted)),
        None => {
            let misplaced = hook
                .signature
                .arguments
                .iter()
                .find(|argument| is_context(&argument.written.ty));
            match misplaced {
                Some(argument) => diagnostics.at(
                    &argument.written,
                    catalogue::signature::context_not_first(name),
                ),
                None => diagnostics.at(name, catalogue::signature::missing_context(name, wanted)),
            }
        }
    }
}

/// A context offers what its step has: the stage of the step or an earlier one. Where there is a `self`, the state is in it.
fn check_stage(hook: &Hook, diagnostics: &mut Diagnostics) {
    let Some(context) = &hook.signature.context else {
        return;
    };
    let (kind, reached) = (hook.kind, hook.kind.stage());
    match &context.stage {
        AskedStage::Named(Stage::Stateful, token) if reached == Stage::Ready => {
            diagnostics.at(token, catalogue::signature::stage_with_self(kind.name()));
        }
        AskedStage::Named(asked, token) if *asked > reached => {
            let missing = match asked {
                Stage::Migrating | Stage::Migrated => "the schema is not current yet",
                Stage::Stateful => "the state does not exist yet",
                Stage::Ready => "the actor does not run yet",
            };
            let message = catalogue::signature::stage_too_late(
                kind.name(),
                asked.name(),
                missing,
                reached.name(),
            );
            diagnostics.at(token, message);
        }
        AskedStage::Default if reached != Stage::Ready => {
            diagnostics.at(
                &context.ty,
                catalogue::signature::stage_not_named(kind.name(), reached.name()),
            );
        }
        AskedStage::Named(..) | AskedStage::Default | AskedStage::Unclear => {}
    }
}

/// Only actions have arguments, and `create_state` has one input.
fn check_parameter_count(hook: &Hook, diagnostics: &mut Diagnostics) {
    let (name, arguments) = (&hook.name, &hook.signature.arguments);
    if hook.signature.context.is_none() {
        return;
    }
    match (hook.kind, arguments.as_slice()) {
        (Kind::CreateState, [_, second, ..]) => {
            diagnostics.at(&second.written, catalogue::signature::two_inputs(name));
        }
        (Kind::Action | Kind::CreateState, _) | (_, []) => {}
        (kind, _) if kind.runs_behind() => {}
        (kind, [first, ..]) => {
            diagnostics.at(
                &first.written,
                catalogue::signature::too_many_parameters(name, kind.name()),
            );
        }
    }
}

/// `#[migrate]` stands on an empty `fn name() {}`, which is never called.
fn check_migrate(hook: &Hook, diagnostics: &mut Diagnostics) {
    if hook.kind != Kind::Migrate {
        return;
    }
    let (name, signature) = (&hook.name, &hook.method.sig);
    let returned = match &signature.output {
        syn::ReturnType::Default => None,
        syn::ReturnType::Type(_, ty) => Some(ty.to_token_stream()),
    };
    let parameters = (!signature.inputs.is_empty()).then(|| signature.inputs.to_token_stream());
    let asyncness = signature.asyncness.map(|keyword| keyword.to_token_stream());
    for wrong in [asyncness, parameters, returned].into_iter().flatten() {
        diagnostics.at(wrong, catalogue::migrate::shape(name));
    }
    if let [first, ..] = hook.method.block.stmts.as_slice() {
        diagnostics.at(first, catalogue::migrate::body(name));
    }
}

/// `#[queue]` stands on an empty `fn name(message: Message) -> Reply {}`, which says what the queue holds.
fn check_queue(hook: &mut Hook, diagnostics: &mut Diagnostics) {
    if hook.kind != Kind::Queue {
        return;
    }
    let before = diagnostics.count();
    let (name, signature) = (&hook.name, &hook.method.sig);
    if let Some(keyword) = &signature.asyncness {
        diagnostics.at(keyword, catalogue::queue::shape(name));
    }
    let mut inputs = signature.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (None, _) => diagnostics.at(name, catalogue::queue::shape(name)),
        (Some(FnArg::Receiver(receiver)), _) => {
            diagnostics.at(receiver, catalogue::queue::shape(name));
        }
        (Some(_), Some(second)) => diagnostics.at(second, catalogue::queue::shape(name)),
        (Some(FnArg::Typed(message)), None) => {
            if is_context(&message.ty) {
                diagnostics.at(message, catalogue::queue::shape(name));
            } else if has_lifetime(&message.ty) {
                diagnostics.at(&message.ty, catalogue::queue::borrows(name));
            } else if let Some(impl_trait) = types::impl_trait(&message.ty) {
                diagnostics.at(impl_trait, catalogue::queue::borrows(name));
            }
        }
    }
    if let Some(reply) = &hook.signature.returns
        && has_lifetime(reply)
    {
        diagnostics.at(reply, catalogue::queue::borrows(name));
    }
    if let [first, ..] = hook.method.block.stmts.as_slice() {
        diagnostics.at(first, catalogue::queue::body(name));
    }
    hook.callable &= diagnostics.count() == before;
}

/// A background task is async, and gets a handle to its actor in place of a `self` and a context.
fn check_run(hook: &Hook, diagnostics: &mut Diagnostics) {
    if hook.kind != Kind::Run {
        return;
    }
    let (name, signature) = (&hook.name, &hook.method.sig);
    if !hook.signature.is_async {
        diagnostics.at(
            signature.fn_token,
            catalogue::signature::run_not_async(name),
        );
    }
    let typed: Vec<_> = signature
        .inputs
        .iter()
        .filter(|input| matches!(input, FnArg::Typed(_)))
        .collect();
    match (typed.as_slice(), hook.signature.arguments.as_slice()) {
        ([_], [only]) if is_context(&only.written.ty) => {
            diagnostics.at(&only.written, catalogue::signature::run_parameters(name));
        }
        ([_], _) => {}
        ([], _) => diagnostics.at(name, catalogue::signature::run_parameters(name)),
        ([_, second, ..], _) => diagnostics.at(second, catalogue::signature::run_parameters(name)),
    }
}

/// What runs behind a change or an error is in a transaction that calls share, so it does not wait. It may be told what was before,
/// and is told what failed.
fn check_behind(hook: &Hook, diagnostics: &mut Diagnostics) {
    if !hook.kind.runs_behind() {
        return;
    }
    let (name, kind) = (&hook.name, hook.kind.name());
    if let Some(keyword) = &hook.method.sig.asyncness {
        diagnostics.at(keyword, catalogue::signature::hook_waits(name, kind));
    }
    if hook.signature.context.is_none() {
        return;
    }
    let is_shared =
        |ty: &Type| matches!(ty, Type::Reference(reference) if reference.mutability.is_none());
    let wrong = match hook.signature.arguments.as_slice() {
        [] if hook.kind == Kind::OnError => name.to_token_stream(),
        [told, ..] if !is_shared(&told.written.ty) => told.written.ty.to_token_stream(),
        [_, second, ..] => second.written.to_token_stream(),
        _ => return,
    };
    let message = match hook.kind {
        Kind::OnError => catalogue::signature::error_parameters(name),
        _ => catalogue::signature::state_change_parameters(name),
    };
    diagnostics.at(wrong, message);
}

/// Arguments travel in a message and inputs in a request, so they are owned, and have a name and a type.
fn check_arguments(hook: &Hook, diagnostics: &mut Diagnostics) {
    if !matches!(hook.kind, Kind::Action | Kind::CreateState) {
        return;
    }
    let name = &hook.name;
    let count = hook.signature.arguments.len();
    if hook.kind == Kind::Action && count > ARGUMENTS_MAX {
        let message = catalogue::signature::too_many_arguments(name, count, ARGUMENTS_MAX);
        diagnostics.at(&hook.signature.arguments[ARGUMENTS_MAX].written, message);
    }
    for argument in hook
        .signature
        .arguments
        .iter()
        .filter(|argument| !is_context(&argument.written.ty))
    {
        let (ty, written) = (&*argument.written.ty, &argument.written);
        if let [attribute, ..] = written.attrs.as_slice() {
            diagnostics.at(attribute, catalogue::signature::argument_attribute(name));
        }
        if !argument.is_plain && hook.kind == Kind::Action {
            diagnostics.at(&written.pat, catalogue::signature::argument_pattern(name));
        }
        if let Some(borrow) = types::borrowed(ty) {
            diagnostics.at(
                borrow,
                catalogue::signature::borrowed_argument(name, owned_instead_of(ty)),
            );
        }
        if let Some(impl_trait) = types::impl_trait(ty) {
            diagnostics.at(impl_trait, catalogue::signature::impl_argument(name));
        }
        if let Some(path) = types::bound_to_thread(ty) {
            diagnostics.at(path, catalogue::signature::bound_to_thread(name));
        }
    }
}

/// What to take in place of a borrowed argument.
fn owned_instead_of(ty: &Type) -> &'static str {
    match ty {
        Type::Reference(reference) if matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str")) => {
            "take a `String`; the handle then takes everything that is `Into<String>`"
        }
        Type::Reference(reference) if matches!(&*reference.elem, Type::Slice(_)) => "take a `Vec`",
        _ => "take an owned value",
    }
}

/// A reply leaves the actor, so it is owned and its type has a name.
fn check_returned_type(hook: &Hook, diagnostics: &mut Diagnostics) {
    let (Kind::Action, Some(ty)) = (hook.kind, &hook.signature.returns) else {
        return;
    };
    if let Some(borrow) = types::borrowed(ty) {
        diagnostics.at(borrow, catalogue::signature::borrowed_reply(&hook.name));
    }
    if let Some(impl_trait) = types::impl_trait(ty) {
        diagnostics.at(impl_trait, catalogue::signature::impl_reply(&hook.name));
    }
    if let Some(path) = types::bound_to_thread(ty) {
        diagnostics.at(path, catalogue::signature::bound_to_thread(&hook.name));
    }
}

/// Every hook and action can fail, so it returns a `Result`.
fn check_returns(hook: &Hook, diagnostics: &mut Diagnostics) {
    if matches!(hook.kind, Kind::Migrate | Kind::Queue) {
        return;
    }
    let message = || catalogue::signature::no_result(&hook.name);
    match &hook.signature.returns {
        None => diagnostics.at(&hook.name, message()),
        Some(Type::Tuple(unit)) if unit.elems.is_empty() => diagnostics.at(unit, message()),
        Some(ty) if is_plain_value(ty) => {
            diagnostics.at(
                ty,
                catalogue::signature::not_a_result(&hook.name, written(ty)),
            );
        }
        Some(_) => {}
    }
}
