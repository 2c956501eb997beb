//! Code of the user's that is no hook and no action, such as a `Serialize` or a `Drop`: its panics are caught, too.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::actor::Handlers;
use crate::failure::Failure;
use crate::runtime::cell::Cell;

/// Runs code of the user's, and returns the text of its panic. What it leaves in memory half done must not be used any more.
pub(super) fn guarded<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| Failure::panic_text(&*payload))
}

/// Drops what is the user's and of no use any more. That it panics harms nobody.
pub(super) fn discard<A: Handlers, T>(cell: &Cell<A>, value: T) {
    if let Err(panic) = guarded(|| drop(value)) {
        let key = cell.key();
        tracing::error!(actor = A::NAME, %key, error = panic, "a `Drop` panicked");
    }
}
