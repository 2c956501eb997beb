//! Who reports what is wrong with a directory: `schema!` and `#[migrate]` read the same files, and
//! one mistake is one error.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// One mistake, and the macro call that reports it.
struct Reported {
    package: PathBuf,
    dir: String,
    message: String,
    by: String,
}

/// What was reported in this compiler. An editor keeps one compiler for long, so that a call which
/// reported a mistake does so each time that it is expanded.
static REPORTED: Mutex<Vec<Reported>> = Mutex::new(Vec::new());

/// Returns whether the macro call `by` is the one that reports a mistake in `dir`: the first that
/// found it.
pub(crate) fn is_first(package: &Path, dir: &str, message: &str, by: &str) -> bool {
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = reported
        .iter()
        .find(|known| known.package == package && known.dir == dir && known.message == message);
    if let Some(known) = known {
        return known.by == by;
    }
    reported.push(Reported {
        package: package.to_owned(),
        dir: dir.to_owned(),
        message: message.to_owned(),
        by: by.to_owned(),
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_who_finds_a_mistake_reports_it_each_time() {
        let package = Path::new("/only/here");
        assert!(is_first(package, "a", "wrong", "schema"));
        assert!(!is_first(package, "a", "wrong", "actor"));
        assert!(is_first(package, "a", "wrong", "schema"));
        assert!(is_first(package, "a", "another", "actor"));
        assert!(is_first(package, "b", "wrong", "actor"));
    }
}
