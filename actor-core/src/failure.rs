//! [`Failure`]: why a hook or an action did not succeed.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::caught::{self, Carried};
use crate::error_chain;

/// What a hook or an action returns: `Ok`, or the [`Failure`] that undoes it.
///
/// `?` turns every `std` error into a [`Failure`], Diesel's among them.
pub type Result<T, E = Failure> = core::result::Result<T, E>;

/// Why a hook or an action did not succeed.
///
/// It holds the user's own error, or a plain message, and is cheap to clone, because several waiting
/// callers may get the same one. It does not implement [`std::error::Error`] itself, so that `?` can
/// turn every error into it; [`as_error`](Failure::as_error) gives the error inside.
///
/// # Examples
///
/// ```
/// use actor_core::Failure;
///
/// fn parse(text: &str) -> Result<i64, Failure> {
///     if text.is_empty() {
///         return Err(Failure::message("the amount is missing"));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("").unwrap_err().to_string(), "the amount is missing");
/// assert!(parse("x").unwrap_err().downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
#[derive(Clone)]
pub struct Failure(SharedError);

/// An error that several waiting callers may get, and still an error itself.
///
/// It may be shown and dropped anywhere: where the `Display`, the `Debug` or the `Drop` of the error inside panics, that is shown
/// or logged, and goes no further.
#[derive(Clone)]
pub struct SharedError(
    // It is there until this is dropped.
    Option<Arc<dyn Carried>>,
);

impl SharedError {
    fn new(error: impl StdError + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(error)))
    }

    fn carried(&self) -> &dyn Carried {
        self.0.as_deref().expect("it is there until it is dropped")
    }

    /// Returns the error inside as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.carried().as_error().downcast_ref()
    }
}

impl Drop for SharedError {
    fn drop(&mut self) {
        // The last one drops what is inside, wherever that is.
        if let Err(panic) = caught::dropped(self.0.take()) {
            tracing::error!(error = panic, "the `Drop` of an error panicked");
        }
    }
}

impl fmt::Display for SharedError {
    /// Writes the error with its causes, whether or not its own text has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.carried();
        caught::show(error, f, |f| error_chain::write(f, error.as_error()))
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.carried();
        caught::show(error, f, |f| fmt::Debug::fmt(error.as_error(), f))
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = caught::caught(|| self.carried().as_error().source());
        source.unwrap_or_default()
    }
}

/// A failure that is only a sentence.
#[derive(Debug)]
struct Message(String);

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Message {}

impl Failure {
    /// Creates a failure from a sentence.
    pub fn message(message: impl Into<String>) -> Self {
        Self(SharedError::new(Message(message.into())))
    }

    /// Returns the error inside as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }

    /// Returns the error inside.
    #[must_use]
    pub fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.0.carried().as_error()
    }

    /// Returns the error inside, as an error.
    pub(crate) fn into_shared(self) -> SharedError {
        self.0
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(SharedError::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
