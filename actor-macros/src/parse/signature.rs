//! The parts of a method's signature.

use quote::ToTokens as _;
use syn::visit::Visit;
use syn::{
    FnArg, GenericArgument, Lifetime, Pat, PatType, PathArguments, ReturnType, Type, TypeReference,
};

use crate::model::{Argument, AskedStage, Context, Kind, Receiver, Signature, Stage};
use crate::names;

/// Reads a signature as far as it goes; `validate` says what is wrong with it.
pub(super) fn parse(kind: Kind, signature: &syn::Signature) -> Signature {
    let mut receiver = None;
    let mut context = None;
    let mut arguments = Vec::new();
    for (index, input) in signature.inputs.iter().enumerate() {
        match input {
            FnArg::Receiver(written) => receiver = Some(parse_receiver(written)),
            FnArg::Typed(written) => {
                let is_first = context.is_none() && arguments.is_empty();
                match parse_context(written).filter(|_| is_first && kind.has_context()) {
                    Some(parsed) => context = Some(parsed),
                    None => arguments.push(parse_argument(index, written)),
                }
            }
        }
    }
    Signature {
        is_async: signature.asyncness.is_some(),
        receiver,
        context,
        arguments,
        returns: match &signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some((**ty).clone()),
        },
    }
}

/// Reads how `self` is taken. `self: &Self` is another way to write `&self`.
fn parse_receiver(written: &syn::Receiver) -> Receiver {
    match &*written.ty {
        Type::Reference(reference) if is_self(&reference.elem) => {
            if reference.mutability.is_some() {
                Receiver::Exclusive
            } else {
                Receiver::Shared
            }
        }
        _ => Receiver::Other,
    }
}

/// Whether a type is `Self`.
fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Self"))
}

/// Reads a parameter as a context, if it looks like one: `Context<…>`, borrowed or not, or any `&mut Name<…>`, which may
/// be the user's alias for one, and could be nothing else.
fn parse_context(written: &PatType) -> Option<Context> {
    let (inner, is_mut, is_borrowed) = match &*written.ty {
        Type::Reference(reference) => (&*reference.elem, reference.mutability.is_some(), true),
        ty => (ty, false, false),
    };
    let Type::Path(path) = inner else { return None };
    let last = path.path.segments.last()?;
    let is_context = last.ident == "Context";
    let may_be_alias = is_borrowed && is_mut;
    if !(is_context || may_be_alias) {
        return None;
    }
    let stage = if is_context {
        asked_stage(&last.arguments)
    } else {
        AskedStage::Unclear
    };
    let name = match &*written.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            Some(name.ident.clone())
        }
        _ => None,
    };
    Some(Context {
        name,
        ty: (*written.ty).clone(),
        is_mut,
        stage,
    })
}

/// Finds the stage in `<'_, Self, Stage>`.
fn asked_stage(arguments: &PathArguments) -> AskedStage {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return AskedStage::Unclear;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    match types.collect::<Vec<_>>().as_slice() {
        [_] => AskedStage::Default,
        [_, Type::Path(path)] => path
            .path
            .segments
            .last()
            .map_or(AskedStage::Unclear, |last| {
                let stage = Stage::ALL
                    .into_iter()
                    .find(|stage| last.ident == stage.name());
                stage.map_or(AskedStage::Unclear, |stage| {
                    AskedStage::Named(stage, last.ident.clone())
                })
            }),
        _ => AskedStage::Unclear,
    }
}

/// Reads one argument.
fn parse_argument(index: usize, written: &PatType) -> Argument {
    let plain = match &*written.pat {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            Some(name.ident.clone())
        }
        _ => None,
    };
    Argument {
        is_plain: plain.is_some(),
        name: plain.unwrap_or_else(|| names::local(&format!("argument_{index}"))),
        written: written.clone(),
    }
}

/// Whether the type of a parameter is a context at any position, for the message about its place.
pub(crate) fn is_context(ty: &Type) -> bool {
    let inner = match ty {
        Type::Reference(reference) => &*reference.elem,
        ty => ty,
    };
    matches!(inner, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Context"))
}

/// Whether a type has a reference or a lifetime in it, be it `'static`: a value of it cannot be read from the disk.
pub(crate) fn has_lifetime(ty: &Type) -> bool {
    /// Looks for a reference or a lifetime.
    struct Lifetimes(bool);

    impl<'ast> Visit<'ast> for Lifetimes {
        fn visit_type_reference(&mut self, _: &'ast TypeReference) {
            self.0 = true;
        }

        fn visit_lifetime(&mut self, _: &'ast Lifetime) {
            self.0 = true;
        }
    }

    let mut lifetimes = Lifetimes(false);
    lifetimes.visit_type(ty);
    lifetimes.0
}

/// Types that everybody knows and that are not results. A generic type of another name may be an alias for one.
const PLAIN: [&str; 7] = [
    "BTreeMap", "Box", "HashMap", "HashSet", "Option", "Vec", "VecDeque",
];

/// Whether a type is plainly not a `Result`: a well-known one, or a name without arguments that does not end with it.
pub(crate) fn is_plain_value(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let is_known = PLAIN.iter().any(|plain| last.ident == plain);
            let is_named_result = last.ident.to_string().ends_with("Result");
            is_known || (last.arguments.is_none() && !is_named_result)
        }),
        Type::Tuple(_) | Type::Array(_) => true,
        _ => false,
    }
}

/// A type as the user would write it.
pub(crate) fn written(ty: &Type) -> String {
    let tokens = ty.to_token_stream().to_string();
    let tidy = [
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" :: ", "::"),
        ("& ", "&"),
        ("( ", "("),
        (" )", ")"),
    ];
    tidy.iter()
        .fold(tokens, |text, (from, to)| text.replace(from, to))
}
