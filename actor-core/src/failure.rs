//! [`Failure`]: why a hook or an action did not succeed.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

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
#[derive(Clone)]
pub struct SharedError(Arc<dyn StdError + Send + Sync + 'static>);

impl SharedError {
    /// Returns the error inside as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for SharedError {
    /// Writes the error with its causes, whether or not its own text has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        error_chain::write(f, &*self.0)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
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
        Self(SharedError(Arc::new(Message(message.into()))))
    }

    /// Returns the error inside as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.0.downcast_ref()
    }

    /// Returns the error inside.
    #[must_use]
    pub fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.0
    }

    /// Returns the error inside, as an error.
    pub(crate) fn into_shared(self) -> SharedError {
        self.0
    }

    /// Makes a failure of what a panic carried.
    pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
        if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).to_owned()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.clone()
        } else {
            "the panic carried no text".to_owned()
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(SharedError(Arc::new(error)))
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
