//! Rules for the names of actions and queues, which are methods of the handle too.

use syn::ext::IdentExt as _;

use crate::diagnostics::{Diagnostics, catalogue};
use crate::model::{Hook, Kind};
use crate::suggest;

/// The methods of `ActorRef`, which each handle derefs to. A method of the handle's own would hide
/// them without a word.
const OF_HANDLES: [&str; 16] = [
    "cancel_timer",
    "dead_letters",
    "destroy",
    "discard_dead_letter",
    "info",
    "key",
    "outbox",
    "restart",
    "retry_dead_letter",
    "sleep",
    "status",
    "subscribe",
    "subscribe_with",
    "timer_runs",
    "timers",
    "watch",
];

/// The methods of the traits that handles have and that are in scope without an import, or are
/// called by a path that begins with the handle's name.
const OF_TRAITS: [&str; 14] = [
    "as_ref",
    "borrow",
    "borrow_mut",
    "clone",
    "clone_from",
    "clone_into",
    "deref",
    "fmt",
    "from",
    "into",
    "to_owned",
    "try_from",
    "try_into",
    "type_id",
];

/// An action or a queue does not hide what each handle has, nor takes a name of generated code.
pub(super) fn check(hook: &mut Hook, diagnostics: &mut Diagnostics) {
    if !matches!(hook.kind, Kind::Action | Kind::Queue) {
        return;
    }
    let name = hook.name.unraw().to_string();
    let message = if OF_HANDLES
        .iter()
        .chain(&OF_TRAITS)
        .any(|taken| *taken == name)
    {
        catalogue::name::taken(&name, suggest::list(&OF_HANDLES))
    } else if name.starts_with("__") {
        catalogue::name::reserved(&name)
    } else {
        return;
    };
    diagnostics.at(&hook.name, message);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use syn::{ImplItem, Item, ItemImpl, Type, Visibility};

    use super::*;

    /// The files of Rust in a directory.
    fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// The impls of `ActorRef` in the runtime.
    fn impls_of_handles() -> Vec<ItemImpl> {
        let mut files = Vec::new();
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../actor-core/src");
        sources(&runtime, &mut files);
        let items = files.iter().flat_map(|file| {
            syn::parse_file(&fs::read_to_string(file).unwrap())
                .unwrap()
                .items
        });
        let impls = items.filter_map(|item| match item {
            Item::Impl(item) => Some(item),
            _ => None,
        });
        impls
            .filter(|item| {
                matches!(&*item.self_ty, Type::Path(path)
                    if path.path.segments.last().is_some_and(|last| last.ident == "ActorRef"))
            })
            .collect()
    }

    #[test]
    fn the_names_of_handles_are_those_of_the_runtime() {
        let mut methods = BTreeSet::new();
        for item in impls_of_handles() {
            if item.trait_.is_some() {
                continue;
            }
            for member in item.items {
                if let ImplItem::Fn(method) = member
                    && matches!(method.vis, Visibility::Public(_))
                {
                    methods.insert(method.sig.ident.to_string());
                }
            }
        }
        let known: BTreeSet<String> = OF_HANDLES.map(str::to_owned).into();
        assert_eq!(methods, known);
    }

    #[test]
    fn the_traits_of_handles_have_their_methods_among_the_names() {
        for item in impls_of_handles() {
            let Some((_, path, _)) = &item.trait_ else {
                continue;
            };
            let name = path.segments.last().unwrap().ident.to_string();
            let methods: &[&str] = match name.as_str() {
                "Clone" => &["clone", "clone_from"],
                "Debug" => &["fmt"],
                other => {
                    panic!("add the methods of `{other}`, which handles have now, to the names")
                }
            };
            for method in methods {
                assert!(OF_TRAITS.contains(method), "{method}");
            }
        }
    }
}
