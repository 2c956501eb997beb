//! [`Same`]: compares two values by `PartialEq` where their type has it.
//!
//! Two variants of an untagged enum may write the same: then only the type itself tells them apart.
//! Generated code knows the type, and the compiler prefers [`EqualByValue`] where its bound holds.

/// A value, and the one that was read back for it.
#[derive(Debug)]
pub struct Same<'v, T>(pub &'v T, pub &'v T);

/// Types with `PartialEq`.
pub trait EqualByValue {
    /// Returns whether both are equal.
    fn same(&self) -> bool;
}

#[allow(
    clippy::eq_op,
    reason = "a value that does not equal itself says nothing by not equalling another"
)]
impl<T: PartialEq> EqualByValue for Same<'_, T> {
    fn same(&self) -> bool {
        self.0 == self.1 || self.0 != self.0
    }
}

/// All other types: what serde sees of them is all that can be compared.
pub trait EqualByTrace {
    /// Returns `true`.
    fn same(&self) -> bool;
}

impl<T> EqualByTrace for &Same<'_, T> {
    fn same(&self) -> bool {
        true
    }
}
