//! The one place that runs code of the user's that may panic, and makes text of what it left: of panics and of errors.
//!
//! # Invariants
//!
//! 1. Neither the `Drop` of a panic's payload, nor that of an error, nor its `Display` or `Debug` gets a panic past this module.
//! 2. Text that is kept is bounded, however much the user's code writes.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::limits;

/// Runs code of the user's, and returns the text of its panic. What it leaves in memory half done must not be used any more.
pub(crate) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(panic_text)
}

/// Drops a value of the user's. Returns the text of the panic if that panics.
pub(crate) fn dropped<T>(value: T) -> Result<(), String> {
    if !std::mem::needs_drop::<T>() {
        return Ok(());
    }
    caught(|| drop(value))
}

/// Makes text of what a panic carried, and drops that.
pub(crate) fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let mut text = Bounded::default();
    // A text that is too long is cut, which is no failure.
    let _ = match payload.downcast_ref::<&'static str>() {
        Some(known) => text.write_str(known),
        None => match payload.downcast_ref::<String>() {
            Some(made) => text.write_str(made),
            None => text.write_str("the panic carried no text"),
        },
    };
    forget_panics(payload);
    text.into_text()
}

/// INVARIANT 1: drops a payload. What the payload of that panic would do is not tried.
fn forget_panics(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// Makes text of an error to be stored or logged.
pub(crate) fn error_text(error: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = Bounded::default();
    let shown = caught(|| write!(text, "{error}"));
    if text.is_cut {
        return text.into_text();
    }
    match shown {
        Ok(Ok(())) => {}
        Ok(Err(fmt::Error)) => drop(text.write_str(" (its `Display` failed)")),
        Err(panic) => drop(write!(text, " (its `Display` panicked: {panic})")),
    }
    text.into_text()
}

/// Text of a bounded length.
#[derive(Default)]
struct Bounded {
    text: String,
    /// Whether something did not fit. Nothing more is taken then.
    is_cut: bool,
}

impl Bounded {
    fn into_text(mut self) -> String {
        if self.is_cut {
            self.text.push('…');
        }
        self.text
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.is_cut {
            return Err(fmt::Error);
        }
        let left = limits::ERROR_TEXT_BYTES - self.text.len();
        let fits = more.floor_char_boundary(left.min(more.len()));
        self.text.push_str(&more[..fits]);
        self.is_cut = fits < more.len();
        if self.is_cut { Err(fmt::Error) } else { Ok(()) }
    }
}

/// An error of the user's, with the name of its type.
pub(crate) trait Carried: Send + Sync {
    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static);
    fn type_name(&self) -> &'static str;
}

impl<E: StdError + Send + Sync + 'static> Carried for E {
    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<E>()
    }
}

/// Shows an error of the user's. Where its own code panics or fails, the name of its type follows what it has written.
pub(crate) fn show(
    error: &dyn Carried,
    f: &mut fmt::Formatter<'_>,
    code: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    // Where it is written to may have failed as well: then this does so again.
    let name = error.type_name();
    match caught(|| code(f)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fmt::Error)) => write!(f, "<an error of type {name}, which cannot be shown>"),
        Err(panic) => write!(
            f,
            "<an error of type {name}, which panicked where it was to be shown: {panic}>"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics each time that it is dropped.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if let Some(next) = self.0.checked_sub(1) {
                std::panic::panic_any(Bomb(next));
            }
        }
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_a_panic_like_any_other() {
        for bombs in [1, 2, 5] {
            let caught = caught(|| std::panic::panic_any(Bomb(bombs)));
            assert_eq!(caught, Err("the panic carried no text".to_owned()));
        }
        assert_eq!(dropped(7), Ok(()));
        assert_eq!(
            dropped(Bomb(1)),
            Err("the panic carried no text".to_owned())
        );
    }

    #[test]
    fn text_is_cut_between_two_characters() {
        let limit = limits::ERROR_TEXT_BYTES;
        let fits = "x".repeat(limit);
        assert_eq!(error_text(&fits), fits);
        assert_eq!(error_text(&format!("{fits}y")), format!("{fits}…"));
        let wide = "é".repeat(limit);
        let text = error_text(&wide);
        assert_eq!(text.trim_end_matches('…').len(), limit);
        let odd = format!("x{wide}");
        assert_eq!(error_text(&odd).trim_end_matches('…').len(), limit - 1);
        let panicked = caught(|| panic!("{odd}"));
        assert_eq!(panicked, Err(error_text(&odd)));
    }

    /// Shows itself without an end, and does not care that nobody takes it.
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            while f.write_str("more ").is_ok() {}
            Ok(())
        }
    }

    #[test]
    fn what_shows_itself_without_an_end_is_cut() {
        let text = error_text(&Endless);
        assert!(text.starts_with("more more ") && text.ends_with('…'));
        assert_eq!(text.trim_end_matches('…').len(), limits::ERROR_TEXT_BYTES);
    }
}
