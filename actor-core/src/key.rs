//! [`Key`]: what tells the actors of one type apart.

use std::fmt;
use std::sync::Arc;

use crate::limits;

/// The key of an actor: one string, or several parts.
///
/// Any UTF-8 is allowed, the empty string and NUL too, up to 128 bytes a part and 1,024 in all. Keys are
/// compared byte for byte: upper and lower case differ, and `("a", "b")` is not `"a/b"`. It prints its parts
/// joined by `/`, with `~1` for a `/` and `~0` for a `~` inside a part.
///
/// # Examples
///
/// ```
/// use actor_core::{Key, KeyError};
///
/// let key = Key::from_parts(["tenant-7", "a/b"])?;
/// assert_eq!(key.to_string(), "tenant-7/a~1b");
/// assert_eq!(key.parts().collect::<Vec<_>>(), ["tenant-7", "a/b"]);
/// assert_eq!(Key::new(&"x".repeat(129)), Err(KeyError::PartTooLong { part: 0, bytes: 129 }));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// Why a text cannot be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// One part is too long.
    #[error(
        "part {part} of the key has {bytes} bytes, more than {}",
        limits::KEY_PART_BYTES
    )]
    PartTooLong {
        /// Which part, from 0.
        part: usize,
        /// How long it is.
        bytes: usize,
    },
    /// All parts together are too long.
    #[error("the key has {bytes} bytes, more than {}", limits::KEY_BYTES)]
    TooLong {
        /// How long they are.
        bytes: usize,
    },
    /// There are too many parts.
    #[error("the key has more than {} parts", limits::KEY_PARTS)]
    TooManyParts,
    /// There is no part at all.
    #[error("the key has no part")]
    NoParts,
    /// A stored key does not have the form that [`Key`] prints.
    #[error("`{text}` is not the printed form of a key")]
    Malformed {
        /// What was found.
        text: String,
    },
}

impl KeyError {
    /// Returns `"key"`.
    #[must_use]
    pub fn group(&self) -> &'static str {
        "key"
    }

    /// Returns the stable name of this error in its group.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PartTooLong { .. } => "part_too_long",
            Self::TooLong { .. } => "too_long",
            Self::TooManyParts => "too_many_parts",
            Self::NoParts => "no_parts",
            Self::Malformed { .. } => "malformed",
        }
    }
}

impl Key {
    /// Makes a key of one part.
    ///
    /// # Errors
    ///
    /// [`KeyError::PartTooLong`] above 128 bytes.
    pub fn new(part: &str) -> Result<Self, KeyError> {
        // Most keys are printed as they are.
        if part.len() <= limits::KEY_PART_BYTES
            && !part.bytes().any(|byte| matches!(byte, b'~' | b'/'))
        {
            return Ok(Self(part.into()));
        }
        Self::from_parts([part])
    }

    /// Makes a key of several parts.
    ///
    /// # Errors
    ///
    /// A [`KeyError`] when a part, all parts together or their number are over the limit, or there is none.
    pub fn from_parts<P: AsRef<str>>(parts: impl IntoIterator<Item = P>) -> Result<Self, KeyError> {
        let mut text = String::new();
        let (mut count, mut total) = (0, 0);
        for part in parts {
            let part = part.as_ref();
            let bytes = part.len();
            if bytes > limits::KEY_PART_BYTES {
                return Err(KeyError::PartTooLong { part: count, bytes });
            }
            if count == limits::KEY_PARTS {
                return Err(KeyError::TooManyParts);
            }
            if count > 0 {
                text.push('/');
            }
            escape(part, &mut text);
            count += 1;
            total += bytes;
        }
        match (count, total) {
            (0, _) => Err(KeyError::NoParts),
            (_, bytes) if bytes > limits::KEY_BYTES => Err(KeyError::TooLong { bytes }),
            _ => Ok(Self(text.into())),
        }
    }

    /// Returns the parts.
    pub fn parts(&self) -> impl Iterator<Item = String> + '_ {
        self.0
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
    }

    /// Returns the printed form, which is unique to the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the printed form back.
    ///
    /// # Errors
    ///
    /// A [`KeyError`] when no key prints like this.
    pub fn from_printed(text: &str) -> Result<Self, KeyError> {
        let read = Self(text.into());
        let key = Self::from_parts(read.parts())?;
        if key == read {
            Ok(key)
        } else {
            Err(KeyError::Malformed {
                text: text.to_owned(),
            })
        }
    }
}

/// Appends a part so that it holds no `/`, and nothing that it did not hold reads like an escape.
fn escape(part: &str, text: &mut String) {
    for character in part.chars() {
        match character {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            other => text.push(other),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A value that names an actor: a string, a tuple of strings, or a [`Key`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of an actor",
    label = "not a key",
    note = "a key is a `&str`, a `String`, a tuple of up to four of them, or a `Key`"
)]
pub trait IntoKey {
    /// Makes the key.
    ///
    /// # Errors
    ///
    /// A [`KeyError`] when it is over a limit.
    fn into_key(self) -> Result<Key, KeyError>;
}

impl IntoKey for Key {
    fn into_key(self) -> Result<Key, KeyError> {
        Ok(self)
    }
}

impl IntoKey for &Key {
    fn into_key(self) -> Result<Key, KeyError> {
        Ok(self.clone())
    }
}

impl IntoKey for &str {
    fn into_key(self) -> Result<Key, KeyError> {
        Key::new(self)
    }
}

impl IntoKey for String {
    fn into_key(self) -> Result<Key, KeyError> {
        Key::new(&self)
    }
}

impl IntoKey for &String {
    fn into_key(self) -> Result<Key, KeyError> {
        Key::new(self)
    }
}

macro_rules! tuple_keys {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: AsRef<str>),+> IntoKey for ($($name,)+) {
            fn into_key(self) -> Result<Key, KeyError> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                Key::from_parts([$($name.as_ref()),+])
            }
        }
    )*};
}

tuple_keys! { (A) (A, B) (A, B, C) (A, B, C, D) }

#[cfg(test)]
mod tests {
    use super::{IntoKey, Key, KeyError};

    #[test]
    fn parts_survive_the_printed_form() {
        for parts in [
            vec!["", ""],
            vec!["~1", "/", "~0~"],
            vec!["a/b"],
            vec!["\0", "🦀"],
        ] {
            let key = Key::from_parts(&parts).unwrap();
            assert_eq!(key.parts().collect::<Vec<_>>(), parts);
            assert_eq!(Key::from_printed(key.as_str()), Ok(key));
        }
    }

    #[test]
    fn the_limits_are_exact() {
        assert!(Key::new(&"x".repeat(128)).is_ok());
        let parts = vec!["x".repeat(128); 8];
        assert!(Key::from_parts(&parts).is_ok());
        let mut more = parts.clone();
        more.push("y".to_owned());
        assert_eq!(
            Key::from_parts(&more),
            Err(KeyError::TooLong { bytes: 1_025 })
        );
        assert_eq!(Key::from_parts(vec![""; 65]), Err(KeyError::TooManyParts));
        assert_eq!(Key::from_parts::<&str>([]), Err(KeyError::NoParts));
    }

    #[test]
    fn a_malformed_printed_form_is_refused() {
        assert_eq!(Key::from_printed("a~2").unwrap_err().code(), "malformed");
    }

    #[test]
    fn tuples_and_strings_differ() {
        assert_ne!(("a", "b").into_key(), "a/b".into_key());
    }
}
